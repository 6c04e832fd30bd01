/**
 * The instant that a user's tokens are dated. A revocation refuses everything up to the end of its second, so whoever
 * gets tokens right after it waits that second out: at most one, and no `iat` lies in the future.
 */
import type { Clock } from '../database/clock.ts'
import { OAuthError } from '../protocol/errors.ts'
import type { Account } from '../users/accounts.ts'
import { notBeforeOf } from '../verifier/not-before.ts'

/** What tokens are issued from, as it was read. */
export interface Origin {
  account: Account
  authTime: Date
  /** When the browser's session ended that refresh tokens outlive; their access tokens still carry its sid. */
  sessionEndedAt?: Date | undefined
}

export interface IssueInstants {
  /**
   * `readAt` is an instant from before the origin was read: a revocation that the origin does not show is later. After a
   * wait it is read again, undefined when it counts no more. Refuses with invalid_grant what was authenticated before the
   * user's last revocation, or whose user is disabled.
   */
  await(
    origin: Origin,
    options: { readAt: Date; readAgain: () => Promise<Origin | undefined> },
  ): Promise<Date>
}

/** One second, and what this node's clock may lag behind. */
const longestWaitMilliseconds = 10_000

export function createIssueInstants({ clock }: { clock: Clock }): IssueInstants {
  return {
    async await(origin, { readAt, readAgain }) {
      let [current, instant]: [Origin | undefined, Date] = [origin, readAt]
      for (;;) {
        requireLive(current)
        const notBefore = notBeforeOfLatest([current.account.revokedAt, current.sessionEndedAt])
        if (!notBefore || instant >= notBefore) return instant
        if (notBefore.getTime() - instant.getTime() > longestWaitMilliseconds)
          throw new OAuthError('temporarily_unavailable', 'Try again later.', {
            headers: { 'retry-after': '60' },
            detail: `a revocation lies in the future, at ${notBefore.toISOString()}: was the database's clock set back?`,
          })
        await clock.waitUntil(notBefore)
        instant = clock.now()
        current = await readAgain()
      }
    },
  }
}

function notBeforeOfLatest(instants: (Date | undefined)[]): Date | undefined {
  const seconds = instants.map((instant) => (instant ? notBeforeOf(instant) : 0))
  const latest = Math.max(...seconds)
  return latest > 0 ? new Date(latest * 1000) : undefined
}

function requireLive(origin: Origin | undefined): asserts origin is Origin {
  const { revokedAt, disabledAt } = origin?.account ?? {}
  const revoked = origin && revokedAt && origin.authTime <= revokedAt
  if (!origin || disabledAt || revoked)
    throw new OAuthError(
      'invalid_grant',
      'This sign-in counts no more. Send the user to sign in again.',
      {
        detail: revoked
          ? 'the user was revoked'
          : 'the user is disabled or gone, or the grant ended',
      },
    )
}
