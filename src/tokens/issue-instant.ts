/**
 * The instant that a user's tokens are dated. A revocation refuses everything up to the end of its second, so whoever
 * signs in right after it waits that second out: at most one, and no `iat` lies in the future.
 */
import type { Clock } from '../database/clock.ts'
import { OAuthError } from '../protocol/errors.ts'
import type { Account, Accounts } from '../users/accounts.ts'
import { notBeforeOf } from '../verifier/not-before.ts'

export interface IssueInstants {
  /**
   * `readAt` is an instant from before the account was read: a revocation that the account does not show is later.
   * Refuses with invalid_grant what was authenticated before the user's last revocation, or whose user is disabled.
   */
  await(request: { account: Account; authTime: Date; readAt: Date }): Promise<Date>
}

/** One second, and what this node's clock may lag behind. */
const longestWaitMilliseconds = 10_000

export function createIssueInstants({
  accounts,
  clock,
}: {
  accounts: Pick<Accounts, 'findBySub'>
  clock: Clock
}): IssueInstants {
  return {
    async await({ account, authTime, readAt }) {
      let [current, instant]: [Account | undefined, Date] = [account, readAt]
      for (;;) {
        requireLive(current, authTime)
        const notBefore = current.revokedAt && new Date(notBeforeOf(current.revokedAt) * 1000)
        if (!notBefore || instant >= notBefore) return instant
        if (notBefore.getTime() - instant.getTime() > longestWaitMilliseconds)
          throw new OAuthError('temporarily_unavailable', 'Try again later.', {
            headers: { 'retry-after': '60' },
            detail: `the user was revoked in the future, at ${notBefore.toISOString()}: was the database's clock set back?`,
          })
        await clock.waitUntil(notBefore)
        instant = clock.now()
        current = await accounts.findBySub(account.sub)
      }
    },
  }
}

function requireLive(account: Account | undefined, authTime: Date): asserts account is Account {
  const revoked = account?.revokedAt && authTime <= account.revokedAt
  if (!account || account.disabledAt || revoked)
    throw new OAuthError(
      'invalid_grant',
      'This sign-in counts no more. Send the user to sign in again.',
      {
        detail: revoked ? 'the user was revoked' : 'the user is disabled or gone',
      },
    )
}
