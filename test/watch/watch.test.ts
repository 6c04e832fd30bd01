import t from 'tap'
import type { EventRecord, TokenEvent } from '../../src/watch/events.ts'
import { createMetrics } from '../../src/watch/metrics.ts'
import { createWatch } from '../../src/watch/watch.ts'
import { createTestClock } from '../support/clock.ts'

function setUp({ keepsRows = true } = {}) {
  const clock = createTestClock()
  const metrics = createMetrics()
  const added: EventRecord[] = []
  const state = { flushes: 0, fault: undefined as Error | undefined }
  const events = {
    add: (event: EventRecord) => void added.push(event),
    async flush() {
      state.flushes += 1
      if (state.fault) throw state.fault
    },
  }
  const logged: [level: string, fields: object, message: string][] = []
  const to = (level: string) => (fields: object, message: string) =>
    void logged.push([level, fields, message])
  const log = { debug: to('debug'), info: to('info'), warn: to('warn') }
  const watch = createWatch({ events, metrics, clock, keepsRows, mostRefusals: 3 })
  const record = (event: TokenEvent, network = '192.0.2.0/24') =>
    watch.record(event, { requestId: 'r', network, log })
  return { clock, metrics, added, state, logged, record }
}

const use: TokenEvent = { type: 'token.used', jti: 'j', details: { endpoint: 'userinfo' } }

t.test('an event is one log line, one row and one count', async (t) => {
  const { clock, metrics, added, logged, record, state } = setUp()
  const account = { email: 'alice@example.com' }
  const subjects = { clientId: 'c', sub: 's', sid: 'i', grantId: 'g', jti: 'j', account }
  record({ type: 'token.revoked', details: { kind: 'token' }, ...subjects })

  const about = { network: '192.0.2.0/24', client_id: 'c', sub: 's', sid: 'i', grant_id: 'g' }
  t.strictSame(logged, [
    ['info', { event: 'token.revoked', ...about, jti: 'j', kind: 'token' }, 'event'],
  ])
  const row = { at: clock.now(), type: 'token.revoked', request_id: 'r', ...about, jti: 'j' }
  t.strictSame(added, [{ ...row, details: { kind: 'token' } }], 'nothing else of an object')
  const text = await metrics.text()
  t.match(text, 'claviger_events_total{type="token.revoked"} 1\n')
  t.match(text, 'claviger_revocations_total{kind="token"} 1\n')
  t.equal(state.flushes, 0)
})

t.test('a reuse is written at once, and a fault of that is told by the job alone', async (t) => {
  const { record, state, logged } = setUp()
  state.fault = new Error('down')
  record({ type: 'refresh.reused', grantId: 'g' })
  record({ type: 'code.reused', grantId: 'g' })
  t.equal(state.flushes, 2)
  t.strictSame(
    logged.map(([level]) => level),
    ['warn', 'warn'],
  )
})

t.test('uses of one token or session are told once a minute for each network', async (t) => {
  const { clock, added, logged, record, metrics } = setUp()
  clock.set(new Date('2026-11-22T10:00:30Z'))
  const session: TokenEvent = { type: 'session.used', sid: 'j' }
  for (let turn = 0; turn < 3; turn += 1) {
    record(use)
    record({ ...use, jti: 'k' })
    record(use, '198.51.100.0/24')
    record(session)
  }
  t.equal(added.length, 4)
  t.equal(logged.length, 4)
  t.match(await metrics.text(), 'claviger_events_total{type="token.used"} 3\n')
  clock.advance(29)
  record(use)
  t.equal(added.length, 4)
  clock.advance(1)
  record(use)
  t.equal(added.length, 5)
  record({ type: 'logout' })
  record({ type: 'logout' })
  t.equal(added.length, 7, 'other events each time')
})

t.test('whoever is refused again and again does not fill the disk', async (t) => {
  const { clock, added, logged, record, metrics } = setUp()
  clock.set(new Date('2026-11-22T10:00:30Z'))
  const refusal: TokenEvent = {
    type: 'token.refused',
    details: { endpoint: 'token', code: 'invalid_grant' },
  }
  record(refusal)
  record({ type: 'client.refused', details: { endpoint: 'token' } })
  record({ type: 'login.failed', details: { reason: 'rejected' } })
  record(refusal)
  t.equal(added.length, 3)
  t.equal(logged.length, 4, 'the log and the metrics tell all')
  const text = await metrics.text()
  t.match(text, 'claviger_events_total{type="token.refused"} 2\n')
  t.match(text, 'claviger_events_dropped_total 1\n')
  record(refusal, '198.51.100.0/24')
  record({ type: 'logout' })
  t.equal(added.length, 5, 'others are written')
  clock.advance(30)
  record(refusal)
  t.equal(added.length, 6, 'and so are more in the next minute')
})

t.test('what is remembered of uses is bounded', async (t) => {
  const { added, record } = setUp()
  for (let count = 0; count < 20_000; count += 1) record({ ...use, jti: String(count) })
  record({ ...use, jti: '0' })
  record({ ...use, jti: '0' })
  t.equal(added.length, 20_001, 'forgotten once, at the bound')
})

t.test('without retention there is a line and a count, and no row', async (t) => {
  const { added, logged, record, metrics, state } = setUp({ keepsRows: false })
  record({ type: 'refresh.reused' })
  t.strictSame([added, state.flushes, logged.length], [[], 0, 1])
  t.match(await metrics.text(), 'claviger_events_total{type="refresh.reused"} 1\n')
})
