/** The audit_events table: who did what, when and why. An event is written in the transaction that makes it true. */
import type { Queryable } from '../database/database.ts'
import type { JsonObject } from '../protocol/json.ts'

export interface AuditEvent {
  at: Date
  /** noun.verb, such as `keys.rotate`. */
  action: string
  /** What it was done to, such as a kid, a sub or a sid. */
  subject: string
  /** `schedule` or `server`, when nobody did; else who, such as `ada@laptop`, `client:ID` or `user:SUB`. */
  actor: string
  reason: string | null
  details: JsonObject
}

export interface AuditEntry extends AuditEvent {
  id: number
}

export interface AuditStore {
  record(event: AuditEvent, transaction: Queryable): Promise<void>
  /** The oldest first; `after` is the id of the last entry that was seen. */
  list(page?: { after?: number; limit?: number }): Promise<AuditEntry[]>
  /** The newest first. The noun of an action, such as `keys`, stands for all actions of it. */
  listLatest(selection: {
    subject?: string | undefined
    action?: string | undefined
    limit: number
  }): Promise<AuditEntry[]>
}

export function createAuditStore(database: Queryable): AuditStore {
  return {
    async record({ at, action, subject, actor, reason, details }, transaction) {
      await transaction.query(
        `insert into audit_events (at, action, subject, actor, reason, details)
         values ($1, $2, $3, $4, $5, $6)`,
        [at, action, subject, actor, reason, JSON.stringify(details)],
      )
    },

    list: ({ after = 0, limit = 100 } = {}) =>
      database.query<AuditEntry>(
        `select id, at, action, subject, actor, reason, details
         from audit_events
         where id > $1
         order by id
         limit $2`,
        [after, limit],
      ),

    listLatest: ({ subject, action, limit }) =>
      database.query<AuditEntry>(
        `select id, at, action, subject, actor, reason, details
         from audit_events
         where ($1::text is null or subject = $1)
           and ($2::text is null or split_part(action, '.', 1) = split_part($2, '.', 1))
           and ($2::text is null or position('.' in $2) = 0 or action = $2)
         order by id desc
         limit $3`,
        [subject ?? null, action ?? null, limit],
      ),
  }
}
