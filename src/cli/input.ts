/** What commands read: JSON files, and secrets from standard input. */
import { readFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { Writable } from 'node:stream'
import { Refusal } from '../protocol/refusal.ts'

export interface PasswordOptions {
  password?: string | undefined
  passwordStdin?: true | undefined
}

/** `-` is standard input. */
export async function readJson(file: string): Promise<unknown> {
  const text = file === '-' ? await readStdin() : await readText(file)
  const name = file === '-' ? 'Standard input' : file
  try {
    return JSON.parse(text.replace(/^\ufeff/, ''))
  } catch (error) {
    throw new Refusal(`${name} is not JSON: ${withoutContent(error)}. Mend it and try again.`)
  }
}

export async function readStdin(): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of process.stdin) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

/** The given one, or one line of standard input, which a terminal asks for without showing it. */
export async function readPassword({ password, passwordStdin }: PasswordOptions): Promise<string> {
  if (password !== undefined) return password
  if (!passwordStdin)
    throw new Refusal('No password is given. Add --password-stdin and type it, or pipe it in.')
  if (process.stdin.isTTY) return askHidden('Password: ')
  return (await readStdin()).replace(/\r?\n$/, '')
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (cause) {
    throw new Refusal(`${file} cannot be read. Give the path of a JSON file, or - for stdin.`, {
      cause,
    })
  }
}

/** The engine quotes what it read, which may be a secret. */
function withoutContent(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error)
  return message.replace(/, (?:\.\.\.)?".*$/s, '').replace(/\.$/, '')
}

function askHidden(question: string): Promise<string> {
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() })
  const terminal = createInterface({ input: process.stdin, output: nowhere, terminal: true })
  process.stderr.write(question)
  return new Promise<string>((resolve, reject) => {
    terminal.question('', resolve)
    terminal.once('close', () => reject(new Refusal('No password was typed. Nothing is changed.')))
  }).finally(() => {
    terminal.close()
    process.stderr.write('\n')
  })
}
