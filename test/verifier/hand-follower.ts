/** A follower of a feed that the test writes by hand. */
import type { Follower } from '../../src/verifier/follower.ts'
import type { NotBefore } from '../../src/verifier/not-before.ts'

export interface HandFollower extends Follower {
  revoke(record: NotBefore): void
  revokeKey(kid: string): void
  /** From now on it is stale, or fresh again; what happens when it is asked to refresh. */
  set(state: { fresh?: boolean; onRefresh?: () => void }): void
  /** How often something was asked of it. */
  calls: { find: number; refresh: number; close: number }
}

/** `defer` answers as later as a runtime without Node's own hash does. */
export function createHandFollower({ defer = false } = {}): HandFollower {
  const records: NotBefore[] = []
  const keys = new Set<string>()
  const calls = { find: 0, refresh: 0, close: 0 }
  let version = 0
  let fresh = true
  let onRefresh: (() => void) | undefined
  return {
    calls,
    revoke(record) {
      records.push(record)
      version += 1
    },
    revokeKey(kid) {
      keys.add(kid)
      version += 1
    },
    set(state) {
      fresh = state.fresh ?? fresh
      onRefresh = state.onRefresh ?? onRefresh
    },
    start() {},
    ready: async () => {
      if (!fresh) throw new Error('not fresh')
    },
    version: () => version,
    isFresh: () => fresh,
    ageMilliseconds: () => (fresh ? 0 : undefined),
    async refresh() {
      calls.refresh += 1
      onRefresh?.()
    },
    find() {
      calls.find += 1
      return defer ? Promise.resolve([...records]) : records
    },
    isKeyRevoked: (kid) => (defer ? Promise.resolve(keys.has(kid)) : keys.has(kid)),
    status: () => ({
      connection: 'none',
      count: records.length,
      ageSeconds: undefined,
      isStale: !fresh,
      cursor: undefined,
      clockErrorSeconds: undefined,
      failure: undefined,
    }),
    close: () => void (calls.close += 1),
  }
}
