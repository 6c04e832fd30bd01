/** Applies sql/NNNN_words.sql in order, forward only. Any number of processes may start at once. */
import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Refusal } from '../protocol/refusal.ts'
import { DatabaseUnavailable, type Queryable } from './database.ts'
import { createDatabase } from './pool.ts'

export interface MigrateOptions {
  /** Where the numbered files are. */
  directory: string
  onError: (error: unknown) => void
  /** How long a statement, the wait for another process's migrations included, may take. */
  statementTimeoutSeconds?: number
}

export interface Migrated {
  /** Names of the files applied now, in order. */
  applied: string[]
  /** Names applied earlier by a newer release. Harmless: a migration never breaks the previous release. */
  unknown: string[]
}

interface Migration {
  version: number
  name: string
  checksum: string
  text: string
}

type Applied = Pick<Migration, 'version' | 'name' | 'checksum'>

const oldestServer = 140000
const lock = 0x6d696772 // 'migr'

/** `connection` is a postgresql:// URL. Makes a connection of its own, as migrations may take longer than requests. */
export async function migrate(
  connection: string,
  { directory, onError, statementTimeoutSeconds = 600 }: MigrateOptions,
): Promise<Migrated> {
  const migrations = await readMigrations(directory)
  const database = createDatabase(connection, {
    onError,
    maxConnections: 1,
    statementTimeoutSeconds,
  })
  try {
    await refuseOldServer(database)
    return await database.transaction((transaction) => applyAll(transaction, migrations))
  } finally {
    await database.close()
  }
}

/** Reads the files, in order; refuses a gap or a name that does not fit. */
async function readMigrations(directory: string): Promise<Migration[]> {
  const names = (await readdir(directory)).filter((name) => name.endsWith('.sql')).toSorted()
  return Promise.all(
    names.map(async (name, index) => {
      const version = index + 1
      if (!name.startsWith(`${String(version).padStart(4, '0')}_`))
        throw new Refusal(
          `Migration ${version} is missing from ${directory}: found ${name} in its place. Install this release again.`,
        )
      const text = await readFile(join(directory, name), 'utf8')
      return { version, name, checksum: createHash('sha256').update(text).digest('hex'), text }
    }),
  )
}

async function applyAll(transaction: Queryable, migrations: Migration[]): Promise<Migrated> {
  await transaction.query('select pg_advisory_xact_lock($1)', [lock])
  const done = await findApplied(transaction)
  for (const [index, { version, name, checksum }] of done.entries()) {
    const ours = migrations[index]
    if (version !== index + 1)
      throw new Refusal(
        `The table schema_migrations lacks version ${index + 1}. Restore the database from a backup.`,
      )
    if (ours && ours.checksum !== checksum)
      throw new Refusal(
        `${ours.name} differs from ${name} as it was applied to this database. Restore the file: a change belongs into a new migration.`,
      )
  }
  const pending = migrations.slice(done.length)
  for (const { version, name, checksum, text } of pending) {
    await transaction.query(text).catch((error: Error) => {
      throw error instanceof DatabaseUnavailable
        ? error
        : new Refusal(`${name} failed, and nothing was applied: ${error.message}`, { cause: error })
    })
    await transaction.query(
      'insert into schema_migrations (version, name, checksum, applied_at) values ($1, $2, $3, clock_timestamp())',
      [version, name, checksum],
    )
  }
  return {
    applied: pending.map(({ name }) => name),
    unknown: done.slice(migrations.length).map(({ name }) => name),
  }
}

async function findApplied(transaction: Queryable): Promise<Applied[]> {
  const [table] = await transaction.query<{ name: string | null }>(
    "select to_regclass('schema_migrations')::text as name",
  )
  // Asked first, so that a role without the right to create works once everything is applied.
  if (table?.name == null)
    await transaction.query(
      `create table schema_migrations (
         version integer primary key,
         name text not null,
         checksum text not null, -- SHA-256 of the file
         applied_at timestamptz not null
       )`,
    )
  return transaction.query('select version, name, checksum from schema_migrations order by version')
}

async function refuseOldServer(database: Queryable): Promise<void> {
  const [server] = await database.query<{ number: number; version: string }>(
    `select current_setting('server_version_num')::integer as number,
            current_setting('server_version') as version`,
  )
  if (server!.number < oldestServer)
    throw new Refusal(
      `DATABASE_URL leads to PostgreSQL ${server!.version}. Use PostgreSQL 14 or newer.`,
    )
}
