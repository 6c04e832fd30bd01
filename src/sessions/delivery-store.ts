/** SQL of the queue of logout tokens to deliver. */
import type { Queryable } from '../database/database.ts'
import type { SigningAlg } from '../protocol/signing-algs.ts'
import { logoutsChannel } from './logout-store.ts'

export interface LogoutDelivery {
  /** The jti of the logout token. */
  id: string
  clientId: string
  sub: string
  /** What the client knows the user by, if not by `sub`. */
  subject: string | undefined
  sid: string
  createdAt: Date
  /** Those begun, a running one included. */
  attempts: number
  /** During an attempt: when another node may take it over. */
  nextAttemptAt: Date
  /** What fails after this is given up. */
  expiresAt: Date
  lastError: string | undefined
}

/** A delivery that is this node's until the lease ends, with what its client has registered. */
export interface TakenDelivery extends LogoutDelivery {
  /** Undefined: the client does not want to hear of logouts any more. */
  uri: string | undefined
  alg: SigningAlg
}

export interface TakeRequest {
  now: Date
  leaseUntil: Date
  /** Clients to leave out. */
  busyClients: readonly string[]
  maxClients: number
  maxPerClient: number
}

interface DeliveryRow {
  id: string
  client_id: string
  sub: string
  subject: string | null
  sid: string
  created_at: Date
  attempts: number
  next_attempt_at: Date
  expires_at: Date
  last_error: string | null
}

interface TakenRow extends DeliveryRow {
  uri: string | null
  alg: SigningAlg
}

// A new one is due since ever, whatever the clock of the node that made it says.
const columns = `d.id, d.client_id, d.sub, d.subject, d.sid, d.created_at, d.attempts, d.expires_at, d.last_error,
  greatest(d.next_attempt_at, d.created_at) as next_attempt_at`

export function createDeliveryStore(database: Queryable) {
  return {
    /** What is due: a few of each client, so that many for one do not hold up another's, new ones before failed ones. */
    async take(request: TakeRequest): Promise<TakenDelivery[]> {
      const rows = await database.query<TakenRow>(
        `update logout_deliveries d
         set attempts = d.attempts + 1, next_attempt_at = $2
         from clients
         where clients.client_id = d.client_id and d.id = any (array(
           select due.id
           from (
             select client_id
             from logout_deliveries
             where next_attempt_at <= $1 and client_id <> all ($3::text[])
             group by client_id
             order by min(next_attempt_at) limit $4
           ) waiting
           cross join lateral (
             select id
             from logout_deliveries
             where client_id = waiting.client_id and next_attempt_at <= $1
             order by next_attempt_at limit $5 for update skip locked
           ) due))
         returning ${columns}, clients.metadata ->> 'backchannel_logout_uri' as uri,
           clients.metadata ->> 'id_token_signed_response_alg' as alg`,
        [
          request.now,
          request.leaseUntil,
          request.busyClients,
          request.maxClients,
          request.maxPerClient,
        ],
      )
      return rows.map(toTaken)
    },

    async remove(id: string): Promise<void> {
      await database.query('delete from logout_deliveries where id = $1', [id])
    },

    /** Does nothing when another node has taken it over since. */
    async postpone(
      { id, attempts }: LogoutDelivery,
      nextAttemptAt: Date,
      error: string,
    ): Promise<void> {
      await database.query(
        `update logout_deliveries set next_attempt_at = $3, last_error = $4
         where id = $1 and attempts = $2`,
        [id, attempts, nextAttemptAt, error],
      )
    },

    /** False when another node has taken it over since. */
    async giveUp({ id, attempts }: LogoutDelivery): Promise<boolean> {
      const rows = await database.query(
        'delete from logout_deliveries where id = $1 and attempts = $2 returning id',
        [id, attempts],
      )
      return rows.length === 1
    },

    /** The oldest first. */
    async list(clientId: string | undefined, limit: number): Promise<LogoutDelivery[]> {
      const rows = await database.query<DeliveryRow>(
        `select ${columns}
         from logout_deliveries d
         where $1::text is null or d.client_id = $1
         order by d.created_at, d.id
         limit $2`,
        [clientId ?? null, limit],
      )
      return rows.map(toDelivery)
    },

    /** Makes due at once what has failed; answers how many. */
    async retry(clientId: string | undefined): Promise<number> {
      const [row] = await database.query<{ count: number }>(
        `with renewed as (
           update logout_deliveries set next_attempt_at = '-infinity'
           where last_error is not null and ($1::text is null or client_id = $1)
           returning id)
         select (select count(*)::integer from renewed) as count, pg_notify($2, '')`,
        [clientId ?? null, logoutsChannel],
      )
      return row!.count
    },
  }
}

export type DeliveryStore = ReturnType<typeof createDeliveryStore>

function toTaken(row: TakenRow): TakenDelivery {
  return { ...toDelivery(row), uri: row.uri ?? undefined, alg: row.alg }
}

function toDelivery(row: DeliveryRow): LogoutDelivery {
  return {
    id: row.id,
    clientId: row.client_id,
    sub: row.sub,
    subject: row.subject ?? undefined,
    sid: row.sid,
    createdAt: row.created_at,
    attempts: row.attempts,
    nextAttemptAt: row.next_attempt_at,
    expiresAt: row.expires_at,
    lastError: row.last_error ?? undefined,
  }
}
