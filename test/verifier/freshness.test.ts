import * as fc from 'fast-check'
import t from 'tap'
import { createFreshness } from '../../src/verifier/freshness.ts'
import { createTestTime } from './test-time.ts'

function setUp() {
  const time = createTestTime()
  const freshness = createFreshness(time)
  /** A document signed now. */
  const sign = () => ({ clock: time.trueNow(), as_of: time.trueNow() })
  /** Asks, and is answered after the round trip. */
  function poll(before = 0, after = 0) {
    const sentAt = time.monotonic()
    time.advance(before)
    const document = sign()
    time.advance(after)
    freshness.learn(document, sentAt)
  }
  const age = () => freshness.ageMilliseconds()
  return { time, freshness, sign, poll, age }
}

t.test(
  'before the first document, and after a page that is not the last, nothing is known',
  async (t) => {
    const { time, freshness, sign, age } = setUp()
    t.equal(age(), undefined)
    freshness.learn({ clock: time.trueNow() }, time.monotonic())
    t.equal(age(), undefined)
    t.equal(freshness.clockErrorMilliseconds(), -1000, 'but the clock is measured')
    freshness.learn(sign())
    t.equal(age(), 1000)
  },
)

t.test(
  'a document on a stream alone makes nothing known: nobody can tell for how long it was held up',
  async (t) => {
    const { freshness, sign, age } = setUp()
    freshness.learn(sign())
    t.equal(age(), undefined)
  },
)

t.test(
  'the age is counted from the request, and by a second more as answers may have been kept',
  async (t) => {
    const { time, poll, age } = setUp()
    poll(200, 300)
    t.equal(age(), 1500)
    time.advance(10_000)
    t.equal(age(), 11_500)
  },
)

t.test('what the issuer did not know is not fresh because it says so now', async (t) => {
  const { time, freshness, age } = setUp()
  freshness.learn({ clock: time.trueNow(), as_of: time.trueNow() - 30_000 }, time.monotonic())
  t.equal(age(), 31_000)
})

t.test('an as_of ahead of the clock counts as the clock', async (t) => {
  const { time, freshness, age } = setUp()
  freshness.learn({ clock: time.trueNow(), as_of: time.trueNow() + 30_000 }, time.monotonic())
  t.equal(age(), 1000)
})

t.test('an event that was held up is as old as what it says', async (t) => {
  const { time, freshness, sign, poll, age } = setUp()
  poll()
  time.advance(1000)
  const event = sign()
  time.advance(60_000)
  freshness.learn(event)
  t.equal(age(), 61_000)
})

t.test('nothing older makes it older', async (t) => {
  const { time, freshness, sign, poll, age } = setUp()
  const old = sign()
  time.advance(20_000)
  poll()
  freshness.learn(old)
  t.equal(age(), 1000)
  freshness.learn(old, time.monotonic())
  t.equal(age(), 1000, 'as an answer to a request, too')
})

t.test('an old answer, given once more, does not become young again', async (t) => {
  const { time, freshness, sign, poll, age } = setUp()
  time.setWallClockError(-3_600_000)
  poll()
  const replayed = sign()
  time.advance(30_000)
  freshness.learn(replayed, time.monotonic())
  t.equal(age(), 31_000)
  time.advance(30_000)
  freshness.learn(replayed, time.monotonic())
  t.equal(age(), 61_000)
})

t.test('even one who never knew better sees an old answer by the wall clock', async (t) => {
  const { time, freshness, sign, age } = setUp()
  const replayed = sign()
  time.advance(50_000)
  freshness.learn(replayed, time.monotonic())
  t.equal(age(), 45_000)
})

t.test('a wall clock that is wrong makes nothing younger', async (t) => {
  const { time, poll, age } = setUp()
  poll()
  for (const [error, expected] of [
    [-3_600_000, 1000],
    [4000, 1000],
    [30_000, 26_000],
  ] as const) {
    time.setWallClockError(error)
    t.equal(age(), expected, `${error} ms`)
  }
})

t.test(
  'the sleep of a machine counts by the wall clock, and else until the next poll',
  async (t) => {
    const { time, freshness, sign, poll, age } = setUp()
    poll()
    time.sleep(60_000)
    t.equal(age(), 56_000)
    time.setWallClockError(-60_000)
    t.equal(age(), 1000, 'as if both clocks had slept')
    const waited = sign()
    time.advance(5_000)
    freshness.learn(waited)
    t.equal(age(), undefined, 'the first event tells')
    poll()
    t.equal(age(), 1000)
  },
)

t.test('a wall clock that is behind tells of a sleep all the same', async (t) => {
  const { time, poll, age } = setUp()
  time.setWallClockError(-3_600_000)
  poll()
  time.sleep(60_000)
  t.equal(age(), 56_000)
  poll()
  time.setWallClockError(0)
  t.ok(age()! > 3_000_000, 'set right it makes nothing younger')
  time.advance(1)
  poll()
  t.equal(age(), 1000)
})

t.test('an issuer whose clock was an hour ahead for once is believed again', async (t) => {
  const { time, freshness, sign, poll, age } = setUp()
  poll()
  const { clock } = sign()
  freshness.learn({ clock: clock + 3_600_000, as_of: clock + 3_600_000 }, time.monotonic())
  time.advance(60_000)
  poll()
  t.ok(age()! >= 60_000, 'not at once')
  time.advance(600_000)
  poll()
  time.advance(600_000)
  poll()
  t.equal(age(), 1000)
})

t.test('the issuer shows at least the clock of any document, carried on', async (t) => {
  const { time, freshness, sign } = setUp()
  t.equal(freshness.issuerMilliseconds(), -Infinity)
  const document = sign()
  time.advance(500)
  freshness.learn(document, time.monotonic() - 500)
  time.advance(100)
  t.equal(freshness.issuerMilliseconds(), time.trueNow() - 500)
})

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
  const { time, freshness } = setUp()
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
