/**
 * How long a token that was issued may still be alive. Not what the settings say today alone: they, or a resource's, may
 * have said more when it was issued, and this process may have been started with others than the servers.
 */
import type { Clock } from '../database/clock.ts'
import type { RevocationStore } from './store.ts'

export interface TokenLifetimes {
  longestSeconds(): Promise<number>
  /** To be called again and again while tokens are issued, at least every `recordIntervalSeconds`. */
  record(): Promise<void>
}

export const recordIntervalSeconds = 60

export function createTokenLifetimes({
  store,
  clock,
  currentSeconds,
}: {
  store: Pick<RevocationStore, 'recordLifetime' | 'longestLifetimeSeconds'>
  clock: Pick<Clock, 'now'>
  /** The longest lifetime that a token issued now can have. */
  currentSeconds: () => Promise<number>
}): TokenLifetimes {
  return {
    async longestSeconds() {
      const [current, known] = await Promise.all([
        currentSeconds(),
        store.longestLifetimeSeconds(clock.now()),
      ])
      return Math.max(current, known)
    },
    async record() {
      const now = clock.now()
      const lifetime = await currentSeconds()
      const aliveUntil = now.getTime() + (lifetime + 2 * recordIntervalSeconds) * 1000
      await store.recordLifetime(lifetime, new Date(aliveUntil), now)
    },
  }
}
