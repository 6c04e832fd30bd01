/**
 * Keeps up with the feed until it is closed: by a stream, by polls before it opens and while it fails, and after each
 * failure a longer pause.
 */
import type { FeedHealth } from './feed-health.ts'
import type { FeedSession } from './feed-session.ts'
import type { FollowSettings } from './follow-options.ts'
import type { Freshness } from './freshness.ts'
import type { SetTimer } from './runtime.ts'
import { pause } from './timers.ts'

export interface KeepUp {
  /** Begins. */
  start(): void
  /** Catches up now, unless that was tried within the last second. Never rejects. */
  tryNow(): Promise<void>
}

const cooldownMilliseconds = 1_000
const firstBackoffMilliseconds = 250
const longestBackoffMilliseconds = 10_000

export function createKeepUp({
  session,
  health,
  freshness,
  settings: { mode, pollMilliseconds, maxAgeMilliseconds },
  monotonic,
  setTimer,
  random,
  closing,
}: {
  session: FeedSession
  health: FeedHealth
  freshness: Freshness
  settings: Pick<FollowSettings, 'mode' | 'pollMilliseconds' | 'maxAgeMilliseconds'>
  monotonic: () => number
  setTimer: SetTimer
  random: () => number
  closing: AbortSignal
}): KeepUp {
  let polling: Promise<boolean> | undefined
  let pollBeganAt = -Infinity
  let polledAt = -Infinity
  let isStarted = false

  async function catchUp(): Promise<boolean> {
    pollBeganAt = monotonic()
    try {
      await session.catchUp()
      health.worked('poll')
      return true
    } catch (error) {
      if (!closing.aborted) health.failed('poll', error)
      return false
    }
  }

  /** Whether it worked. */
  async function poll(): Promise<boolean> {
    polling ??= catchUp().finally(() => {
      polling = undefined
      polledAt = monotonic()
      health.judge()
    })
    return polling
  }

  async function tryNow(): Promise<void> {
    const wasTried = !polling && monotonic() - polledAt < cooldownMilliseconds
    if (!closing.aborted && !wasTried) await poll()
  }

  function onDocument(): void {
    health.worked('stream')
    health.judge()
    const isMeasured = freshness.ageMilliseconds() !== undefined
    if (session.isWholeStateDue() || !isMeasured) void tryNow()
  }

  /** Whether the stream lasted long enough to be worth another one soon. */
  async function listen(): Promise<boolean> {
    const openedAt = monotonic()
    try {
      await session.listen(onDocument)
    } catch (error) {
      if (!closing.aborted) health.failed('stream', error)
    }
    return monotonic() - openedAt >= longestBackoffMilliseconds
  }

  /** Counted from where the last one began, and jitter only shortens it: nothing stays unseen for longer. */
  function untilNextPoll(): number {
    return pollBeganAt + pollMilliseconds * (1 - random() / 10) - monotonic()
  }

  function backoffAfter(failures: number): number {
    const longest = Math.min(firstBackoffMilliseconds * 2 ** failures, longestBackoffMilliseconds)
    return longest * (0.5 + random() / 2)
  }

  async function run(): Promise<void> {
    let failedPolls = 0
    let failedStreams = 0
    let streamDueAt = mode === 'stream' ? -Infinity : Infinity
    while (!closing.aborted) {
      const isCaughtUp = await poll()
      failedPolls = isCaughtUp ? 0 : failedPolls + 1
      if (isCaughtUp && monotonic() >= streamDueAt) {
        failedStreams = (await listen()) ? 0 : failedStreams + 1
        streamDueAt = monotonic() + backoffAfter(failedStreams)
      }
      const untilPoll = isCaughtUp ? untilNextPoll() : backoffAfter(failedPolls)
      const untilStream = isCaughtUp ? streamDueAt - monotonic() : Infinity
      await pause(Math.min(untilPoll, untilStream), { setTimer, closing })
    }
  }

  /** Beside a stream: it may keep its silence for longer than what is known stays fresh. */
  async function watch(): Promise<void> {
    while (!closing.aborted) {
      await pause(maxAgeMilliseconds / 4, { setTimer, closing })
      health.judge()
      const age = freshness.ageMilliseconds() ?? Infinity
      if (health.connection() === 'stream' && age > maxAgeMilliseconds / 2) await tryNow()
    }
  }

  return {
    start() {
      if (isStarted) return
      isStarted = true
      void run()
      void watch()
    },
    tryNow,
  }
}
