/** What a verifier tells whoever watches it: each decision, and how the keys and the feed fare. */
import type { VerificationErrorCode } from './errors.ts'

export interface VerifierEvent {
  /** `degraded`: accepted although the feed is stale, because `whenStale` is `accept`. */
  type:
    | 'accepted'
    | 'refused'
    | 'degraded'
    | 'keys_fetched'
    | 'keys_unavailable'
    | 'feed_connected'
    | 'feed_lost'
    | 'feed_stale'
    | 'feed_fresh'
  /** Why it was refused. */
  code?: VerificationErrorCode | undefined
  /** These five only once the signature is known to be the issuer's. */
  kid?: string | undefined
  jti?: string | undefined
  client_id?: string | undefined
  sub?: string | undefined
  sid?: string | undefined
  detail?: string | undefined
}

export type Emit = (event: VerifierEvent) => void

/** A listener that fails, at once or later, changes no decision. */
export function createEmit(onEvent: ((event: VerifierEvent) => unknown) | undefined): Emit {
  return (event) => {
    try {
      const result = onEvent?.(event)
      if (result instanceof Promise) result.catch(() => {})
    } catch {
      // Its own concern.
    }
  }
}
