/** What everybody can make us keep, in the name of a client that proves nothing, is bounded for each network. */
import type { Client } from '../clients/registry.ts'
import { tooMany } from '../protocol/errors.ts'
import type { RateLimits } from './rate-limits.ts'

/** To be called before its request is kept. One that has registered itself and never got a token proves nothing either. */
export async function limitStrangers(
  rateLimits: Pick<RateLimits, 'strangersRequest'>,
  { isPublic, isUntried = false }: Client,
  address: string,
): Promise<void> {
  if (!isPublic && !isUntried) return
  const verdict = await rateLimits.strangersRequest(address)
  if (!verdict.allowed) throw tooMany('requests', verdict.retryAfterSeconds)
}
