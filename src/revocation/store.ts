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

export interface RecordedRevocation extends NotBefore {
  expiresAt: Date
  cursor: number
}

export interface RevocationPage {
  /** Another one after a restore or a failover: cursors of before may mean something else now. */
  history: string
  /** The greatest that was handed out, committed or not. */
  greatestCursor: number
  /** In the order of their cursors, which is that of their commits. */
  rows: RecordedRevocation[]
}

interface PageRow {
  history: string
  greatest_cursor: number
  kind: RevocationKind
  id: string
  not_before: Date
  expires_at: Date
  cursor: number | null
}

export function createRevocationStore(database: Queryable) {
  return {
    /**
     * Records that nothing issued before counts. A later not-before wins over an earlier one. A user is recorded by each name
     * that tokens have for them: the transaction must hold the user already (tokens/subject-store.ts).
     */
    async append(revocation: Revocation, transaction: Queryable): Promise<void> {
      // Cursors are handed out in commit order: a later commit must not slip behind a reader's cursor.
      await transaction.query(`select pg_advisory_xact_lock(hashtext('revocations'))`)
      await transaction.query(
        `insert into revocations as r (kind, id, not_before, expires_at, cursor, reason, revoked_at)
         select $1, named.id, to_timestamp($3), $4, nextval('revocations_cursor'), $5, $6
         from (
           select $2::text as id
           union all
           select subject from pairwise_subjects where $1::text = 'user' and sub = $2
         ) named
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

    /** The first `limit` records after a cursor, and the history that they are part of, in one statement. */
    async listAfter(cursor: number, limit: number): Promise<RevocationPage> {
      const found = await database.query<PageRow>(
        `select feed.history, feed.greatest_cursor, r.kind, r.id, r.not_before, r.expires_at, r.cursor
         from (
           select concat_ws(' ', 'revocations'::regclass::oid, extract(epoch from pg_postmaster_start_time()))
                    as history,
                  last_value as greatest_cursor
           from revocations_cursor
         ) feed
         left join (
           select kind, id, not_before, expires_at, cursor
           from revocations
           where cursor > $1
           order by cursor
           limit $2
         ) r on true
         order by r.cursor`,
        [cursor, limit],
      )
      const { history, greatest_cursor: greatestCursor } = found[0]!
      return { history, greatestCursor, rows: found.flatMap(toRecordedRevocation) }
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

function toRecordedRevocation(row: PageRow): RecordedRevocation[] {
  if (row.cursor === null) return [] // there is none
  return [
    {
      kind: row.kind,
      id: row.id,
      notBefore: row.not_before.getTime() / 1000,
      expiresAt: row.expires_at,
      cursor: row.cursor,
    },
  ]
}

export type RevocationStore = ReturnType<typeof createRevocationStore>
