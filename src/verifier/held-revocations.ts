/** What is known of revocations: the entries of all documents so far, merged. */
import { digestSubject, type FeedEntry } from './feed.ts'
import {
  revocationSubjects,
  type NotBefore,
  type RevocationKind,
  type RevocationSubject,
  type TokenOrigin,
} from './not-before.ts'

export interface HeldRevocations {
  merge(entries: readonly FeedEntry[]): void
  /** Forgets what has expired by then, in seconds since 1970 by the issuer's clock. */
  expire(nowSeconds: number): void
  /** The records of what the token belongs to. Nothing is hashed for kinds of which nothing is held. */
  find(origin: TokenOrigin): NotBefore[] | Promise<NotBefore[]>
  isKeyRevoked(kid: string): boolean | Promise<boolean>
  /** Grows with every change. */
  version(): number
  size(): number
}

interface Held {
  notBefore: number
  expiresAt: number
}

export function createHeldRevocations({
  digest = digestSubject,
}: { digest?: typeof digestSubject } = {}): HeldRevocations {
  const byKind = new Map<RevocationKind, Map<string, Held>>()
  let version = 0
  let size = 0
  let nextExpiry = Infinity

  function mergeEntry([kind, subject, notBefore, expiresAt]: FeedEntry): void {
    const bySubject = byKind.get(kind) ?? new Map<string, Held>()
    byKind.set(kind, bySubject)
    const held = bySubject.get(subject)
    // In a restored database an entry may be older than what we hold.
    if (held && held.notBefore >= notBefore && held.expiresAt >= expiresAt) return
    bySubject.set(subject, {
      notBefore: Math.max(notBefore, held?.notBefore ?? notBefore),
      expiresAt: Math.max(expiresAt, held?.expiresAt ?? expiresAt),
    })
    nextExpiry = Math.min(nextExpiry, expiresAt)
    version += 1
    if (!held) size += 1
  }

  function pick(subjects: RevocationSubject[], digests: string[]): NotBefore[] {
    return subjects.flatMap((subject, index) => {
      const held = byKind.get(subject.kind)?.get(digests[index]!)
      return held ? [{ ...subject, notBefore: held.notBefore }] : []
    })
  }

  function find(subjects: RevocationSubject[]): NotBefore[] | Promise<NotBefore[]> {
    const candidates = subjects.filter(({ kind }) => byKind.has(kind))
    const digests = candidates.map(digest)
    return digests.every((text) => typeof text === 'string')
      ? pick(candidates, digests)
      : Promise.all(digests.map(async (text) => text)).then((texts) => pick(candidates, texts))
  }

  return {
    merge(entries) {
      for (const entry of entries) mergeEntry(entry)
    },
    expire(nowSeconds) {
      if (nowSeconds < nextExpiry) return
      const before = size
      nextExpiry = Infinity
      for (const [kind, bySubject] of byKind) {
        for (const [subject, { expiresAt }] of bySubject)
          if (expiresAt > nowSeconds) nextExpiry = Math.min(nextExpiry, expiresAt)
          else if (bySubject.delete(subject)) size -= 1
        if (bySubject.size === 0) byKind.delete(kind)
      }
      if (size < before) version += 1
    },
    find: (origin) => (size === 0 ? [] : find(revocationSubjects(origin))),
    isKeyRevoked(kid) {
      const records = find([{ kind: 'key', id: kid }])
      return records instanceof Promise
        ? records.then(({ length }) => length > 0)
        : records.length > 0
    },
    version: () => version,
    size: () => size,
  }
}
