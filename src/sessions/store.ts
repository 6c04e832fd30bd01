import type { Consent } from '../consents/consents.ts'
import type { Queryable } from '../database/database.ts'
import { isAuthenticatedSince } from '../users/store.ts'
import type { OpenSession, Session } from './sessions.ts'

interface SessionRow {
  sid: string
  sub: string
  auth_time: Date
  amr: string[]
}

interface SessionWithConsentRow extends SessionRow {
  scope: string[] | null
  resources: string[] | null
  claims: string[] | null
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

/** Of a session `s` of a user `u`, at $2: neither ended nor expired, of a user who is enabled and not revoked since. */
const isLive = `s.ended_at is null and s.expires_at > $2
  and u.disabled_at is null and ${isAuthenticatedSince('s.auth_time', 'u')}`

/**
 * SQL of when a session has ended, null while it is open. Of one that the same user began anew in the browser, an earlier
 * release has left several rows.
 */
export function sessionEndedAt(sid: string): string {
  return `(
    select max(ended.ended_at) from sessions ended
    where ended.sid = ${sid} having bool_and(ended.ended_at is not null))`
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

    /** A session that still counts and, in the same round trip, what its user allowed the client. */
    async findLive(
      sessionHash: Buffer,
      { clientId, now }: { clientId: string | undefined; now: Date },
    ): Promise<SessionWithConsent | undefined> {
      const [row] = await database.query<SessionWithConsentRow>(
        `select s.sid, s.sub, s.auth_time, s.amr, c.scope, c.resources, c.claims, c.granted_at
         from sessions s
         join users u on u.sub = s.sub
         left join consents c on c.sub = s.sub and c.client_id = $3
         where s.session_hash = $1 and ${isLive}`,
        [sessionHash, now, clientId ?? null],
      )
      return row && toSessionWithConsent(row)
    },

    /** Those of a user that still count, the latest sign-in first. */
    async listLive(sub: string, now: Date): Promise<OpenSession[]> {
      const rows = await database.query<SessionRow & { expires_at: Date }>(
        `select s.sid, s.sub, s.auth_time, s.amr, s.expires_at
         from sessions s
         join users u on u.sub = s.sub
         where s.sub = $1 and ${isLive}
         order by s.auth_time desc, s.sid`,
        [sub, now],
      )
      return rows.map((row) => Object.assign(toSession(row), { expiresAt: row.expires_at }))
    },

    /** Whose session a browser holds, whether or not it still counts. */
    async findHeld(sessionHash: Buffer): Promise<{ sid: string; sub: string } | undefined> {
      const [row] = await database.query<{ sid: string; sub: string }>(
        'select sid, sub from sessions where session_hash = $1',
        [sessionHash],
      )
      return row
    },
  }
}

export type SessionStore = ReturnType<typeof createSessionStore>

function toSession(row: SessionRow): Session {
  return { sid: row.sid, sub: row.sub, authTime: row.auth_time, amr: row.amr }
}

function toSessionWithConsent(row: SessionWithConsentRow): SessionWithConsent {
  const { scope, resources, claims, granted_at: grantedAt } = row
  return {
    session: toSession(row),
    consent:
      scope && resources && claims && grantedAt
        ? { scope, resources, claims, grantedAt }
        : undefined,
  }
}

function signInValues({ sessionHash, sub, authTime, amr, createdAt, expiresAt }: SignIn) {
  return [sessionHash, sub, authTime, amr, createdAt, expiresAt]
}
