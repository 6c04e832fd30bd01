/** Browser sessions: who is signed in, since when and how. The browser holds a secret, the database its hash. */
import { createHash, randomBytes, randomUUID } from 'node:crypto'
import type { Clock } from '../database/clock.ts'
import type { SessionStore, SessionWithConsent } from './store.ts'

export interface Session {
  /** Public session id, the `sid` of tokens. */
  sid: string
  sub: string
  /** When the person last proved who they are. */
  authTime: Date
  /** How they did (RFC 8176). */
  amr: string[]
}

export interface Authentication {
  sub: string
  amr: string[]
  /** An instant from before the password was read: a new one, or a revocation, since then is later. */
  authTime: Date
  /**
   * Instants that this authentication is known to follow, such as the user's last revocation. Another node may have
   * written them by a clock slightly ahead of ours; what follows must not appear to come before.
   */
  after: (Date | undefined)[]
}

export interface Sessions {
  /** With the secret for the cookie. The browser's former session ends; its sid goes on if it is the same user's. */
  start(
    authentication: Authentication,
    formerSecret: string | undefined,
  ): Promise<{ secret: string; sid: string }>
  find(secret: string | undefined): Promise<Session | undefined>
  /** With what the session's user allowed the client. */
  findWithConsent(
    secret: string | undefined,
    clientId: string,
  ): Promise<Partial<SessionWithConsent>>
  end(secret: string): Promise<void>
  /** Ends a session that an ID token names. */
  endBySid(named: { sub: string; sid: string }): Promise<void>
}

export function createSessions({
  store,
  clock,
  ttlSeconds,
}: {
  store: SessionStore
  clock: Clock
  ttlSeconds: number
}): Sessions {
  async function findLive(
    secret: string | undefined,
    clientId?: string,
  ): Promise<Partial<SessionWithConsent>> {
    if (secret === undefined) return {}
    return (await store.findLive(hash(secret), { clientId, now: clock.now() })) ?? {}
  }

  return {
    find: async (secret) => (await findLive(secret)).session,
    findWithConsent: findLive,
    async start({ sub, amr, authTime, after }, formerSecret) {
      const { session: former } = await findLive(formerSecret)
      if (formerSecret !== undefined) await store.end(hash(formerSecret), clock.now())
      const now = clock.now()
      const secret = randomBytes(32).toString('base64url')
      const sid = former?.sub === sub ? former.sid : randomUUID()
      await store.insert({
        sessionHash: hash(secret),
        sid,
        sub,
        amr,
        authTime: laterThanAll(authTime, after),
        createdAt: now,
        expiresAt: new Date(now.getTime() + ttlSeconds * 1000),
      })
      return { secret, sid }
    },
    end: (secret) => store.end(hash(secret), clock.now()),
    endBySid: (named) => store.endBySid(named, clock.now()),
  }
}

function laterThanAll(instant: Date, instants: (Date | undefined)[]): Date {
  const earliest = instants.map((one) => (one ? one.getTime() + 1 : 0))
  return new Date(Math.max(instant.getTime(), ...earliest))
}

function hash(secret: string): Buffer {
  return createHash('sha256').update(secret).digest()
}
