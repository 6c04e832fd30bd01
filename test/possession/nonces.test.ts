import { randomBytes } from 'node:crypto'
import t from 'tap'
import { createNonces } from '../../src/possession/nonces.ts'
import { createTestClock } from '../support/clock.ts'

const start = new Date('2030-01-01T00:00:00Z') // where a span begins

t.test('a nonce is good for its own span of five minutes and the next', async (t) => {
  const clock = createTestClock(start)
  const { issue, accepts } = createNonces({ key: randomBytes(32), clock })
  const nonce = issue()
  for (const [seconds, isGood] of [
    [0, true],
    [299, true],
    [599, true],
    [600, false],
    [-300, true], // by a node whose clock is behind
    [-301, false],
  ] as const) {
    clock.set(new Date(start.getTime() + seconds * 1000))
    t.equal(accepts(nonce), isGood, `${seconds} s`)
  }
})

t.test('only the secret makes nonces', async (t) => {
  const clock = createTestClock(start)
  const { accepts } = createNonces({ key: randomBytes(32), clock })
  const { issue } = createNonces({ key: randomBytes(32), clock })
  for (const nonce of [issue(), '', '0', `${issue()}é`]) t.equal(accepts(nonce), false)
})
