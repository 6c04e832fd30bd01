import { EventEmitter, once } from 'node:events'
import { setImmediate as settle } from 'node:timers/promises'
import t from 'tap'
import { createPace } from '../../src/revocation/pace.ts'
import { createTestTimers } from '../support/timers.ts'

function setUp({ send = async () => {}, rest = 100 } = {}) {
  const { setTimer, pass } = createTestTimers()
  let sent = 0
  const pace = createPace({
    send() {
      sent += 1
      return send()
    },
    heartbeatMilliseconds: 5000,
    restMilliseconds: () => rest,
    setTimer,
  })
  /** How often something was sent meanwhile. */
  async function sentWithin(milliseconds: number): Promise<number> {
    sent = 0
    pass(milliseconds)
    await settle()
    return sent
  }
  return { pace, sentWithin }
}

t.test('without news there is one heartbeat after the other', async (t) => {
  const { sentWithin } = setUp()
  t.equal(await sentWithin(4999), 0)
  t.equal(await sentWithin(1), 1)
  t.equal(await sentWithin(100), 0)
  t.equal(await sentWithin(4899), 0)
  t.equal(await sentWithin(1), 1, 'the rest does not delay it')
})

t.test('news is sent at once, what comes in the rest after it together', async (t) => {
  const { sentWithin, pace } = setUp()
  const sending = sentWithin(0)
  pace.hurry()
  t.equal(await sending, 1)
  for (let n = 0; n < 50; n += 1) pace.hurry()
  t.equal(await sentWithin(99), 0)
  t.equal(await sentWithin(1), 1)
  t.equal(await sentWithin(100), 0)
  t.equal(await sentWithin(4900), 1, 'the heartbeat follows the last sending')
})

t.test('it never sends twice at a time, and news that comes meanwhile is not lost', async (t) => {
  const signals = new EventEmitter()
  const { sentWithin, pace } = setUp({
    send: async () => {
      await once(signals, 'sent')
    },
  })
  pace.hurry()
  pace.hurry()
  t.equal(await sentWithin(60_000), 0)
  signals.emit('sent')
  await settle()
  t.equal(await sentWithin(100), 1)
})

t.test('once stopped it sends nothing', async (t) => {
  const { sentWithin, pace } = setUp()
  pace.hurry()
  pace.stop()
  pace.hurry()
  t.equal(await sentWithin(60_000), 0)
})
