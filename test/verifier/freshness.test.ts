import t from 'tap'
import { createFreshness } from '../../src/verifier/freshness.ts'
import { createTestTime } from './test-time.ts'

function setUp() {
  const time = createTestTime()
  const freshness = createFreshness({ ...time, keptMilliseconds: 1000 })
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
    t.equal(freshness.clockErrorMilliseconds(), 0, 'but the clock is measured')
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
