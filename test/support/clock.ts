/** A clock that stands still until the test moves it. */
import type { Clock } from '../../src/database/clock.ts'

export interface TestClock extends Clock {
  advance(seconds: number): void
  set(date: Date): void
}

/** Starts at the current whole second. Who waits for an instant moves the clock there. */
export function createTestClock(start = new Date(Math.floor(Date.now() / 1000) * 1000)): TestClock {
  return createClock(start.getTime(), () => 0)
}

/** Goes on as time does, for whoever beside the provider has none but the real one. */
export function createRunningClock(): TestClock {
  return createClock(0, Date.now)
}

function createClock(start: number, elapsed: () => number): TestClock {
  let milliseconds = start
  const now = () => new Date(milliseconds + elapsed())
  return {
    now,
    databaseNow: async () => now(),
    async waitUntil(instant) {
      milliseconds = Math.max(milliseconds, instant.getTime() - elapsed())
    },
    advance(seconds) {
      milliseconds += seconds * 1000
    },
    set(date) {
      milliseconds = date.getTime() - elapsed()
    },
  }
}
