/** What doctor finds at the database: without creating it and without migrating it. */
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Config } from '../config.ts'
import { createDatabaseClock } from '../database/clock.ts'
import type { Database } from '../database/database.ts'
import { startEmbeddedPostgres } from '../database/embedded/index.ts'
import { codeOf } from '../database/errors.ts'
import { createDatabase } from '../database/pool.ts'
import { createSigningKeyStore, type SigningKey } from '../keys/store.ts'
import { findCertificateProblems, findUnreachable } from './doctor-clients.ts'
import {
  compareMigrations,
  describeMigrations,
  findMigrationProblems,
} from './doctor-migrations.ts'
import type { Findings, Problem } from './doctor.ts'
import { explain } from './errors.ts'
import { createDoctorStore, type ServerFacts } from './store.ts'

export interface DatabaseFindings extends Findings {
  /** Undefined when they cannot be read. */
  signingKeys: SigningKey[] | undefined
  now: Date
}

const pings = 5
const oldestServer = 14

export async function examineDatabase(config: Config): Promise<DatabaseFindings> {
  const place = placeOf(config)
  if (config.databaseUrl === undefined && !(await isCluster(config.dataDir)))
    return {
      document: { database: { ...place, exists: false } },
      rows: [['database', `${place.location}: none yet, the first start creates it`]],
      problems: [],
      signingKeys: [],
      now: new Date(),
    }
  try {
    return await withConnection(config, (database) => examineOpen(database, config, place))
  } catch (error) {
    const message = explain(error)
    if (message === undefined) throw error
    return {
      document: { database: { ...place, exists: true, reachable: false } },
      rows: [['database', `${place.location}: cannot be used`]],
      problems: [{ code: 'database', message }],
      signingKeys: undefined,
      now: new Date(),
    }
  }
}

type Place = ReturnType<typeof placeOf>

async function examineOpen(
  database: Database,
  config: Config,
  place: Place,
): Promise<DatabaseFindings> {
  const store = createDoctorStore(database)
  const clock = await createDatabaseClock(database)
  const facts = await store.getServerFacts()
  const { version, maxConnections } = facts
  const latency = await measure(() => store.ping())
  const migrations = await compareMigrations(await store.listAppliedMigrations())
  const offset = Math.round(clock.offsetMilliseconds())
  const pool = config.databasePoolSize
  const isMigrated = migrations.pending.length === 0
  const untold = isMigrated ? await store.listClientsUntold(anHourBefore(clock.now())) : []
  const withCertificates = isMigrated ? await store.listClientsWithCertificates() : []
  const unreachable = isMigrated ? await findUnreachable(config, await store.listClientUris()) : []
  return {
    document: {
      database: {
        ...place,
        exists: true,
        reachable: true,
        server_version: version,
        pool_size: pool,
        max_connections: maxConnections,
        latency_milliseconds: latency,
        migrations,
      },
      clock: { database_ahead_milliseconds: offset },
    },
    rows: [
      ['database', `PostgreSQL ${version}, ${place.kind}: ${place.location}`],
      ['migrations', describeMigrations(migrations)],
      ['pool', `at most ${pool} of the server's ${maxConnections} connections`],
      ['latency', `${latency} ms for a round trip`],
      ['clock', describeOffset(offset)],
    ],
    problems: [
      ...findMigrationProblems(migrations),
      ...findServerProblems(facts, pool),
      ...findClockProblems(offset, config.clockSkewSeconds),
      ...findLogoutProblems(untold),
      ...findCertificateProblems(config, withCertificates),
      ...unreachable,
    ],
    signingKeys: migrations.applied.length > 0 ? await createSigningKeyStore(database).list() : [],
    now: clock.now(),
  }
}

async function withConnection<T>(
  { databaseUrl, dataDir }: Config,
  work: (database: Database) => Promise<T>,
): Promise<T> {
  const embedded =
    databaseUrl === undefined
      ? await startEmbeddedPostgres({ dataDirectory: dataDir, owner: 'command', log: () => {} })
      : undefined
  const database = createDatabase(embedded?.connection ?? databaseUrl!, {
    onError: () => {},
    maxConnections: 1,
  })
  try {
    return await work(database)
  } finally {
    await database.close()
    await embedded?.stop()
  }
}

/** Without the password of the URL. */
function placeOf({ databaseUrl, dataDir }: Config) {
  if (databaseUrl === undefined)
    return { kind: 'embedded', location: join(dataDir, 'postgres') } as const
  const { host, pathname, searchParams } = new URL(databaseUrl)
  return { kind: 'external', location: `${searchParams.get('host') ?? host}${pathname}` } as const
}

async function isCluster(dataDir: string): Promise<boolean> {
  return stat(join(dataDir, 'postgres', 'PG_VERSION')).then(
    () => true,
    (error: unknown) => codeOf(error) !== 'ENOENT', // what cannot be seen may well be there
  )
}

function findServerProblems(facts: ServerFacts, pool: number): Problem[] {
  const sentences = [
    Number.parseInt(facts.version, 10) < oldestServer &&
      `PostgreSQL ${facts.version} is too old. Use PostgreSQL ${oldestServer} or newer.`,
    facts.isReadOnly &&
      'The database can only be read: it is a standby, perhaps. Let DATABASE_URL lead to the primary.',
    pool >= facts.maxConnections &&
      `CLAVIGER_DATABASE_POOL_SIZE is ${pool}, but the server allows ${facts.maxConnections} connections in all. Write less.`,
  ]
  return sentences
    .filter((message) => message !== false)
    .map((message) => ({ code: 'database', message }))
}

function findClockProblems(offset: number, skewSeconds: number): Problem[] {
  if (Math.abs(offset) <= skewSeconds * 1000) return []
  const message = `${describeOffset(offset)}, more than CLAVIGER_CLOCK_SKEW_SECONDS (${skewSeconds}). Tokens follow the database; keep both clocks by NTP.`
  return [{ code: 'clock', message }]
}

/** It may be that no server runs, too. */
function findLogoutProblems(clientIds: string[]): Problem[] {
  if (clientIds.length === 0) return []
  const message = `For over an hour these clients could not be told of a logout: ${clientIds.join(', ')}. Type: claviger logouts list`
  return [{ code: 'logouts', message }]
}

function anHourBefore(instant: Date): Date {
  return new Date(instant.getTime() - 3_600_000)
}

function describeOffset(milliseconds: number): string {
  const side = milliseconds < 0 ? 'behind' : 'ahead of'
  return `the database is ${Math.abs(milliseconds)} ms ${side} this machine`
}

/** The median of several, in milliseconds. */
async function measure(ping: () => Promise<void>): Promise<number> {
  const times: number[] = []
  for (let count = 0; count < pings; count++) {
    const begun = performance.now()
    await ping()
    times.push(performance.now() - begun)
  }
  const median = times.toSorted((a, b) => a - b)[Math.floor(pings / 2)] ?? 0
  return Math.round(median * 100) / 100
}
