/** Browser sessions: who is signed in, since when and how. The browser holds a secret, the database its hash. */
import { randomUUID } from 'node:crypto'
import type { Clock } from '../database/clock.ts'
import { addSeconds } from '../protocol/instants.ts'
import { createSecret, hashSecret } from '../protocol/secrets.ts'
import type { Revocations } from '../revocation/revocations.ts'
import type { SessionStore, SessionWithConsent, SignIn } from './store.ts'

export interface Session {
  /** Public session id, the `sid` of tokens. */
  sid: string
  sub: string
  /** When the person last proved who they are. */
  authTime: Date
  /** How they did (RFC 8176). */
  amr: string[]
}

export interface OpenSession extends Session {
  expiresAt: Date
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

/** A session that ends takes its codes and its access tokens along; refresh tokens outlive it. */
export interface Sessions {
  /** With the secret for the cookie. The browser's former session ends, or goes on by its sid if it is the same user's. */
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
  /** Those of a user that still count, the latest sign-in first. */
  list(sub: string): Promise<OpenSession[]>
  /** The person who holds it signs out. */
  end(secret: string): Promise<void>
  /** Ends a session that an ID token names. */
  endBySid(named: { sub: string; sid: string }): Promise<void>
}

export function createSessions({
  store,
  revocations,
  clock,
  ttlSeconds,
}: {
  store: SessionStore
  revocations: Pick<Revocations, 'revokeSession'>
  clock: Clock
  ttlSeconds: number
}): Sessions {
  async function findLive(
    secret: string | undefined,
    clientId?: string,
  ): Promise<Partial<SessionWithConsent>> {
    if (secret === undefined) return {}
    return (await store.findLive(hashSecret(secret), { clientId, now: clock.now() })) ?? {}
  }

  async function signOut(named: { sub: string; sid: string }): Promise<void> {
    await revocations.revokeSession(named, { actor: `user:${named.sub}`, reason: 'signed out' })
  }

  return {
    find: async (secret) => (await findLive(secret)).session,
    findWithConsent: findLive,
    async start({ sub, amr, authTime, after }, formerSecret) {
      const { session: former } = await findLive(formerSecret)
      const formerHash = formerSecret === undefined ? undefined : hashSecret(formerSecret)
      const now = clock.now()
      const secret = createSecret()
      const signIn: SignIn = {
        sessionHash: hashSecret(secret),
        sub,
        amr,
        authTime: laterThanAll(authTime, after),
        createdAt: now,
        expiresAt: addSeconds(now, ttlSeconds),
      }
      if (formerHash && former?.sub === sub && (await store.renew(formerHash, signIn)))
        return { secret, sid: former.sid }
      if (former && former.sub !== sub)
        await revocations.revokeSession(former, {
          actor: 'server',
          reason: 'another user signed in with this browser',
        })
      const sid = randomUUID()
      await store.insert(sid, signIn)
      return { secret, sid }
    },
    list: (sub) => store.listLive(sub, clock.now()),
    async end(secret) {
      const held = await store.findHeld(hashSecret(secret))
      if (held) await signOut(held)
    },
    endBySid: signOut,
  }
}

function laterThanAll(instant: Date, instants: (Date | undefined)[]): Date {
  const earliest = instants.map((one) => (one ? one.getTime() + 1 : 0))
  return new Date(Math.max(instant.getTime(), ...earliest))
}
