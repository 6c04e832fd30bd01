/** Runs the real command line in a process of its own, on a database of the test. */
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import type { Test } from 'tap'
import type { Environment } from '../../src/config.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { packageRoot } from '../support/postgres-run.ts'

export interface Outcome {
  code: number | null
  stdout: string
  stderr: string
}

/** What JSON.parse answers: the tests say what they expect. */
export type Json = ReturnType<JSON['parse']>

export interface Cli {
  environment: Environment
  run(args: readonly string[], options?: RunOptions): Promise<Outcome>
  /** The document that --json prints; fails the test unless the command exits with `code`. */
  json(args: readonly string[], options?: RunOptions & { code?: number }): Promise<Json>
  /** The one line on standard error of a command that is refused with exit code 1 and prints nothing else. */
  refusal(args: readonly string[], options?: RunOptions): Promise<string>
}

interface RunOptions {
  input?: string | undefined
  env?: Environment
  nodeOptions?: string[]
}

const program = join(packageRoot, 'bin/claviger.cjs')

/** Without the NODE_OPTIONS by which tap instruments what it spawns, which takes long. */
export function spawnCli(args: readonly string[], env: Environment, nodeOptions: string[] = []) {
  const command = ['-u', 'NODE_OPTIONS', process.execPath, ...nodeOptions, program, ...args]
  return spawn('env', command, { env: { ...env } })
}

export function createCli(t: Test, settings: Environment): Cli {
  const environment: Environment = {
    ISSUER: 'http://localhost:3000',
    PORT: '0',
    TZ: 'UTC',
    PATH: process.env['PATH'],
    ...settings,
  }

  async function run(
    args: readonly string[],
    { input = '', env = {}, nodeOptions }: RunOptions = {},
  ): Promise<Outcome> {
    const child = spawnCli(args, { ...environment, ...env }, nodeOptions)
    const outcome: Outcome = { code: null, stdout: '', stderr: '' }
    child.stdout.setEncoding('utf8').on('data', (text: string) => (outcome.stdout += text))
    child.stderr.setEncoding('utf8').on('data', (text: string) => (outcome.stderr += text))
    child.stdin.on('error', () => {}) // a command that refuses at once does not read
    child.stdin.end(input)
    outcome.code = await new Promise((resolve) => child.once('close', resolve))
    return outcome
  }

  return {
    environment,
    run,
    async json(args, { code = 0, ...options } = {}) {
      const outcome = await run([...args, '--json'], options)
      t.equal(outcome.code, code, `${args.join(' ')} --json exits with ${code}`)
      return JSON.parse(outcome.stdout)
    },
    async refusal(args, options) {
      const { code, stdout, stderr } = await run(args, options)
      const line = stderr.trimEnd()
      t.strictSame(
        [code, stdout, line.split('\n').length],
        [1, '', 1],
        `${args.join(' ')}: ${line}`,
      )
      return line
    },
  }
}

/** A socket's directory goes into the query, where every parser of URLs accepts it. */
export function toDatabaseUrl({ url }: Pick<TestDatabase, 'url'>): string {
  return url.replace('@/', '@localhost/')
}

/** On a database of its own; its keys directory is empty at first. */
export async function createTestCli(t: Test, options?: { empty?: boolean }) {
  const database = await createTestDatabase(t, options)
  const directory = t.testdir({})
  const cli = createCli(t, {
    DATABASE_URL: toDatabaseUrl(database),
    CLAVIGER_KEYS_DIR: join(directory, 'keys'),
  })
  return { ...cli, database, directory }
}

export const newSecret = () => randomBytes(32).toString('hex')
