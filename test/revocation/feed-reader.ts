/** A reader that follows the rules of docs/revocation-feed.md and does nothing else. */
import type { FeedDocument } from '../../src/verifier/feed.ts'

export interface FeedReader {
  /** Merges a document; answers whether more follows at once. */
  take(document: FeedDocument): boolean
  /** To ask with for what is new. */
  cursor(): string | undefined
  /** Everything recorded until then is held; in milliseconds since 1970. */
  asOf(): number
  /** `kind digest` → [not_before, expires_at], of those that have not expired by the issuer's clock. */
  held(): Map<string, [notBefore: number, expiresAt: number]>
}

/** Goes on where another one was, if there is one. */
export function createFeedReader(former?: FeedReader): FeedReader {
  const entries = new Map(former?.held())
  let cursor = former?.cursor()
  let asOf = -Infinity
  let clock = -Infinity

  return {
    take(document) {
      if (document.after !== undefined && document.after !== cursor) throw new Error('a gap')
      clock = Math.max(clock, document.clock)
      for (const [kind, digest, notBefore, expiresAt] of document.entries) {
        const [known, knownExpiry] = entries.get(`${kind} ${digest}`) ?? [0, 0]
        entries.set(`${kind} ${digest}`, [
          Math.max(known, notBefore),
          Math.max(knownExpiry, expiresAt),
        ])
      }
      for (const [name, [, expiresAt]] of entries)
        if (expiresAt * 1000 <= clock) entries.delete(name)
      ;({ cursor } = document)
      asOf = Math.max(asOf, document.as_of ?? -Infinity)
      return document.as_of === undefined
    },
    cursor: () => cursor,
    asOf: () => asOf,
    held: () => new Map(entries),
  }
}
