/**
 * Revoking by issue time: what was issued before the instant is refused, what is issued later is not.
 *
 * Each act goes in two steps. The first ends what tokens are issued from (sign-ins, codes, refresh tokens) where whoever
 * issues looks at it. The second, once that is there for all to see, reads the clock and records the not-before: whoever
 * missed the first step read its clock earlier, so the record covers what it issues, without a lock on the issuing side.
 */
import type { AuditStore } from '../audit/store.ts'
import type { Clock } from '../database/clock.ts'
import type { Database, Queryable } from '../database/database.ts'
import { Refusal } from '../protocol/refusal.ts'
import type { Accounts } from '../users/accounts.ts'
import { isRevoked, revocationSubjects, type TokenOrigin } from '../verifier/not-before.ts'
import type { SessionEndings, SessionName } from './ending-store.ts'
import { createRecorder, type Act, type End, type Revoked } from './recorder.ts'
import type { RevocationStore } from './store.ts'

export interface Revocations {
  /**
   * Refuses everything that this user holds. Who signs in again may do so at once, and gets tokens from the not-before on:
   * the issuing side waits (tokens/issue-instant.ts). Throws a Refusal when there is no such user.
   */
  revokeUser(sub: string, act: Act): Promise<Revoked>
  /**
   * Ends a browser's session with its codes and access tokens; refresh tokens live on (OpenID Connect Back-Channel Logout
   * §2.7) unless they are to end too. Answers undefined when nothing of it was left.
   */
  revokeSession(
    session: SessionName,
    act: Act & { refreshTokens?: boolean },
  ): Promise<Revoked | undefined>
  /**
   * Refuses everything that this client holds and asks for at present; the client itself goes on. Its tokens are issued
   * without a round trip, so it is the act that waits: who asks after it has resolved, at most 2 s later, gets a token that
   * counts. Throws a Refusal when there is no such client.
   */
  revokeClient(clientId: string, act: Act): Promise<Revoked>
  /** Ends one grant: its refresh tokens and its access tokens. */
  revokeGrant(grantId: string, act: Act): Promise<Revoked>
  /** Refuses one access token. */
  revokeToken(jti: string, act: Act): Promise<Revoked>
  /** Refuses all that anybody holds: sessions, codes, refresh and access tokens. It waits as `revokeClient` does. */
  revokeEverything(act: Act): Promise<Revoked>
  /** Refuses whatever a signing key has signed or will sign; part of the transaction that revokes the key. */
  revokeKey(
    kid: string,
    revocation: { at: Date; trustedUntil: Date; reason?: string | null | undefined },
    transaction: Queryable,
  ): Promise<void>
  isRevoked(token: TokenOrigin): Promise<boolean>
}

/** Whoever has the key writes any iat into what he signs. */
const neverAgain = Date.UTC(9999, 11, 31) / 1000

/**
 * Whoever is issuing for a grant right now may date what it issues later, as it waits out the second of a revocation
 * of the user (tokens/issue-instant.ts). A grant never comes back, so its not-before may well lie in the future.
 */
const longestIssueSeconds = 60

/** A node's clock lags behind the database's by a round trip to it at most (database/clock.ts); this is a slow one. */
const longestLagMilliseconds = 500

export function createRevocations({
  database,
  store,
  audit,
  accounts,
  logouts,
  clock,
  longestTokenSeconds,
}: {
  database: Database
  store: RevocationStore
  audit: Pick<AuditStore, 'record'>
  accounts: Pick<Accounts, 'markRevoked'>
  logouts: SessionEndings
  clock: Clock
  /** How long a token issued now can live at most: afterwards its record is useless. */
  longestTokenSeconds: () => Promise<number>
}): Revocations {
  const recorder = createRecorder({ database, store, audit, clock, longestTokenSeconds })

  async function endUser(sub: string, at: Date, transaction: Queryable): Promise<void> {
    await accounts.markRevoked(sub, at, transaction)
    await logouts.endSessionsOfUser(sub, at, transaction)
  }

  /** The rest of what is told, only once the revocation stands: however many they are, they do not hold it up. */
  async function repeat(tellSome: End<boolean>): Promise<void> {
    while (await recorder.end(tellSome));
  }

  /** Resolves when no node dates what it issues from before. */
  async function passed(revoked: Revoked): Promise<Revoked> {
    await clock.waitUntil(new Date(revoked.notBefore.getTime() + longestLagMilliseconds))
    return revoked
  }

  return {
    async revokeUser(sub, act) {
      const ended = await recorder.end(async (at, endings, transaction) => {
        const counted = await endings.countOfUser(sub, at)
        await endUser(sub, at, transaction)
        return counted
      })
      return recorder.record({
        subject: { kind: 'user', id: sub },
        action: 'users.revoke',
        act,
        async end(at, _, transaction) {
          await endUser(sub, at, transaction)
          return ended
        },
      })
    },

    async revokeSession(session, { refreshTokens = false, ...act }) {
      const { sid } = session
      const longest = await longestTokenSeconds()
      const ended = await recorder.end(async (at, endings, transaction) => {
        const { codes = 0 } = await endings.countOfSession(sid, at)
        const sessions = await logouts.endSession(session, at, transaction)
        const families = refreshTokens ? await endings.endFamiliesOfSession(sid, at) : 0
        // Whoever came before may have ended it, and gone down before the second step.
        const isLeft =
          sessions + families > 0 || (await endings.isUnrecorded(session, oldestAlive(at, longest)))
        return isLeft ? { sessions, codes, refresh_tokens: families } : undefined
      })
      if (!ended) return undefined
      return recorder.record({
        subject: { kind: 'session', id: sid },
        action: 'sessions.revoke',
        act,
        async end(at, endings) {
          await endings.delayEndOfSession(sid, at)
          return ended
        },
      })
    },

    async revokeClient(clientId, act) {
      const { ended, hasMore } = await recorder.end(async (at, endings, transaction) => {
        const counted = await endings.countOfClient(clientId, at)
        if (!(await endings.endClient(clientId, at))) throw unknownClient(clientId)
        const more = await logouts.tellClient(clientId, at, transaction)
        return { ended: counted, hasMore: more }
      })
      const recorded = await recorder.record({
        subject: { kind: 'client', id: clientId },
        action: 'clients.revoke',
        act,
        async end(at, endings) {
          await endings.endClient(clientId, at)
          return ended
        },
      })
      if (hasMore) await repeat((at, _, within) => logouts.tellClient(clientId, at, within))
      return passed(recorded)
    },

    revokeGrant: (grantId, act) =>
      recorder.record({
        subject: { kind: 'grant', id: grantId },
        action: 'grants.revoke',
        act,
        marginSeconds: longestIssueSeconds,
        end: async (at, endings) => ({ refresh_tokens: await endings.endFamily(grantId, at) }),
      }),

    revokeToken: (jti, act) =>
      recorder.record({
        subject: { kind: 'token', id: jti },
        action: 'tokens.revoke',
        act,
        marginSeconds: longestIssueSeconds, // a token never comes back, and the clock that dated it may have been ahead
      }),

    async revokeEverything(act) {
      const hasMore = await recorder.end(async (at, endings, transaction) => {
        await endings.endEverything(at)
        return logouts.endAllSessions(at, transaction)
      })
      const recorded = await recorder.record({
        subject: { kind: 'everything', id: '' },
        action: 'everything.revoke',
        act,
        async end(at, endings) {
          await endings.endEverything(at)
          return {}
        },
      })
      if (hasMore) await repeat((_, __, within) => logouts.endAllSessions(recorded.at, within))
      return passed(recorded)
    },

    revokeKey: async (kid, { at, trustedUntil, reason }, transaction) =>
      store.append(
        {
          kind: 'key',
          id: kid,
          notBefore: neverAgain,
          // Afterwards no verifier has it in a JWKS.
          expiresAt: trustedUntil,
          reason: reason ?? undefined,
          revokedAt: at,
        },
        transaction,
      ),

    async isRevoked(token) {
      return isRevoked(token, await store.find(revocationSubjects(token)))
    },
  }
}

/** Nothing that was issued before it is alive. */
function oldestAlive(at: Date, longestSeconds: number): Date {
  return new Date(at.getTime() - longestSeconds * 1000)
}

function unknownClient(clientId: string): Refusal {
  return new Refusal(
    `There is no client with the client_id ${JSON.stringify(clientId)}. List the clients.`,
  )
}
