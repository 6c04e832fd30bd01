/** Revoking by issue time: what was issued before the instant is refused, what is issued later is not. */
import type { Clock } from '../database/clock.ts'
import type { Database, Queryable } from '../database/database.ts'
import type { Accounts } from '../users/accounts.ts'
import {
  isRevoked,
  notBeforeOf,
  revocationSubjects,
  type RevocationSubject,
  type TokenOrigin,
} from '../verifier/not-before.ts'
import type { RevocationStore } from './store.ts'

export interface Revocations {
  /** Refuses everything this user holds; answers the instant up to which. */
  revokeUser(sub: string, reason?: string): Promise<Date>
  /** Refuses the access tokens of one grant. */
  revokeGrant(grantId: string, reason?: string): Promise<void>
  /** Refuses one access token. */
  revokeToken(jti: string, reason?: string): Promise<void>
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

export function createRevocations({
  database,
  store,
  accounts,
  endSessionsOfUser,
  clock,
  longestTokenSeconds,
}: {
  database: Database
  store: RevocationStore
  accounts: Pick<Accounts, 'markRevoked'>
  /** Those that began until then; their clients are told. */
  endSessionsOfUser: (sub: string, at: Date, transaction: Queryable) => Promise<void>
  clock: Clock
  /** How long a token issued now can live at most: afterwards its record is useless. */
  longestTokenSeconds: () => Promise<number>
}): Revocations {
  async function record(
    subject: RevocationSubject,
    reason: string | undefined,
    {
      marginSeconds = 0,
      also,
    }: {
      marginSeconds?: number
      also?: (at: Date, transaction: Queryable) => Promise<unknown>
    } = {},
  ): Promise<Date> {
    const at = await clock.databaseNow()
    const notBefore = notBeforeOf(at) + marginSeconds
    const expiresAt = new Date((notBefore + (await longestTokenSeconds())) * 1000)
    await database.transaction(async (transaction) => {
      await also?.(at, transaction)
      await store.append({ ...subject, notBefore, expiresAt, reason, revokedAt: at }, transaction)
    })
    return at
  }

  /**
   * Recorded twice: whoever is issuing reads its clock, then the records. Whoever missed the first record read its
   * clock before the second was taken, so the second covers what it issues, without a lock on the issuing side.
   */
  async function recordForAll(...args: Parameters<typeof record>): Promise<Date> {
    await record(...args)
    return record(...args)
  }

  return {
    revokeUser: (sub, reason) =>
      recordForAll({ kind: 'user', id: sub }, reason, {
        async also(at, transaction) {
          await accounts.markRevoked(sub, at, transaction)
          await endSessionsOfUser(sub, at, transaction)
        },
      }),
    async revokeGrant(grantId, reason) {
      await record({ kind: 'grant', id: grantId }, reason, { marginSeconds: longestIssueSeconds })
    },
    async revokeToken(jti, reason) {
      await record({ kind: 'token', id: jti }, reason)
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
