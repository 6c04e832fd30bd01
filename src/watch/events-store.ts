/** The token_events table. Rows are only added, until they expire. */
import type { Queryable } from '../database/database.ts'
import type { EventRecord, EventType } from './events.ts'

export interface StoredEvent extends EventRecord {
  id: number
}

export interface EventFilter {
  since: Date
  /** Only those with a greater id. */
  after?: number | undefined
  type?: EventType | undefined
  sub?: string | undefined
  clientId?: string | undefined
  limit: number
}

export interface EventStore {
  /** In this order, in one statement; each of a user by the user's own `sub`, whatever the token named them by. */
  insert(events: readonly EventRecord[], retentionSeconds: number): Promise<void>
  /** The latest that fit, the oldest of them first. */
  list(filter: EventFilter): Promise<StoredEvent[]>
}

export function createEventStore(database: Queryable): EventStore {
  return {
    async insert(events, retentionSeconds) {
      await database.query(
        `insert into token_events
           (at, type, request_id, network, client_id, sub, sid, grant_id, jti, details, expires_at)
         select at, type, request_id, network, client_id,
           coalesce((select p.sub from pairwise_subjects p where p.subject = event.sub), event.sub),
           sid, grant_id, jti, details, at + make_interval(secs => $2)
         from jsonb_to_recordset($1) as event
           (at timestamptz, type text, request_id text, network text, client_id text, sub text, sid text,
            grant_id text, jti text, details jsonb)`,
        [JSON.stringify(events), retentionSeconds],
      )
    },

    async list({ since, after = 0, type, sub, clientId, limit }) {
      const rows = await database.query<StoredEvent>(
        `select id, at, type, request_id, network, client_id, sub, sid, grant_id, jti, details
         from token_events
         where at >= $1 and id > $2
           and ($3::text is null or type = $3)
           and ($4::text is null or sub = $4)
           and ($5::text is null or client_id = $5)
         order by at desc, id desc
         limit $6`,
        [since, after, type ?? null, sub ?? null, clientId ?? null, limit],
      )
      return rows.toReversed()
    },
  }
}
