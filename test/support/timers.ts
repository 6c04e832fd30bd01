/** Timers that stand still until the test lets time pass. */
import type { SetTimer } from '../../src/revocation/pace.ts'

export interface TestTimers {
  setTimer: SetTimer
  /** Calls back whoever's time has come, the earliest first. */
  pass(milliseconds: number): void
}

export function createTestTimers(): TestTimers {
  let now = 0
  const waiting = new Set<{ at: number; callback: () => void }>()
  return {
    setTimer(callback, milliseconds) {
      const timer = { at: now + milliseconds, callback }
      waiting.add(timer)
      return () => waiting.delete(timer)
    },
    pass(milliseconds) {
      const end = now + milliseconds
      for (;;) {
        const [next] = [...waiting].filter(({ at }) => at <= end).toSorted((a, b) => a.at - b.at)
        if (!next) break
        waiting.delete(next)
        now = next.at
        next.callback()
      }
      now = end
    },
  }
}
