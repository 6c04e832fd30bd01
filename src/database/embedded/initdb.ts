/** Fills a directory with a new PostgreSQL cluster that has our user and our database. */
import { chown, mkdir } from 'node:fs/promises'
import { Refusal } from '../../protocol/refusal.ts'
import type { Binaries } from './binaries.ts'
import { run, type Account, type Outcome } from './run.ts'

export const superuser = 'claviger'
export const databaseName = 'claviger'

export interface ClusterOptions {
  binaries: Binaries
  account: Account | undefined
  /** For databases that nobody will miss. */
  noSync?: boolean
}

/** `directory` must be absent or empty. */
export async function createCluster(
  directory: string,
  { binaries, account, noSync = false }: ClusterOptions,
): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  if (account) await chown(directory, account.uid, account.gid)
  const options = [
    `--pgdata=${directory}`,
    `--username=${superuser}`,
    '--auth-local=trust', // whoever reaches the socket in its 0700 directory is the owner or root
    '--auth-host=reject',
    '--encoding=UTF8',
    '--locale=C',
    '--locale-provider=builtin', // the same on every system
    '--builtin-locale=C.UTF-8',
    '--no-instructions',
    ...(noSync ? ['--no-sync'] : []),
  ]
  refuseFailure(await run(binaries.initdb, options, { account }))
  const alone = ['--single', '-j', '-D', directory, 'postgres']
  const input = `create database ${databaseName};\n`
  refuseFailure(await run(binaries.postgres, alone, { account, input }))
}

function refuseFailure({ ok, output }: Outcome): void {
  if (!ok) throw new Refusal(`PostgreSQL could not be set up: ${output}`)
}
