/** How the feed fares: connected or not, fresh or stale, why not, and an event for each change. */
import type { Emit } from './events.ts'
import { reasonOf } from './feed-error.ts'
import { wallClockToleranceMilliseconds, type Freshness } from './freshness.ts'

export type FeedWay = 'stream' | 'poll'

export interface FeedHealth {
  worked(way: FeedWay): void
  failed(way: FeedWay, error: unknown): void
  /** Tells of it when what is known has become fresh or stale. */
  judge(): void
  isFresh(): boolean
  connection(): FeedWay | 'none'
  /** Why the way that was asked for does not work, or no way; undefined when it does. */
  failure(): string | undefined
  /** For the operator: what to do about a feed that is not fresh. */
  describe(): string
}

export function createFeedHealth({
  mode,
  maxAgeMilliseconds,
  freshness,
  onEvent,
}: {
  mode: FeedWay
  maxAgeMilliseconds: number
  freshness: Freshness
  onEvent: Emit
}): FeedHealth {
  let connection: FeedWay | 'none' = 'none'
  let failure: string | undefined
  let wasFresh = false

  function isFresh(): boolean {
    const age = freshness.ageMilliseconds()
    return age !== undefined && age <= maxAgeMilliseconds
  }

  function describeAge(): string {
    const error = freshness.clockErrorMilliseconds() ?? 0
    if (error > wallClockToleranceMilliseconds)
      return `the clock of this machine is ${Math.round(error / 1000)} s ahead of the issuer's: set it right`
    const age = freshness.ageMilliseconds()
    return age === undefined
      ? 'nothing was read yet'
      : `the issuer itself knows what was revoked ${Math.round(age / 1000)} s ago only: see its log and its database`
  }

  const describe = () => failure ?? describeAge()

  return {
    worked(way) {
      if (way === mode) failure = undefined
      if (way === connection || (way === 'poll' && connection === 'stream')) return
      connection = way
      onEvent({ type: 'feed_connected', detail: way })
    },
    failed(way, error) {
      const reason = reasonOf(error)
      const isNews = way === connection || reason !== failure
      if (way === connection) connection = 'none'
      // Polls beside a stream that works change nothing for anyone.
      if (way !== mode && connection !== 'none') return
      failure = reason
      if (isNews) onEvent({ type: 'feed_lost', detail: reason })
    },
    judge() {
      if (isFresh() === wasFresh) return
      wasFresh = !wasFresh
      onEvent(wasFresh ? { type: 'feed_fresh' } : { type: 'feed_stale', detail: describe() })
    },
    isFresh,
    connection: () => connection,
    failure: () => failure,
    describe,
  }
}
