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

/** What a sign-in gives a session. */
export interface SignIn extends Omit<Session, 'sid'> {
  sessionHash: Buffer
  createdAt: Date
  expiresAt: Date
}

export function createSessionStore(database: Queryable) {
  return {
    async insert(sid: string, signIn: SignIn): Promise<void> {
      await database.query(
        `insert into sessions (session_hash, sub, auth_time, amr, created_at, expires_at, sid)
         values ($1, $2, $3, $4, $5, $6, $7)`,
        [...signInValues(signIn), sid],
      )
    },

    /** The session goes on under another secret, and so does what its clients hold. False when it has ended. */
    async renew(formerHash: Buffer, signIn: SignIn): Promise<boolean> {
      const rows = await database.query(
        `with renewed as (
           update sessions
           set session_hash = $1, auth_time = $3, amr = $4, created_at = $5, expires_at = $6
           where session_hash = $7 and sub = $2 and ended_at is null
           returning sid
         ), known as (
           update session_clients c set expires_at = greatest(c.expires_at, $6)
           from renewed
           where c.sid = renewed.sid
         )
         select sid from renewed`,
        [...signInValues(signIn), formerHash],
      )
      return rows.length === 1
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

    /** Whose it is, whether it still counts or not. */
    async findNamed(sessionHash: Buffer): Promise<{ sub: string; sid: string } | undefined> {
      const [row] = await database.query<{ sub: string; sid: string }>(
        'select sub, sid from sessions where session_hash = $1',
        [sessionHash],
      )
      return row
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

function signInValues({ sessionHash, sub, authTime, amr, createdAt, expiresAt }: SignIn) {
  return [sessionHash, sub, authTime, amr, createdAt, expiresAt]
}
