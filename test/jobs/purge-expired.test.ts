import { randomBytes, randomUUID } from 'node:crypto'
import { EventEmitter, once } from 'node:events'
import { createAuditStore } from '../../src/audit/store.ts'
import t from 'tap'
import type { Queryable } from '../../src/database/database.ts'
import { createPurgeExpired } from '../../src/jobs/purge-expired.ts'
import { createJobsStore } from '../../src/jobs/store.ts'
import { createTestClock } from '../support/clock.ts'
import { createTestDatabase } from '../support/database.ts'

const minute = 60

async function createUserAndClient(database: Queryable, now: Date): Promise<void> {
  await database.query(
    `insert into users (sub, username, created_at, updated_at) values ('u', 'u', $1, $1)`,
    [now],
  )
  await database.query(
    `insert into clients (client_id, metadata, allowed_origins, created_at, updated_at)
     values ('c', '{}', '{}', $1, $1)`,
    [now],
  )
}

/** One row in each table but refresh_families, that ends at `expiresAt`. */
async function insertEverywhere(database: Queryable, now: Date, expiresAt: Date): Promise<void> {
  const hash = randomBytes(32)
  await database.query(
    `insert into sessions (session_hash, sid, sub, auth_time, amr, created_at, expires_at)
     values ($1, $2, 'u', $3, '{}', $3, $4)`,
    [hash, randomUUID(), now, expiresAt],
  )
  await database.query(
    `insert into authorization_requests (request_hash, client_id, parameters, created_at, expires_at)
     values ($1, 'c', '[]', $2, $3)`,
    [hash, now, expiresAt],
  )
  await database.query(
    `insert into authorization_codes
       (code_hash, grant_id, client_id, sub, sid, scope, resources, auth_time, amr, created_at, expires_at)
     values ($1, $2, 'c', 'u', 's', '{}', '{}', $3, '{}', $3, $4)`,
    [hash, randomUUID(), now, expiresAt],
  )
  await database.query(
    `insert into device_codes
       (code_hash, user_code, client_id, scope, resources, created_at, expires_at, interval_seconds)
     values ($1, $2, 'c', '{}', '{}', $3, $4, 5)`,
    [hash, randomUUID(), now, expiresAt],
  )
  await database.query(
    `insert into session_clients (sid, sub, client_id, expires_at) values ($1, 'u', 'c', $2)`,
    [randomUUID(), expiresAt],
  )
  await database.query('insert into used_assertions (assertion_hash, expires_at) values ($1, $2)', [
    hash,
    expiresAt,
  ])
  await database.query('insert into used_proofs (proof_hash, expires_at) values ($1, $2)', [
    hash,
    expiresAt,
  ])
  await database.query(
    `insert into revocations (kind, id, not_before, expires_at, cursor, revoked_at)
     values ('user', $1, $2, $3, nextval('revocations_cursor'), $2)`,
    [randomUUID(), now, expiresAt],
  )
  await database.query(
    `insert into registration_tokens (id, token_hash, created_at, expires_at) values ($1, $2, $3, $4)`,
    [randomUUID(), hash, now, expiresAt],
  )
  await insertUnusedClient(database, now, expiresAt)
  await database.query('insert into rate_limits (key, points, expire) values ($1, 1, $2)', [
    randomUUID(),
    expiresAt.getTime(),
  ])
  await database.query(
    `insert into token_events (at, type, request_id, network, details, expires_at)
     values ($1, 'logout', 'r', 'unknown', '{}', $2)`,
    [now, expiresAt],
  )
  await database.query(
    `insert into signals
       (kind, subject_kind, subject, window_at, first_at, last_at, count, details, expires_at)
     values ('many-refusals', 'network', $1, $2, $2, $2, 51, '{}', $3)`,
    [randomUUID(), now, expiresAt],
  )
}

/** It registered itself, and goes unless it gets a token. */
async function insertUnusedClient(
  database: Queryable,
  now: Date,
  expiresAt: Date | null,
): Promise<string> {
  const clientId = randomUUID()
  await database.query(
    `with client as (
       insert into clients (client_id, metadata, allowed_origins, created_at, updated_at)
       values ($1, '{}', '{}', $2, $2))
     insert into client_registrations (client_id, access_token_hash, registered_at, expires_at)
     values ($1, '', $2, $3)`,
    [clientId, now, expiresAt],
  )
  return clientId
}

interface FamilyTimes {
  idleExpiresAt: Date
  expiresAt: Date
  revokedAt?: Date
}

async function insertFamily(database: Queryable, now: Date, times: FamilyTimes): Promise<string> {
  const grantId = randomUUID()
  await database.query(
    `insert into refresh_families
       (grant_id, client_id, sub, sid, scope, resources, auth_time, amr, generation, rotated_at, created_at,
        idle_expires_at, expires_at, revoked_at)
     values ($1, 'c', 'u', 's', '{}', '{}', $2, '{}', 1, $2, $2, $3, $4, $5)`,
    [grantId, now, times.idleExpiresAt, times.expiresAt, times.revokedAt ?? null],
  )
  return grantId
}

/** Of a logout token; it goes only long after it has expired. */
async function insertDelivery(database: Queryable, expiresAt: Date): Promise<void> {
  await database.query(
    `insert into logout_deliveries (client_id, sub, sid, created_at, expires_at)
     values ('c', 'u', 's', $1, $1)`,
    [expiresAt],
  )
}

async function countRows(database: Queryable): Promise<Record<string, number>> {
  const [counts] = await database.query<Record<string, number>>(
    `select (select count(*) from sessions)::int as sessions,
            (select count(*) from session_clients)::int as session_clients,
            (select count(*) from authorization_requests)::int as authorization_requests,
            (select count(*) from authorization_codes)::int as authorization_codes,
            (select count(*) from device_codes)::int as device_codes,
            (select count(*) from used_assertions)::int as used_assertions,
            (select count(*) from used_proofs)::int as used_proofs,
            (select count(*) from revocations)::int as revocations,
            (select count(*) from rate_limits)::int as rate_limits,
            (select count(*) from registration_tokens)::int as registration_tokens,
            (select count(*) from client_registrations)::int as client_registrations,
            (select count(*) from token_events)::int as token_events,
            (select count(*) from signals)::int as signals`,
  )
  return counts!
}

function everywhere(rows: number): Record<string, number> {
  return {
    sessions: rows,
    session_clients: rows,
    authorization_requests: rows,
    authorization_codes: rows,
    device_codes: rows,
    used_assertions: rows,
    used_proofs: rows,
    revocations: rows,
    rate_limits: rows,
    registration_tokens: rows,
    client_registrations: rows,
    token_events: rows,
    signals: rows,
  }
}

async function setUp(
  t: Parameters<typeof createTestDatabase>[0],
  { auditRetentionSeconds = 0 } = {},
) {
  const database = await createTestDatabase(t)
  const clock = createTestClock()
  const after = (seconds: number) => new Date(clock.now().getTime() + seconds * 1000)
  const job = createPurgeExpired({
    store: createJobsStore(database),
    clock,
    longestTokenSeconds: async () => 10 * minute,
    auditRetentionSeconds,
  })
  await createUserAndClient(database, clock.now())
  return { database, clock, after, job }
}

t.test('what expired is removed some minutes later, what is alive stays', async (t) => {
  const { database, clock, after, job } = await setUp(t)
  await insertEverywhere(database, clock.now(), after(60 * minute))
  await insertEverywhere(database, clock.now(), after(1 * minute))

  clock.advance(5 * minute)
  await job.run()
  t.strictSame(await countRows(database), everywhere(2), 'expired for less than five minutes')
  clock.advance(2 * minute)
  await job.run()
  t.strictSame(await countRows(database), everywhere(1))
})

t.test(
  'a refresh family goes when idle, over, or revoked longer than an access token lives',
  async (t) => {
    const { database, clock, after, job } = await setUp(t)
    const live = { idleExpiresAt: after(60 * minute), expiresAt: after(90 * minute) }
    const now = clock.now()
    const idle = await insertFamily(database, now, { ...live, idleExpiresAt: now })
    const over = await insertFamily(database, now, { ...live, expiresAt: now })
    const revoked = await insertFamily(database, now, { ...live, revokedAt: now })
    const untouched = await insertFamily(database, now, live)

    const remaining = async () => {
      await job.run()
      const rows = await database.query<{ grant_id: string }>(
        'select grant_id from refresh_families',
      )
      return new Set(rows.map((row) => row.grant_id))
    }
    clock.advance(4 * minute)
    t.strictSame(await remaining(), new Set([idle, over, revoked, untouched]))
    clock.advance(2 * minute)
    t.strictSame(await remaining(), new Set([revoked, untouched]))
    clock.advance(10 * minute)
    t.strictSame(await remaining(), new Set([untouched]))
  },
)

t.test(
  'a batch is bounded, one run takes several, and nodes do not wait for each other',
  async (t) => {
    const { database, clock, job } = await setUp(t)
    await database.query(
      `insert into used_assertions (assertion_hash, expires_at)
     select sha256(n::text::bytea), $1 from generate_series(1, 1200) n`,
      [clock.now()],
    )
    clock.advance(10 * minute)
    const store = createJobsStore(database)
    t.equal(await store.removeExpired('usedAssertions', clock.now(), 200), 200)

    await database.transaction(async (transaction) => {
      const elsewhere = createJobsStore(transaction)
      t.equal(await elsewhere.removeExpired('usedAssertions', clock.now(), 100), 100)
      t.equal(await store.removeExpired('usedAssertions', clock.now(), 100), 100)
    })
    t.equal((await countRows(database))['used_assertions'], 800)
    await job.run()
    t.equal((await countRows(database))['used_assertions'], 0)
  },
)

t.test(
  'signing keys stay for a month after they left the JWKS, revoked ones for three',
  async (t) => {
    const { database, clock, job } = await setUp(t)
    const insert = (kid: string, times: { leaves?: Date; revoked?: Date }) =>
      database.query(
        `insert into signing_keys (kid, alg, public_jwk, handle, key_encryption_key_id, published_at, signs_from,
         activated_at, retired_at, leaves_jwks_at, revoked_at)
       values ($1, 'ES256', '{}', '', '', $2, $2, $3, $3, $3, $4)`,
        [kid, clock.now(), times.leaves ?? null, times.revoked ?? null],
      )
    const remaining = async (days: number) => {
      clock.advance(days * 1440 * minute)
      await job.run()
      const rows = await database.query<{ kid: string }>(
        'select kid from signing_keys order by kid',
      )
      return rows.map(({ kid }) => kid)
    }
    const now = clock.now()
    await insert('gone', { leaves: now })
    await insert('retired and revoked', { leaves: now, revoked: now })
    await insert('next', {})
    t.strictSame(await remaining(30), ['gone', 'next', 'retired and revoked'])
    t.strictSame(await remaining(1), ['next', 'retired and revoked'])
    t.strictSame(await remaining(60), ['next'])
  },
)

t.test('a logout delivery that nobody gave up goes a week after it was to be', async (t) => {
  const { database, clock, job } = await setUp(t)
  await insertDelivery(database, clock.now())
  const remaining = async () => {
    await job.run()
    return (await database.query('select id from logout_deliveries')).length
  }
  clock.advance(7 * 1440 * minute)
  t.equal(await remaining(), 1)
  clock.advance(6 * minute)
  t.equal(await remaining(), 0)
})

t.test(
  'a client that describes itself goes after three days in which nobody consented or came back',
  async (t) => {
    const { database, clock, after, job } = await setUp(t)
    const now = clock.now()
    const insert = (id: string, fetchedAt: Date, revokedAt: Date | null = null) =>
      database.query(
        `insert into clients (client_id, metadata, allowed_origins, created_at, updated_at, revoked_at,
         document_fetched_at, document_fresh_until)
       values ($1, '{}', '{}', $2, $2, $3, $2, $2)`,
        [id, fetchedAt, revokedAt],
      )
    await insert('https://a.example/unused', now)
    await insert('https://a.example/revoked', now, now)
    await insert('https://a.example/consented', now)
    await insert('https://a.example/used', after(2 * 1440 * minute))
    await database.query(
      `insert into consents (sub, client_id, scope, resources, granted_at)
     values ('u', 'https://a.example/consented', '{}', '{}', $1)`,
      [now],
    )
    const remaining = async () => {
      await job.run()
      const rows = await database.query<{ id: string }>(
        `select client_id as id from clients order by client_id`,
      )
      return rows.map(({ id }) => id.replace('https://a.example/', ''))
    }
    clock.advance(3 * 1440 * minute)
    t.strictSame(await remaining(), ['c', 'consented', 'revoked', 'unused', 'used'])
    clock.advance(6 * minute)
    t.strictSame(await remaining(), ['c', 'consented', 'revoked', 'used'])
  },
)

t.test('the audit is kept as long as the setting says, and for ever with 0', async (t) => {
  for (const [auditRetentionSeconds, left] of [
    [1440 * minute, ['today']],
    [0, ['long ago', 'today']],
  ] as const) {
    const { database, clock, job } = await setUp(t, { auditRetentionSeconds })
    const audit = createAuditStore(database)
    const record = (subject: string) =>
      audit.record(
        { at: clock.now(), action: 'a.b', subject, actor: 'c', reason: null, details: {} },
        database,
      )
    await record('long ago')
    clock.advance(1440 * minute + 6 * minute)
    await record('today')
    await job.run()
    t.strictSame(
      (await audit.list()).map(({ subject }) => subject),
      left,
    )
  }
})

async function tablesWithExpiry(database: Queryable): Promise<string[]> {
  const rows = await database.query<{ name: string }>(
    `select distinct table_name as name from information_schema.columns
     where table_schema = 'public' and column_name in ('expires_at', 'expire') order by 1`,
  )
  return rows.map(({ name }) => name)
}

t.test('every table with an expiry is looked after', async (t) => {
  const { database } = await setUp(t)
  t.strictSame(
    await tablesWithExpiry(database),
    [
      'authorization_codes',
      'authorization_requests',
      'client_registrations',
      'device_codes',
      'logout_deliveries',
      'rate_limits',
      'refresh_families',
      'registration_tokens',
      'revocations',
      'session_clients',
      'sessions',
      'signals',
      'token_events',
      'used_assertions',
      'used_proofs',
    ],
    'a table that is missing here needs a statement in jobs/store.ts',
  )
})

t.test('a client that registered itself goes when it never got a token', async (t) => {
  const { database, clock, after, job } = await setUp(t)
  const unused = await insertUnusedClient(database, clock.now(), after(1 * minute))
  const used = await insertUnusedClient(database, clock.now(), null)
  const heard = new EventEmitter()
  const listening = once(heard, 'all of them') // what a listener hears first
  const stop = database.listen('clients', (clientId) => heard.emit(clientId || 'all of them'))
  await listening
  const told = once(heard, unused)
  clock.advance(10 * minute)
  await job.run()
  const rows = await database.query<{ client_id: string }>('select client_id from clients')
  t.strictSame(new Set(rows.map((row) => row.client_id)), new Set(['c', used]))
  await told
  await stop()
})

t.test('of every table it is known when its first row expires', async (t) => {
  const { database, clock, after } = await setUp(t)
  const store = createJobsStore(database)
  t.strictSame(await store.findFirstExpiries(), new Map())
  await insertEverywhere(database, clock.now(), after(2 * minute))
  await insertEverywhere(database, clock.now(), after(1 * minute))
  const over = { idleExpiresAt: after(1 * minute), expiresAt: after(3 * minute) }
  await insertFamily(database, clock.now(), over)
  await insertDelivery(database, after(1 * minute))

  const tables = await tablesWithExpiry(database)
  const expected = tables.map((table): [string, Date] => [table, after(1 * minute)])
  t.strictSame(await store.findFirstExpiries(), new Map(expected))
})
