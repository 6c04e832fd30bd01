/** Runs one of PostgreSQL's programs to its end, as the account that may run it. */
import { execFile } from 'node:child_process'
import { Refusal } from '../../protocol/refusal.ts'

/** A user of the operating system. */
export interface Account {
  uid: number
  gid: number
}

export interface Outcome {
  ok: boolean
  output: string
}

/** What every program of PostgreSQL gets: nothing of ours leaks in, and its messages are in English. */
export const surroundings = {
  cwd: '/', // ours may be one that the account cannot enter
  env: { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' },
}

export function run(
  program: string,
  args: readonly string[],
  { account, input = '' }: { account?: Account | undefined; input?: string } = {},
): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = execFile(
      program,
      args,
      { ...surroundings, ...account },
      (error, stdout, stderr) => {
        if (error && typeof error.code === 'string') reject(cannotRun(program, error))
        else resolve({ ok: error === null, output: `${stdout}${stderr}`.trim() })
      },
    )
    child.stdin?.on('error', () => {}) // it may end without reading
    child.stdin?.end(input)
  })
}

export function cannotRun(program: string, cause: unknown): Refusal {
  return new Refusal(
    `${program} cannot be run on this system. Set DATABASE_URL to a PostgreSQL server of your own.`,
    { cause },
  )
}
