import { clientsChannel } from '../clients/store.ts'
import type { Queryable } from '../database/database.ts'

export const expirables = [
  'sessions',
  'sessionClients',
  'logoutDeliveries',
  'authorizationRequests',
  'authorizationCodes',
  'deviceCodes',
  'expiredRefreshFamilies',
  'revokedRefreshFamilies',
  'usedAssertions',
  'usedProofs',
  'revocations',
  'rateLimits',
  'initialAccessTokens',
  'unusedClients',
  'goneSigningKeys',
  'revokedSigningKeys',
  'tokenEvents',
  'signals',
  'auditEvents',
  'clientDocuments',
] as const

export type Expirable = (typeof expirables)[number]

/** By `expires_at`, of a table with this key. */
const expired = (table: string, key: string) => `
    delete from ${table} where ${key} = any (array(
      select ${key} from ${table}
      where expires_at < $1
      order by expires_at limit $2 for update skip locked))`

/**
 * What has expired, one statement for each kind: $1 is the instant before which a row is useless, $2 how many to
 * remove. Rows that another node removes are passed over. `any (array(…))` and `materialized` pick them once, `in (…)`
 * might not.
 */
const statements: Record<Expirable, string> = {
  sessions: expired('sessions', 'session_hash'),

  sessionClients: `
    with due as materialized (
      select sid, client_id from session_clients
      where expires_at < $1
      order by expires_at limit $2 for update skip locked)
    delete from session_clients c using due where c.sid = due.sid and c.client_id = due.client_id`,

  logoutDeliveries: expired('logout_deliveries', 'id'),
  authorizationRequests: expired('authorization_requests', 'request_hash'),
  authorizationCodes: expired('authorization_codes', 'code_hash'),
  deviceCodes: expired('device_codes', 'code_hash'),

  expiredRefreshFamilies: `
    delete from refresh_families where grant_id = any (array(
      select grant_id from refresh_families
      where least(idle_expires_at, expires_at) < $1
      order by least(idle_expires_at, expires_at) limit $2 for update skip locked))`,

  revokedRefreshFamilies: `
    delete from refresh_families where grant_id = any (array(
      select grant_id from refresh_families
      where revoked_at < $1
      limit $2 for update skip locked))`,

  usedAssertions: expired('used_assertions', 'assertion_hash'),
  usedProofs: expired('used_proofs', 'proof_hash'),
  revocations: expired('revocations', 'cursor'),

  rateLimits: `
    delete from rate_limits where key = any (array(
      select key from rate_limits
      where expire < (extract(epoch from $1::timestamptz) * 1000)::bigint
      order by expire limit $2 for update skip locked))`,

  initialAccessTokens: expired('registration_tokens', 'id'),

  // Of one that has a token meanwhile the condition no longer holds when its row is locked.
  unusedClients: `
    with due as materialized (
      select client_id from client_registrations
      where expires_at < $1
      order by expires_at limit $2 for update skip locked),
    told as materialized (select client_id, pg_notify('${clientsChannel}', client_id) from due)
    delete from clients c using told where c.client_id = told.client_id`,

  goneSigningKeys: `
    delete from signing_keys where kid = any (array(
      select kid from signing_keys
      where leaves_jwks_at < $1 and revoked_at is null
      limit $2 for update skip locked))`,

  revokedSigningKeys: `
    delete from signing_keys where kid = any (array(
      select kid from signing_keys
      where revoked_at < $1
      limit $2 for update skip locked))`,

  tokenEvents: expired('token_events', 'id'),
  signals: expired('signals', 'ctid'),

  // Written in the order of their ids, or nearly: only the first ones are looked at.
  auditEvents: `
    delete from audit_events where id = any (array(
      select id from (select id, at from audit_events order by id limit $2) oldest
      where at < $1))`,

  // Whatever else refers to a client lives for a day at most.
  clientDocuments: `
    delete from clients where client_id = any (array(
      select client_id from clients c
      where document_fetched_at < $1 and revoked_at is null
        and not exists (select from consents where client_id = c.client_id)
        and not exists (select from refresh_families where client_id = c.client_id)
        and not exists (select from session_clients where client_id = c.client_id)
      limit $2 for update skip locked))`,
}

/** When the first row of each table expires; an index answers each. */
const expiries: Record<string, string> = {
  sessions: 'min(expires_at)',
  authorization_requests: 'min(expires_at)',
  authorization_codes: 'min(expires_at)',
  device_codes: 'min(expires_at)',
  refresh_families: 'min(least(idle_expires_at, expires_at))',
  used_assertions: 'min(expires_at)',
  used_proofs: 'min(expires_at)',
  revocations: 'min(expires_at)',
  registration_tokens: 'min(expires_at)',
  client_registrations: 'min(expires_at)',
  rate_limits: 'to_timestamp(min(expire) / 1000.0)',
  session_clients: 'min(expires_at)',
  logout_deliveries: 'min(expires_at)',
  token_events: 'min(expires_at)',
  signals: 'min(expires_at)',
}

export function createJobsStore(database: Queryable) {
  return {
    /** Removes at most `limit` rows that ended before the instant; answers how many. */
    async removeExpired(kind: Expirable, before: Date, limit: number): Promise<number> {
      const rows = await database.query(`${statements[kind]} returning 1`, [before, limit])
      return rows.length
    },

    /** By table; a table without a row that expires is left out. */
    async findFirstExpiries(): Promise<Map<string, Date>> {
      const rows = await database.query<{ name: string; first: Date | null }>(
        Object.entries(expiries)
          .map(([table, first]) => `select '${table}' as name, ${first} as first from ${table}`)
          .join(' union all '),
      )
      return new Map(rows.flatMap(({ name, first }) => (first ? [[name, first]] : [])))
    },
  }
}

export type JobsStore = ReturnType<typeof createJobsStore>
