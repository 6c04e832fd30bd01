/** Connects to the PostgreSQL of the configuration, the embedded one without DATABASE_URL, and brings its schema up to date. */
import { fileURLToPath } from 'node:url'
import { createDatabaseClock, type DatabaseClock } from './clock.ts'
import type { Database } from './database.ts'
import { startEmbeddedPostgres } from './embedded/index.ts'
import { migrate } from './migrate.ts'
import { createDatabase } from './pool.ts'

export const migrationsDirectory = fileURLToPath(new URL('../../../sql/', import.meta.url))

export interface DatabaseLog {
  info(message: string): void
  error(details: { err: unknown }, message: string): void
}

export interface OpenOptions {
  /** Only one process at a time may serve from an embedded cluster; commands join it. */
  owner: 'serve' | 'command'
  log: DatabaseLog
}

export interface OpenDatabase {
  database: Database
  clock: DatabaseClock
  /** Where the data lies, for people: a folder, or the host of DATABASE_URL. */
  location: string
  /** Migrations applied now. */
  applied: string[]
  close(): Promise<void>
}

export interface DatabaseSettings {
  databaseUrl: string | undefined
  dataDir: string
  databasePoolSize: number
}

export async function openDatabase(
  { databaseUrl, dataDir, databasePoolSize }: DatabaseSettings,
  { owner, log }: OpenOptions,
): Promise<OpenDatabase> {
  const onError = (err: unknown) => log.error({ err }, 'a database connection broke')
  const embedded =
    databaseUrl === undefined
      ? await startEmbeddedPostgres({
          dataDirectory: dataDir,
          owner,
          log: (message) => log.info(message),
        })
      : undefined
  const connection = embedded?.connection ?? databaseUrl!
  const database = createDatabase(connection, { onError, maxConnections: databasePoolSize })
  async function close() {
    await database.close()
    await embedded?.stop()
  }
  try {
    const migrated = await migrate(connection, { directory: migrationsDirectory, onError })
    if (migrated.unknown.length > 0)
      log.info(`a newer release has migrated this database: ${migrated.unknown.join(', ')}`)
    return {
      database,
      clock: await createDatabaseClock(database),
      location: embedded?.dataDirectory ?? hostOf(connection),
      applied: migrated.applied,
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

/** Host and database, without user and password. */
function hostOf(databaseUrl: string): string {
  return decodeURIComponent(databaseUrl.replace(/^\w+:\/\/(?:[^/]*@)?/, '').replace(/\?.*$/, ''))
}
