/** SQL of the end of sessions. The transaction that ends one queues who is to be told. */
import type { Queryable } from '../database/database.ts'
import type { SessionName } from '../revocation/ending-store.ts'

/** The NOTIFY channel that tells of new deliveries. */
export const logoutsChannel = 'logouts'

/** Queues a delivery for each row of `told`; $1 is the current instant, $2 when it is given up. */
const queued = `queued as (
    insert into logout_deliveries (client_id, sub, subject, sid, created_at, expires_at)
    select client_id, sub, subject, sid, $1, $2 from told
    returning id
  )`

const notify = `pg_notify('${logoutsChannel}', '')`

const enqueueEnded = (condition: string) => `
  with told as (
    delete from session_clients c
    where ${condition} and not exists (
      select from sessions s where s.sid = c.sid and s.sub = c.sub and s.ended_at is null)
    returning c.sid, c.sub, c.subject, c.client_id
  ), ${queued}
  select ${notify} where exists (select from queued)`

/**
 * Sessions are ended by one statement and their clients queued by the next, of the same transaction: a code's redemption
 * that held the session before has left its client for the second to see, one that comes later finds the session ended
 * (tokens/code-store.ts).
 */
export function createLogoutStore(transaction: Queryable) {
  /** What somebody else holds is about to be told, renewed or purged. */
  async function enqueueBatch(condition: string, values: readonly unknown[]): Promise<number> {
    const [row] = await transaction.query<{ count: number }>(
      `with due as materialized (
         select c.sid, c.client_id from session_clients c
         where ${condition}
         limit $3 for update skip locked
       ), told as (
         delete from session_clients c using due
         where c.sid = due.sid and c.client_id = due.client_id
         returning c.sid, c.sub, c.subject, c.client_id
       ), ${queued}
       select count(*)::integer as count, ${notify} from told`,
      values,
    )
    return row!.count
  }

  return {
    /** Answers how many were open. Those that were not end at the later instant, for who compares with it. */
    async endSession({ sub, sid }: SessionName, at: Date, expiresAt: Date): Promise<number> {
      const [row] = await transaction.query<{ open: number }>(
        `with ended as (
           update sessions set ended_at = greatest(ended_at, $3)
           where sid = $1 and coalesce(sub = $2, true)
         )
         select count(*)::integer as open from sessions
         where sid = $1 and coalesce(sub = $2, true) and ended_at is null`,
        [sid, sub ?? null, at],
      )
      const tell = enqueueEnded('c.sid = $3 and coalesce(c.sub = $4, true)')
      await transaction.query(tell, [at, expiresAt, sid, sub ?? null])
      return row!.open
    },

    async endSessionsOfUser(sub: string, at: Date, expiresAt: Date): Promise<void> {
      await transaction.query(
        'update sessions set ended_at = $2 where sub = $1 and ended_at is null and auth_time <= $2',
        [sub, at],
      )
      await transaction.query(enqueueEnded('c.sub = $3'), [at, expiresAt, sub])
    },

    /**
     * Some of all: whether they have ended is told by the instant that everything was revoked at (users/store.ts). Answers
     * how many, `limit` at most.
     */
    enqueueSome: (limit: number, at: Date, expiresAt: Date) =>
      enqueueBatch(
        `not exists (
           select from sessions s where s.sid = c.sid and s.ended_at is null and s.auth_time > $1)`,
        [at, expiresAt, limit],
      ),

    /** Some of a client; answers how many, `limit` at most. */
    enqueueSomeOfClient: (clientId: string, limit: number, at: Date, expiresAt: Date) =>
      enqueueBatch('c.client_id = $4', [at, expiresAt, limit, clientId]),
  }
}
