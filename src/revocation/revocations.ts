/**
 * Revoking by issue time: what was issued before the instant is refused, what is issued later is not. Each act ends, in one
 * transaction with its record, what tokens are issued from: sign-ins, codes, refresh tokens.
 */
import type { AuditStore } from '../audit/store.ts'
import type { Clock } from '../database/clock.ts'
import type { Database, Queryable } from '../database/database.ts'
import { Refusal } from '../protocol/refusal.ts'
import type { Accounts } from '../users/accounts.ts'
import { isRevoked, revocationSubjects, type TokenOrigin } from '../verifier/not-before.ts'
import { createEndingStore, type SessionEndings, type SessionName } from './ending-store.ts'
import { createRecorder, type Act, type Recording, type Revoked } from './recorder.ts'
import type { RevocationStore } from './store.ts'

export interface Revocations {
  /**
   * Refuses everything that this user holds. Who signs in again may do so at once, and gets tokens from the not-before on:
   * the issuing side waits (tokens/issue-instant.ts). `first` is done in the same transaction. Throws a Refusal when there is
   * no such user.
   */
  revokeUser(sub: string, act: Act & Pick<Recording, 'first'>): Promise<Revoked>
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
  const endings = createEndingStore(database)

  /** The rest of what is told, only once the revocation stands: however many they are, they do not hold it up. */
  async function repeat(tellSome: (transaction: Queryable) => Promise<boolean>): Promise<void> {
    while (await database.transaction(tellSome));
  }

  /** Resolves when no node dates what it issues from before. */
  async function recordAndWait(recording: Recording): Promise<Revoked> {
    const revoked = await recorder.recordForAll(recording)
    await clock.waitUntil(new Date(revoked.notBefore.getTime() + longestLagMilliseconds))
    return revoked
  }

  return {
    revokeUser: (sub, { first, ...act }) =>
      recorder.recordForAll({
        subject: { kind: 'user', id: sub },
        action: 'users.revoke',
        act,
        first,
        async end(at, within, transaction) {
          const ended = await within.countOfUser(sub, at)
          await accounts.markRevoked(sub, at, transaction)
          await logouts.endSessionsOfUser(sub, at, transaction)
          return ended
        },
      }),

    async revokeSession(session, { refreshTokens = false, ...act }) {
      const { sid } = session
      if (!(await endings.isOpenSession(session, { refreshTokens }))) return undefined
      return recorder.recordForAll({
        subject: { kind: 'session', id: sid },
        action: 'sessions.revoke',
        act,
        end: async (at, within, transaction) => ({
          codes: await within.countCodesOfSession(sid, at),
          sessions: await logouts.endSession(session, at, transaction),
          refresh_tokens: refreshTokens ? await within.endFamiliesOfSession(sid, at) : 0,
        }),
      })
    },

    async revokeClient(clientId, act) {
      let hasMore = false
      const revoked = await recordAndWait({
        subject: { kind: 'client', id: clientId },
        action: 'clients.revoke',
        act,
        async end(at, within, transaction) {
          const ended = await within.countOfClient(clientId, at)
          if (!(await within.endClient(clientId, at))) throw unknownClient(clientId)
          hasMore = await logouts.tellClient(clientId, at, transaction)
          return ended
        },
      })
      if (hasMore) await repeat((within) => logouts.tellClient(clientId, revoked.at, within))
      return revoked
    },

    revokeGrant: (grantId, act) =>
      recorder.record({
        subject: { kind: 'grant', id: grantId },
        action: 'grants.revoke',
        act,
        marginSeconds: longestIssueSeconds,
        end: async (at, within) => ({ refresh_tokens: await within.endFamily(grantId, at) }),
      }),

    revokeToken: (jti, act) =>
      recorder.record({
        subject: { kind: 'token', id: jti },
        action: 'tokens.revoke',
        act,
        marginSeconds: longestIssueSeconds, // a token never comes back, and the clock that dated it may have been ahead
      }),

    async revokeEverything(act) {
      let hasMore = false
      const revoked = await recordAndWait({
        subject: { kind: 'everything', id: '' },
        action: 'everything.revoke',
        act,
        async end(at, within, transaction) {
          await within.endEverything(at)
          hasMore = await logouts.endAllSessions(at, transaction)
          return {}
        },
      })
      if (hasMore) await repeat((within) => logouts.endAllSessions(revoked.at, within))
      return revoked
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

function unknownClient(clientId: string): Refusal {
  return new Refusal(
    `There is no client with the client_id ${JSON.stringify(clientId)}. List the clients.`,
  )
}
