/** Whether a token is revoked, by what the follower of the feed holds, and what counts while that is stale. */
import { VerificationError } from './errors.ts'
import type { Follower } from './follower.ts'
import { isRevoked, type TokenOrigin } from './not-before.ts'

/** A token, and up to which version of what is held it is known to be good. */
export interface Judged {
  readonly origin: TokenOrigin
  version?: number
}

export interface RevocationCheck {
  /** Whether nothing has changed since it was judged. */
  isSettled(judged: Judged): boolean
  /**
   * Refuses with `key_revoked`, `token_revoked` or `revocations_stale`. Degraded is what is accepted although the feed
   * is stale.
   */
  judge(judged: Judged): Promise<'accepted' | 'degraded'>
}

export function createRevocationCheck({
  follower,
  whenStale = 'refuse',
}: {
  follower: Pick<Follower, 'version' | 'isFresh' | 'refresh' | 'find' | 'isKeyRevoked'>
  whenStale?: 'refuse' | 'accept' | undefined
}): RevocationCheck {
  return {
    isSettled: ({ version }) => version === follower.version() && follower.isFresh(),

    async judge(judged) {
      const { origin } = judged
      if (!follower.isFresh()) await follower.refresh()
      // What arrives from here on makes it unsettled.
      const version = follower.version()
      if (origin.kid !== undefined && (await follower.isKeyRevoked(origin.kid)))
        throw new VerificationError(
          'key_revoked',
          'The key that the token is signed with was revoked. Get a new token.',
        )
      if (isRevoked(origin, await follower.find(origin)))
        throw new VerificationError('token_revoked', 'The token was revoked. Get a new one.')
      if (follower.isFresh()) {
        judged.version = version
        return 'accepted'
      }
      if (whenStale === 'accept') return 'degraded'
      throw new VerificationError(
        'revocations_stale',
        'The issuer’s revocations are not known well enough at the moment. Try again later.',
      )
    },
  }
}
