/** A database of its own for a test: a clone of the migrated template, dropped when the test ends. */
import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { Test } from 'tap'
import type { Database } from '../../src/database/database.ts'
import { socketUrl } from '../../src/database/embedded/server.ts'
import { createDatabase } from '../../src/database/pool.ts'
import { runFile, templateName, type PostgresRun } from './postgres-run.ts'

export interface TestDatabase extends Database {
  /** postgresql:// URL, for a second pool or as the DATABASE_URL of a process. */
  url: string
}

/** Tests break connections on purpose. */
const onError = () => {}

export async function createTestDatabase(
  t: Test,
  { empty = false }: { empty?: boolean } = {},
): Promise<TestDatabase> {
  const { directory } = await findRun()
  const name = `test_${randomBytes(8).toString('hex')}`
  const url = socketUrl(directory, name)
  const administration = createDatabase(socketUrl(directory, 'postgres'), {
    onError,
    maxConnections: 1,
    statementTimeoutSeconds: 30,
  })
  await administration.query(
    `create database ${name} template ${empty ? 'template0' : templateName}`,
  )
  const database = createDatabase(url, { onError })
  let closed = false
  const close = async () => {
    if (!closed) await database.close()
    closed = true
  }
  t.teardown(async () => {
    await close()
    await administration.query(`drop database ${name} with (force)`)
    await administration.close()
  })
  return { ...database, url, close }
}

/** The same database as another node has it, with connections of its own. */
export function joinTestDatabase(t: Test, { url }: Pick<TestDatabase, 'url'>): TestDatabase {
  const database = createDatabase(url, { onError })
  t.teardown(() => database.close())
  return { ...database, url }
}

async function findRun(): Promise<PostgresRun> {
  const text = await readFile(runFile(), 'utf8').catch(() => {
    throw new Error('Run the tests with tap: its before script starts PostgreSQL')
  })
  const run: PostgresRun = JSON.parse(text)
  return run
}
