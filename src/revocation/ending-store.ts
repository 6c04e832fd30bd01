/** SQL of what a revocation ends besides access tokens, by instants that others compare with, not row by row where there are many. */
import type { Queryable } from '../database/database.ts'
import { isGrantedSince } from '../clients/store.ts'
import { isAuthenticatedSince } from '../users/store.ts'
import type { Ended } from './recorder.ts'

/** A count that says as much as anybody wants to know, and is quickly made. */
export const countLimit = 10_000

/** At $2, of a family `f` of a user `u` and a client `c`. */
const isLiveFamily = `f.revoked_at is null and least(f.idle_expires_at, f.expires_at) > $2
  and ${isAuthenticatedSince('f.auth_time', 'u')}
  and ${isGrantedSince('f.created_at', 'c')}`

const isOpenCode = `o.consumed_at is null and o.expires_at > $2
  and ${isAuthenticatedSince('o.auth_time', 'u')}
  and ${isGrantedSince('o.created_at', 'c')}`

function count(name: string, rows: string): string {
  return `(select count(*)::integer from (select ${rows} limit ${countLimit}) counted) as ${name}`
}

const countFamilies = (condition: string) =>
  count(
    'refresh_tokens',
    `from refresh_families f join users u on u.sub = f.sub join clients c on c.client_id = f.client_id
     where ${condition} and ${isLiveFamily}`,
  )

const countCodes = (condition: string) =>
  count(
    'codes',
    `from authorization_codes o join users u on u.sub = o.sub join clients c on c.client_id = o.client_id
     where ${condition} and ${isOpenCode}`,
  )

export function createEndingStore(queryable: Queryable) {
  async function countAll(columns: string[], id: string, at: Date): Promise<Ended> {
    const [row] = await queryable.query<Ended>(`select ${columns.join(', ')}`, [id, at])
    return row!
  }

  return {
    countOfUser: (sub: string, at: Date) =>
      countAll(
        [
          count(
            'sessions',
            `from sessions s join users u on u.sub = s.sub
             where s.sub = $1 and s.ended_at is null and s.expires_at > $2
               and ${isAuthenticatedSince('s.auth_time', 'u')}`,
          ),
          countCodes('o.sub = $1'),
          countFamilies('f.sub = $1'),
        ],
        sub,
        at,
      ),

    countOfClient: (clientId: string, at: Date) =>
      countAll(
        [
          countCodes('o.client_id = $1'),
          countFamilies('f.client_id = $1'),
          count(
            'authorization_requests',
            `from authorization_requests r join clients c on c.client_id = r.client_id
             where r.client_id = $1 and r.expires_at > $2
               and ${isGrantedSince('r.created_at', 'c')}`,
          ),
        ],
        clientId,
        at,
      ),

    async countCodesOfSession(sid: string, at: Date): Promise<number> {
      const { codes = 0 } = await countAll([countCodes('o.sid = $1')], sid, at)
      return codes
    },

    /** Answers whether there is such a client. */
    async endClient(clientId: string, at: Date): Promise<boolean> {
      const rows = await queryable.query(
        `update clients set grants_revoked_at = greatest(grants_revoked_at, $2)
         where client_id = $1
         returning client_id`,
        [clientId, at],
      )
      return rows.length > 0
    },

    async endEverything(at: Date): Promise<void> {
      await queryable.query(
        `insert into everything_revoked as e (revoked_at) values ($1)
         on conflict (only_row) do update set revoked_at = greatest(e.revoked_at, $1)`,
        [at],
      )
    },

    /** Whether anything of it is left to end. */
    async isOpenSession(
      { sid, sub }: SessionName,
      { refreshTokens }: { refreshTokens: boolean },
    ): Promise<boolean> {
      const [row] = await queryable.query<{ is_open: boolean }>(
        `select exists (
             select from sessions where sid = $1 and coalesce(sub = $2, true) and ended_at is null)
           or $3 and exists (
             select from refresh_families where sid = $1 and revoked_at is null) as is_open`,
        [sid, sub ?? null, refreshTokens],
      )
      return row!.is_open
    },

    /** Answers how many were not revoked before. */
    async endFamiliesOfSession(sid: string, at: Date): Promise<number> {
      const rows = await queryable.query(
        `update refresh_families set revoked_at = $2
         where sid = $1 and revoked_at is null
         returning grant_id`,
        [sid, at],
      )
      return rows.length
    },

    async endFamily(grantId: string, at: Date): Promise<number> {
      const rows = await queryable.query(
        `update refresh_families set revoked_at = $2
         where grant_id = $1 and revoked_at is null
         returning grant_id`,
        [grantId, at],
      )
      return rows.length
    },
  }
}

export interface SessionName {
  sid: string
  /** Whose it is, where that is known. */
  sub?: string | undefined
}

/** Ends browser sessions and has their clients told (sessions/logouts.ts), as part of the transaction. */
export interface SessionEndings {
  /** Answers how many were open. */
  endSession(session: SessionName, at: Date, transaction: Queryable): Promise<number>
  /** Every session of a user that began until then. */
  endSessionsOfUser(sub: string, at: Date, transaction: Queryable): Promise<void>
  /** Every session that began until then. Tells a limited number of clients; answers whether more may be left. */
  endAllSessions(at: Date, transaction: Queryable): Promise<boolean>
  /** Tells one client that its sessions have ended, a limited number; those in browsers go on. Answers whether more may be left. */
  tellClient(clientId: string, at: Date, transaction: Queryable): Promise<boolean>
}

export type EndingStore = ReturnType<typeof createEndingStore>
