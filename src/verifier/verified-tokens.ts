/** What verified tokens said, by the digest of the token; of the most recently seen, never the token itself. */

export interface VerifiedTokens<Entry> {
  find(digest: string): Entry | undefined
  add(digest: string, entry: Entry): void
  clear(): void
  size(): number
}

export function createVerifiedTokens<Entry>(capacity: number): VerifiedTokens<Entry> {
  // In the order of their last use: a Map keeps that of insertion.
  const entries = new Map<string, Entry>()
  return {
    find(digest) {
      const entry = entries.get(digest)
      if (entry === undefined) return undefined
      entries.delete(digest)
      entries.set(digest, entry)
      return entry
    },
    add(digest, entry) {
      entries.delete(digest)
      entries.set(digest, entry)
      for (const eldest of entries.keys()) {
        if (entries.size <= capacity) break
        entries.delete(eldest)
      }
    },
    clear: () => entries.clear(),
    size: () => entries.size,
  }
}
