/** Who may read the revocation feed: anybody, or a client with the scope `revocations`. Judged from memory alone. */
import type { FastifyRequest } from 'fastify'
import type { Clock } from '../database/clock.ts'
import type { Keyring } from '../keys/keyring.ts'
import { verifyOwnToken } from '../keys/own-tokens.ts'
import type { RevocationFeed } from '../revocation/feed.ts'
import type { AccessTokenClaims } from '../tokens/access-tokens.ts'
import { feedScope } from '../verifier/feed.ts'
import { isRevoked, revocationSubjects } from '../verifier/not-before.ts'
import { challenge, requireBearerToken } from './bearer-token.ts'

export type FeedMode = 'client' | 'public' | 'off'

export interface FeedAccess {
  /** Throws the refusal, or answers whether the request is still welcome, to be asked again later. */
  admit(request: FastifyRequest): Promise<() => boolean>
}

export function createFeedAccess({
  mode,
  keyring,
  feed,
  clock,
  issuer,
  audience,
}: {
  mode: FeedMode
  keyring: Pick<Keyring, 'find'>
  feed: Pick<RevocationFeed, 'find'>
  clock: Pick<Clock, 'now'>
  issuer: string
  /** The `aud` of tokens that are for this issuer itself. */
  audience: string
}): FeedAccess {
  return {
    async admit(request) {
      if (mode === 'public') return () => true
      const token = requireBearerToken(request)
      const rules = { typ: 'at+jwt', issuer, now: clock.now() }
      const verdict = await verifyOwnToken(keyring, token, rules)
      if (!verdict.valid) throw invalidToken(verdict.detail)
      const claims = verdict.claims as unknown as AccessTokenClaims // signed by us, so issued with this shape
      const origin = { ...claims, kid: verdict.kid }
      const subjects = revocationSubjects(origin)
      const isAlive = () => clock.now().getTime() < claims.exp * 1000
      const isWelcome = () => isAlive() && !isRevoked(origin, feed.find(subjects))

      if (!isWelcome()) throw invalidToken('The token was revoked.')
      if (![claims.aud].flat().includes(audience))
        throw challenge('invalid_token', 'The access token is for another audience.')
      const scope = claims.scope?.split(' ') ?? []
      if (claims.grant_id !== undefined || !scope.includes(feedScope))
        throw challenge(
          'insufficient_scope',
          `The feed needs a client's own access token with the scope ${feedScope}.`,
          { scope: feedScope },
        )
      return isWelcome
    },
  }
}

function invalidToken(detail: string) {
  return challenge('invalid_token', 'The access token is not valid, expired or revoked.', {
    detail,
  })
}
