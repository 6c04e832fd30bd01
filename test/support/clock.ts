/** A clock that stands still until the test moves it. */
import type { Clock } from '../../src/database/clock.ts'

export interface TestClock extends Clock {
  advance(seconds: number): void
  set(date: Date): void
}

/** Starts at the current whole second. Who waits for an instant moves the clock there. */
export function createTestClock(start = new Date(Math.floor(Date.now() / 1000) * 1000)): TestClock {
  let milliseconds = start.getTime()
  const now = () => new Date(milliseconds)
  return {
    now,
    databaseNow: async () => now(),
    async waitUntil(instant) {
      milliseconds = Math.max(milliseconds, instant.getTime())
    },
    advance(seconds) {
      milliseconds += seconds * 1000
    },
    set(date) {
      milliseconds = date.getTime()
    },
  }
}
