/** Time for a verifier under test: it passes when the test says so. */
import { setImmediate as turn } from 'node:timers/promises'
import type { SetTimer } from '../../src/verifier/runtime.ts'

export interface TestTime {
  now(): number
  monotonic(): number
  setTimer: SetTimer
  /** Fires what is due meanwhile, in its order. */
  advance(milliseconds: number): void
  /** The machine sleeps: its monotonic clock and its timers stand still. */
  sleep(milliseconds: number): void
  /** Sets the wall clock wrong. */
  setWallClockError(milliseconds: number): void
  /** The true time, as the issuer has it. */
  trueNow(): number
  /** How long each timer was to wait that is still waiting. */
  waiting(): number[]
}

const start = Date.UTC(2030, 0, 1)

export function createTestTime(): TestTime {
  const timers = new Set<{ at: number; milliseconds: number; callback: () => void }>()
  let awake = 1_000
  let slept = 0
  let error = 0

  const trueNow = () => start + awake + slept
  return {
    now: () => trueNow() + error,
    monotonic: () => awake,
    trueNow,
    setTimer(callback, milliseconds) {
      const timer = { at: awake + milliseconds, milliseconds, callback }
      timers.add(timer)
      return () => timers.delete(timer)
    },
    advance(milliseconds) {
      const target = awake + milliseconds
      for (;;) {
        const [next] = [...timers].filter(({ at }) => at <= target).toSorted((a, b) => a.at - b.at)
        if (!next) break
        timers.delete(next)
        awake = Math.max(awake, next.at)
        next.callback()
      }
      awake = target
    },
    sleep: (milliseconds) => void (slept += milliseconds),
    setWallClockError: (milliseconds) => void (error = milliseconds),
    waiting: () => [...timers].map(({ milliseconds }) => milliseconds),
  }
}

/** Waits for what comes over a socket. What never comes is the time limit of the test. */
export async function until(condition: () => unknown): Promise<void> {
  while (!condition()) await turn()
}
