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
  granted_at: Date | null
}

export interface SessionWithConsent {
  session: Session
  consent: Consent | undefined
}

/** Of a session `s` of a user `u`, at $2: neither ended nor expired, of a user who is enabled and not revoked since. */
const isLive = `s.ended_at is null and s.expires_at > $2
  and u.disabled_at is null and ${isAuthenticatedSince('s.auth_time', 'u')}`

/**
 * SQL of when a session has ended, null while it is open. One that the same user began anew in the browser has several rows
 * of one sid.
 */
export function sessionEndedAt(sid: string): string {
  return `(
    select max(ended.ended_at) from sessions ended
    where ended.sid = ${sid} having bool_and(ended.ended_at is not null))`
}

export function createSessionStore(database: Queryable) {
  return {
    /**
     * Ends the browser's former session in the same statement. `continuedSid` is the sid that goes on, unless somebody
     * has ended that session in the meantime.
     */
    async begin(
      session: Session & { sessionHash: Buffer; createdAt: Date; expiresAt: Date },
      former: { sessionHash: Buffer | undefined; continuedSid: string | undefined },
    ): Promise<void> {
      await database.query(
        `with former as (
           update sessions set ended_at = $6
           where session_hash = $8 and ended_at is null
           returning sid
         )
         insert into sessions (session_hash, sid, sub, auth_time, amr, created_at, expires_at)
         values ($1, coalesce((select sid from former where sid = $9), $2), $3, $4, $5, $6, $7)`,
        [
          session.sessionHash,
          session.sid,
          session.sub,
          session.authTime,
          session.amr,
          session.createdAt,
          session.expiresAt,
          former.sessionHash ?? null,
          former.continuedSid ?? null,
        ],
      )
    },

    /** A session that still counts and, in the same round trip, what its user allowed the client. */
    async findLive(
      sessionHash: Buffer,
      { clientId, now }: { clientId: string | undefined; now: Date },
    ): Promise<SessionWithConsent | undefined> {
      const [row] = await database.query<SessionWithConsentRow>(
        `select s.sid, s.sub, s.auth_time, s.amr, c.scope, c.resources, c.granted_at
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

    /** Whose session a browser holds that has not ended, whether or not it still counts. */
    async findOpen(sessionHash: Buffer): Promise<{ sid: string; sub: string } | undefined> {
      const [row] = await database.query<{ sid: string; sub: string }>(
        'select sid, sub from sessions where session_hash = $1 and ended_at is null',
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
  const { scope, resources, granted_at: grantedAt } = row
  return {
    session: toSession(row),
    consent: scope && resources && grantedAt ? { scope, resources, grantedAt } : undefined,
  }
}
