/** Whatever is held up, replayed or slept through: what is known is never claimed to be younger than it is. */
import * as fc from 'fast-check'
import t from 'tap'
import { createFreshness } from '../../src/verifier/freshness.ts'
import { createTestTime } from './test-time.ts'

const milliseconds = fc.integer({ min: 0, max: 90_000 })
const honest = [
  fc.record({ type: fc.constant('advance' as const), by: milliseconds }),
  fc.record({ type: fc.constant('poll' as const), before: milliseconds, after: milliseconds }),
  fc.record({ type: fc.constant('sign' as const), lag: milliseconds }),
  fc.record({ type: fc.constant('arrive' as const), which: fc.nat() }),
] as const
const step = fc.oneof(...honest)
const anyStep = fc.oneof(
  ...honest,
  fc.record({ type: fc.constant('sleep' as const), by: milliseconds }),
  fc.record({ type: fc.constant('replay' as const), which: fc.nat() }),
)

/** Calls `check` after each step with the age claimed, and the true one. */
function play(
  steps: (typeof anyStep extends fc.Arbitrary<infer Step> ? Step : never)[],
  { kept, wallClockError }: { kept: number; wallClockError: number },
  check: (claimed: number, age: number) => void,
): void {
  const time = createTestTime()
  const freshness = createFreshness({ ...time, keptMilliseconds: 1000 })
  time.setWallClockError(wallClockError)
  const signed: { clock: number; as_of: number }[] = []
  let knownUntil = -Infinity
  function learn(document: { clock: number; as_of: number } | undefined, sentAt?: number): void {
    if (!document) return
    freshness.learn(document, sentAt)
    knownUntil = Math.max(knownUntil, document.as_of)
  }
  for (const step of steps) {
    const now = time.trueNow()
    if (step.type === 'advance') time.advance(step.by)
    if (step.type === 'sleep') time.sleep(step.by)
    if (step.type === 'sign') signed.push({ clock: now, as_of: now - step.lag })
    if (step.type === 'arrive') learn(signed[step.which % signed.length])
    if (step.type === 'replay') learn(signed[step.which % signed.length], time.monotonic())
    if (step.type === 'poll') {
      const sentAt = time.monotonic()
      time.advance(step.before)
      const signedAt = time.trueNow() - kept
      time.advance(step.after)
      learn({ clock: signedAt, as_of: signedAt }, sentAt)
    }
    const claimed = freshness.ageMilliseconds()
    if (claimed !== undefined) check(claimed, time.trueNow() - knownUntil)
  }
}

t.test('however documents are held up, what is known is never older than it claims', async (t) => {
  const kept = fc.integer({ min: 0, max: 1000 })
  const wallClockError = fc.constantFrom(-3_600_000, -1000, 0, 1000)
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), kept, wallClockError, (steps, ...world) => {
      const [kept, wallClockError] = world
      play(steps, { kept, wallClockError }, (claimed, age) => t.ok(claimed >= age))
    }),
  )
})

t.test('replays and sleep hide no more than wall clocks may be wrong by', async (t) => {
  const wallClockError = fc.integer({ min: -5000, max: 5000 })
  fc.assert(
    fc.property(fc.array(anyStep, { maxLength: 30 }), wallClockError, (steps, wallClockError) => {
      play(steps, { kept: 0, wallClockError }, (claimed, age) => t.ok(claimed >= age - 10_000))
    }),
  )
})
