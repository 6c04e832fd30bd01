/** What a node remembers of clients and resources: read from Postgres once, forgotten when another node changes it. */
import { LRUCache } from 'lru-cache'
import type { Clock } from '../database/clock.ts'

// A notification can be lost, or not be carried by a pooler: nothing is believed for longer than this.
const maxAgeSeconds = 30
const maxAgeOfUnknownSeconds = 5

export interface Cache<Value> {
  find(key: string): Promise<Value | undefined>
  /** Forgets one entry, or all: also when told nothing, as `listen` does after it was disconnected. */
  invalidate(key?: string): void
}

export interface CacheDependencies<Value> {
  load: (key: string) => Promise<Value | undefined>
  clock: Clock
  /** How many entries are kept; as many unknown keys are kept apart, so that guesses do not push out what is known. */
  cacheSize: number
}

export function createCache<Value extends object>(
  dependencies: CacheDependencies<Value>,
): Cache<Value> {
  const { load, clock, cacheSize } = dependencies
  const options = { max: cacheSize, ttlResolution: 0, perf: { now: () => clock.now().getTime() } }
  const known = new LRUCache<string, Value>({ ...options, ttl: maxAgeSeconds * 1000 })
  const unknown = new LRUCache<string, true>({ ...options, ttl: maxAgeOfUnknownSeconds * 1000 })
  const loading = new Map<string, Promise<Value | undefined>>()

  function start(key: string): Promise<Value | undefined> {
    const promise = load(key)
      .then((value) => {
        // What was read before an invalidation may be old already: it is answered, but not remembered.
        if (loading.get(key) !== promise) return value
        if (value === undefined) unknown.set(key, true)
        else known.set(key, value)
        return value
      })
      .finally(() => {
        if (loading.get(key) === promise) loading.delete(key)
      })
    loading.set(key, promise)
    return promise
  }

  return {
    async find(key) {
      const value = known.get(key)
      if (value !== undefined || unknown.has(key)) return value
      return loading.get(key) ?? start(key)
    },

    invalidate(key = '') {
      for (const entries of [known, unknown, loading]) {
        if (key === '') entries.clear()
        else entries.delete(key)
      }
    },
  }
}
