import type { Queryable } from '../database/database.ts'
import type { NotBefore, RevocationKind, RevocationSubject } from '../verifier/not-before.ts'

/** The NOTIFY channel that tells of every change. */
export const revocationsChannel = 'revocations'

export interface Revocation extends RevocationSubject {
  notBefore: number
  expiresAt: Date
  reason: string | undefined
  revokedAt: Date
}

export function createRevocationStore(database: Queryable) {
  return {
    /** Records that nothing issued before counts. A later not-before wins over an earlier one. */
    async append(revocation: Revocation, transaction: Queryable): Promise<void> {
      // Cursors are handed out in commit order: a later commit must not slip behind a reader's cursor.
      await transaction.query(`select pg_advisory_xact_lock(hashtext('revocations'))`)
      await transaction.query(
        `insert into revocations as r (kind, id, not_before, expires_at, cursor, reason, revoked_at)
         values ($1, $2, to_timestamp($3), $4, nextval('revocations_cursor'), $5, $6)
         on conflict (kind, id) do update set
           not_before = greatest(r.not_before, excluded.not_before),
           expires_at = greatest(r.expires_at, excluded.expires_at),
           cursor = excluded.cursor,
           reason = excluded.reason,
           revoked_at = excluded.revoked_at`,
        [
          revocation.kind,
          revocation.id,
          revocation.notBefore,
          revocation.expiresAt,
          revocation.reason ?? null,
          revocation.revokedAt,
        ],
      )
      await transaction.query('select pg_notify($1, $2)', [revocationsChannel, revocation.kind])
    },

    /** Pushes on until when tokens of this lifetime may be alive; forgets lifetimes of which none is any more. */
    async recordLifetime(lifetimeSeconds: number, aliveUntil: Date, now: Date): Promise<void> {
      await database.query(
        `with gone as (delete from token_lifetimes where alive_until < $3 and lifetime_seconds <> $1)
         insert into token_lifetimes as l (lifetime_seconds, alive_until)
         values ($1, $2)
         on conflict (lifetime_seconds) do update
           set alive_until = greatest(l.alive_until, excluded.alive_until)`,
        [lifetimeSeconds, aliveUntil, now],
      )
    },

    /** The longest lifetime of which a token may still be alive; 0 when none is known. */
    async longestLifetimeSeconds(now: Date): Promise<number> {
      const [row] = await database.query<{ seconds: number }>(
        `select coalesce(max(lifetime_seconds), 0)::integer as seconds
         from token_lifetimes
         where alive_until > $1`,
        [now],
      )
      return row!.seconds
    },

    /** The records of any of the subjects. */
    async find(subjects: readonly RevocationSubject[]): Promise<NotBefore[]> {
      const rows = await database.query<{ kind: RevocationKind; id: string; not_before: Date }>(
        `select r.kind, r.id, r.not_before
         from revocations r
         join unnest($1::text[], $2::text[]) as subject (kind, id) using (kind, id)`,
        [subjects.map(({ kind }) => kind), subjects.map(({ id }) => id)],
      )
      return rows.map((row) => ({
        kind: row.kind,
        id: row.id,
        notBefore: row.not_before.getTime() / 1000,
      }))
    },
  }
}

export type RevocationStore = ReturnType<typeof createRevocationStore>
