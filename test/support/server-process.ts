/** A real server in a process of its own, as people start it, on the database of a test. */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Test } from 'tap'
import type { Environment } from '../../src/config.ts'
import { spawnCli, toDatabaseUrl } from '../cli/run-cli.ts'
import type { TestDatabase } from './database.ts'
import { freePort } from './provider.ts'

export interface ServerProcess {
  issuer: string
  /** What it has logged so far, one object a line. */
  logged: Record<string, unknown>[]
  /** Resolves when it has logged such a line; rejects when it ends without. */
  said(line: { msg: string; level?: number; reqId?: string | null }): Promise<void>
  kill(signal: NodeJS.Signals): void
  /** Its exit code, or the signal that ended it. */
  ended: Promise<number | string>
}

export const keyEncryptionKey = randomBytes(32).toString('hex')

/** Resolves when the server listens; `issuer` starts it where one was before. */
export async function startServer(
  t: Test,
  database: Pick<TestDatabase, 'url'>,
  { issuer, environment = {} }: { issuer?: string; environment?: Environment } = {},
): Promise<ServerProcess> {
  const url = new URL(issuer ?? `http://127.0.0.1:${await freePort()}`)
  const child = spawnCli(['serve'], {
    PATH: process.env['PATH'],
    ISSUER: url.origin,
    HOST: url.hostname,
    PORT: url.port,
    DATABASE_URL: toDatabaseUrl(database),
    CLAVIGER_KEY_ENCRYPTION_KEY: keyEncryptionKey,
    ...environment,
  })
  t.teardown(() => child.kill('SIGKILL'))
  const logged: Record<string, unknown>[] = []
  const listeners = new Set<() => void>()
  let stderr = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  const lines = createInterface(child.stdout).on('line', (line) => {
    logged.push(JSON.parse(line) as Record<string, unknown>)
    for (const listener of listeners) listener()
  })
  const lastLine = once(lines, 'close')
  const ended = new Promise<number | string>((resolve) => {
    child.once('close', (code, signal) => {
      void lastLine.then(() => resolve(code ?? signal ?? 'gone'))
    })
  })

  async function said(line: Parameters<ServerProcess['said']>[0]): Promise<void> {
    const heard = new Promise<void>((resolve) => {
      const wanted = Object.entries(line)
      const listener = () => {
        const found = logged.find((one) => wanted.every(([name, value]) => one[name] === value))
        if (found) resolve()
      }
      listeners.add(listener)
      listener()
    })
    const end = ended.then((how) => {
      throw new Error(`The server ended (${how}) without '${line.msg}': ${stderr}`)
    })
    await Promise.race([heard, end])
  }

  await said({ msg: 'serving' })
  return { issuer: url.origin, logged, said, ended, kill: (signal) => void child.kill(signal) }
}
