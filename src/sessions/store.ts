import type { Consent } from '../consents/consents.ts'
import type { Queryable } from '../database/database.ts'
import type { Session } from './sessions.ts'

interface SessionRow {
  sid: string
  sub: string
  auth_time: Date
  amr: string[]
  scope: string[] | null
  resources: string[] | null
  granted_at: Date | null
}

export interface SessionWithConsent {
  session: Session
  consent: Consent | undefined
}

export function createSessionStore(database: Queryable) {
  return {
    async insert(session: Session & { sessionHash: Buffer; createdAt: Date; expiresAt: Date }) {
      await database.query(
        `insert into sessions (session_hash, sid, sub, auth_time, amr, created_at, expires_at)
         values ($1, $2, $3, $4, $5, $6, $7)`,
        [
          session.sessionHash,
          session.sid,
          session.sub,
          session.authTime,
          session.amr,
          session.createdAt,
          session.expiresAt,
        ],
      )
    },

    /**
     * A session that still counts: its user is enabled and authenticated after the user's last revocation. In the
     * same round trip, what that user allowed the client.
     */
    async findLive(
      sessionHash: Buffer,
      { clientId, now }: { clientId: string | undefined; now: Date },
    ): Promise<SessionWithConsent | undefined> {
      const [row] = await database.query<SessionRow>(
        `select s.sid, s.sub, s.auth_time, s.amr, c.scope, c.resources, c.granted_at
         from sessions s
         join users u on u.sub = s.sub
         left join consents c on c.sub = s.sub and c.client_id = $3
         where s.session_hash = $1 and s.ended_at is null and s.expires_at > $2
           and u.disabled_at is null and (u.revoked_at is null or s.auth_time > u.revoked_at)`,
        [sessionHash, now, clientId ?? null],
      )
      return row && toSessionWithConsent(row)
    },

    async end(sessionHash: Buffer, now: Date): Promise<void> {
      await database.query(
        'update sessions set ended_at = $2 where session_hash = $1 and ended_at is null',
        [sessionHash, now],
      )
    },

    async endBySid({ sub, sid }: { sub: string; sid: string }, now: Date): Promise<void> {
      await database.query(
        'update sessions set ended_at = $3 where sid = $1 and sub = $2 and ended_at is null',
        [sid, sub, now],
      )
    },
  }
}

export type SessionStore = ReturnType<typeof createSessionStore>

function toSessionWithConsent(row: SessionRow): SessionWithConsent {
  const { scope, resources, granted_at: grantedAt } = row
  return {
    session: { sid: row.sid, sub: row.sub, authTime: row.auth_time, amr: row.amr },
    consent: scope && resources && grantedAt ? { scope, resources, grantedAt } : undefined,
  }
}
