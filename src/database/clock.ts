/** Time as the database tells it, so that instants written by several nodes can be compared. */
import { performance } from 'node:perf_hooks'
import { setTimeout as delay } from 'node:timers/promises'
import type { Queryable } from './database.ts'

export interface Clock {
  /** This node's time corrected by the measured offset: never ahead of the database's clock. */
  now(): Date
  /** The database's own clock, by a round trip. */
  databaseNow(): Promise<Date>
  /** Resolves when `now()` has reached `instant`. */
  waitUntil(instant: Date): Promise<void>
}

export interface DatabaseClock extends Clock {
  /** Measures the offset anew. */
  synchronize(): Promise<void>
  /** Milliseconds by which the database is ahead of this node's own wall clock. */
  offsetMilliseconds(): number
}

/** NTP slews a clock by 500 ppm at most; what two clocks part by from one measurement to the next is within the margin. */
const driftRate = 0.0005
const driftMarginMilliseconds = 5

/**
 * Starts with a measured offset. The database read its clock between our send and our receive, so subtracting the
 * whole round trip gives a lower bound: `now()` cannot run ahead, whatever the latency. The monotonic clock carries
 * it on from there, so a step of the node's wall clock does no harm. A slow measurement does not set the clock back,
 * but for what the two clocks may have parted by since.
 */
export async function createDatabaseClock(database: Queryable): Promise<DatabaseClock> {
  let baseMilliseconds = 0
  let measuredAt = 0

  async function databaseNow(): Promise<Date> {
    const [row] = await database.query<{ now: Date }>('select clock_timestamp() as now')
    return row!.now
  }

  async function synchronize(): Promise<void> {
    const sent = performance.now()
    const instant = (await databaseNow()).getTime() - driftMarginMilliseconds
    const received = performance.now()
    const [lowest, highest] = [instant - received, instant - sent]
    const known = baseMilliseconds - (received - measuredAt) * driftRate
    baseMilliseconds = known >= lowest && known <= highest ? known : lowest
    measuredAt = received
  }

  const now = () => new Date(Math.floor(baseMilliseconds + performance.now()))

  await synchronize()
  return {
    now,
    databaseNow,
    synchronize,
    offsetMilliseconds: () => now().getTime() + driftMarginMilliseconds - Date.now(),
    async waitUntil(instant) {
      for (;;) {
        const remaining = instant.getTime() - now().getTime()
        if (remaining <= 0) return
        await delay(remaining)
      }
    },
  }
}
