/** Takes a test's database away for a while. */
import type { Test } from 'tap'
import { createDatabase } from '../../src/database/pool.ts'
import { toDatabaseUrl } from '../cli/run-cli.ts'
import type { TestDatabase } from './database.ts'

/** Connected beside the test's database, which may refuse connections meanwhile. */
export function administrate(t: Test, database: Pick<TestDatabase, 'url'>) {
  const name = new URL(toDatabaseUrl(database)).pathname.slice(1)
  const administration = createDatabase(database.url.replace(name, 'postgres'), {
    onError: () => {},
  })
  t.teardown(() => administration.close())
  return { name, administration }
}

/** What it answers ends all connections, and refuses new ones as a Postgres does that is stopping; or allows them again. */
export function createOutage(t: Test, database: Pick<TestDatabase, 'url'>) {
  const { name, administration } = administrate(t, database)

  return async (isReachable: boolean): Promise<void> => {
    await administration.query(`alter database ${name} allow_connections ${isReachable}`)
    if (isReachable) return
    await administration.query(
      'select pg_terminate_backend(pid) from pg_stat_activity where datname = $1',
      [name],
    )
  }
}

/** A way to the database that can be taken from who uses it, while others keep theirs. */
export async function createOutageOfRole(t: Test, database: Pick<TestDatabase, 'url'>) {
  const { name, administration } = administrate(t, database)
  const role = `claviger_${name}`
  const { username: owner } = new URL(toDatabaseUrl(database))
  await administration.query(`create role ${role} login in role ${owner}`)
  t.teardown(() => administration.query(`drop role ${role}`))
  return {
    url: database.url.replace(`//${owner}@`, `//${role}@`),
    async setReachable(isReachable: boolean): Promise<void> {
      await administration.query(`alter role ${role} ${isReachable ? 'login' : 'nologin'}`)
      if (isReachable) return
      await administration.query(
        'select pg_terminate_backend(pid) from pg_stat_activity where usename = $1',
        [role],
      )
    },
  }
}
