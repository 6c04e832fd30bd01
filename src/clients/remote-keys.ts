/** Key sets that clients publish (RFC 7591 §2 jwks_uri): fetched when needed, kept for a while, and renewed when they do not fit. */
import { createLocalJWKSet, type JWK, type LocalJWKSet } from 'jose'
import { LRUCache } from 'lru-cache'
import type { Clock } from '../database/clock.ts'
import type { FetchDocument } from './documents.ts'
import { readKeySet } from './jwks.ts'

export interface KeySet {
  keys: readonly JWK[]
  keySet: LocalJWKSet
}

export interface RemoteKeys {
  get(uri: string): Promise<KeySet | { failure: string }>
  /** Fetches them anew, unless that was done a moment ago. */
  renew(uri: string): Promise<KeySet | { failure: string }>
}

const maxBytes = 64 * 1024
const maxUris = 1000
const coolDownSeconds = 10 // whoever sends nonsense in a client's name cannot make us fetch more often
const usualSeconds = 10 * 60
const [leastSeconds, mostSeconds] = [60, 60 * 60]
const staleSeconds = 60 * 60 // what else a client's outage would take away

interface Entry {
  held: KeySet | undefined
  failure: string
  attemptedAt: number
  freshUntil: number
}

export function createRemoteKeys({
  fetchDocument,
  clock,
}: {
  fetchDocument: FetchDocument
  clock: Pick<Clock, 'now'>
}): RemoteKeys {
  const entries = new LRUCache<string, Entry>({ max: maxUris })
  const now = () => clock.now().getTime() / 1000

  async function load(uri: string): Promise<Entry> {
    const attemptedAt = now()
    const fetched = await fetchDocument(uri, { maxBytes })
    const keys = 'failure' in fetched ? fetched : readKeySet(fetched.document)
    if ('failure' in keys) {
      const before = entries.peek(uri)
      const isUsable = before?.held && attemptedAt < before.freshUntil + staleSeconds
      const { held, freshUntil } = isUsable ? before : { held: undefined, freshUntil: 0 }
      return { held, failure: keys.failure, attemptedAt, freshUntil }
    }
    const { maxAgeSeconds = usualSeconds } = 'failure' in fetched ? {} : fetched
    return {
      held: { keys, keySet: createLocalJWKSet({ keys }) },
      failure: '',
      attemptedAt,
      freshUntil: attemptedAt + Math.min(mostSeconds, Math.max(leastSeconds, maxAgeSeconds)),
    }
  }

  async function find(uri: string, isWanted: (entry: Entry) => boolean) {
    const known = entries.get(uri)
    const isCooling = known && now() < known.attemptedAt + coolDownSeconds
    const entry = known && (isCooling || !isWanted(known)) ? known : await load(uri)
    entries.set(uri, entry)
    return entry.held ?? { failure: entry.failure }
  }

  return {
    get: (uri) => find(uri, ({ freshUntil }) => freshUntil <= now()),
    renew: (uri) => find(uri, () => true),
  }
}
