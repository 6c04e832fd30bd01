/** Who may read the revocation feed: anybody, or a client with the scope `revocations`. Judged from memory alone. */
import type { FastifyRequest } from 'fastify'
import type { Clock } from '../database/clock.ts'
import type { RevocationFeed } from '../revocation/feed.ts'
import { feedScope } from '../verifier/feed.ts'
import type { Witness } from '../watch/witness.ts'
import { requireIssuerScope, type IssuerAudience } from './issuer-scope.ts'

export type FeedMode = 'client' | 'public' | 'off'

export interface FeedAccess {
  /** Throws the refusal, or answers whether the request is still welcome, to be asked again later. */
  admit(request: FastifyRequest, witness: Pick<Witness, 'learn'>): Promise<() => boolean>
}

export function createFeedAccess({
  mode,
  feed,
  clock,
  ...issuer
}: {
  mode: FeedMode
  feed: Pick<RevocationFeed, 'isRevoked'>
  clock: Pick<Clock, 'now'>
} & IssuerAudience): FeedAccess {
  return {
    async admit(request, witness) {
      if (mode === 'public') return () => true
      const token = await requireIssuerScope(request, { ...issuer, scope: feedScope }, witness)
      const { claims, origin } = token
      return () => clock.now().getTime() < claims.exp * 1000 && !feed.isRevoked(origin)
    },
  }
}
