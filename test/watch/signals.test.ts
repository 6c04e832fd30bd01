import t from 'tap'
import { createEventStore } from '../../src/watch/events-store.ts'
import { toRecord, type TokenEvent } from '../../src/watch/events.ts'
import { createSignalStore, type Signal } from '../../src/watch/signals-store.ts'
import { createSignals } from '../../src/watch/signals.ts'
import { createTestClock } from '../support/clock.ts'
import { createTestDatabase } from '../support/database.ts'

const minute = 60
const start = new Date('2026-11-22T10:00:00Z') // where a window of ten minutes begins
const settings = { signalNetworks: 2, signalRefusals: 5, signalWindowSeconds: 10 * minute }

const database = await createTestDatabase(t)

/** For one test after the other, where nothing has happened yet. */
async function setUp() {
  for (const table of ['token_events', 'signals']) await database.query(`delete from ${table}`)
  const clock = createTestClock(start)
  const events = createEventStore(database)
  const store = createSignalStore(database)
  const newNode = () => createSignals({ store, clock, settings })
  const [node, other] = [newNode(), newNode()]

  async function record(event: TokenEvent, { network = 'n1', ageSeconds = 0, times = 1 } = {}) {
    const at = new Date(clock.now().getTime() - ageSeconds * 1000)
    const row = toRecord(event, { requestId: 'r', network, at })
    await events.insert(
      Array.from({ length: times }, () => row),
      7 * 86_400,
    )
  }
  const list = () => store.list({ since: new Date(0), limit: 100 })
  return { clock, record, node, other, list }
}

const subjects = { clientId: 'c', sub: 'u', sid: 's' }
const reuse: TokenEvent = { type: 'refresh.reused', ...subjects, grantId: 'g' }
const refusal: TokenEvent = {
  type: 'token.refused',
  details: { endpoint: 'token', code: 'invalid_grant' },
}
const use: TokenEvent = {
  type: 'token.used',
  ...subjects,
  grantId: 'g',
  jti: 'j',
  details: { endpoint: 'userinfo' },
}
const brief = (signals: Signal[]) =>
  signals.map((one) => `${one.kind} ${one.subject_kind} ${one.subject} ${one.count}`)

t.test('every reuse is a signal, told once, however many nodes look', async (t) => {
  const { clock, record, node, other, list } = await setUp()
  t.strictSame(await node.detect(), [])
  await record(reuse)
  await record({ type: 'code.reused', ...subjects, grantId: 'h' }, { network: 'n2' })
  const about = { first_at: start, last_at: start, count: 1 }
  const details = { sub: ['u'], client_id: ['c'] }
  const found = [
    {
      kind: 'refresh-reuse',
      subject_kind: 'grant',
      subject: 'g',
      ...about,
      details: { ...details, network: ['n1'] },
    },
    {
      kind: 'code-reuse',
      subject_kind: 'grant',
      subject: 'h',
      ...about,
      details: { ...details, network: ['n2'] },
    },
  ]
  t.same(await node.detect(), found)
  t.strictSame([await node.detect(), await other.detect()], [[], []])

  clock.advance(1 * minute)
  await record(reuse, { network: 'n3' })
  t.strictSame(await other.detect(), [], 'the same window')
  const [, again] = await list()
  t.match(again, { subject: 'g', count: 2, details: { network: ['n1', 'n3'] } })
  t.strictSame([again?.first_at, again?.last_at], [start, clock.now()])

  clock.advance(10 * minute)
  await record(reuse)
  t.strictSame(brief(await node.detect()), ['refresh-reuse grant g 1'], 'the next window')
})

t.test('nodes that look at the same time find each signal once', async (t) => {
  const { record, node, other, list } = await setUp()
  for (let round = 0; round < 10; round += 1) {
    for (const grantId of ['a', 'b', 'c', 'd'])
      await record({ ...reuse, grantId: `${grantId}${round}` })
    const found = (await Promise.all([node.detect(), other.detect(), node.detect()])).flat()
    t.strictSame(
      found.map(({ subject }) => subject).toSorted(),
      ['a', 'b', 'c', 'd'].map((grantId) => `${grantId}${round}`),
    )
  }
  t.equal((await list()).length, 40)
})

t.test('a reuse that became a row hours late is found', async (t) => {
  const { record, node } = await setUp()
  await record(reuse, { ageSeconds: 5 * 3600 })
  t.strictSame(brief(await node.detect()), ['refresh-reuse grant g 1'])
})

t.test('one token, grant or session in more networks than allowed', async (t) => {
  const { record, node, list } = await setUp()
  const session: TokenEvent = { type: 'session.used', ...subjects }
  for (const network of ['n1', 'n2'])
    for (const event of [use, session]) await record(event, { network, times: 4 })
  t.strictSame(await node.detect(), [], 'as many as allowed')
  await record(session, { network: 'unknown' })
  t.strictSame(await node.detect(), [], 'what is unknown is no network')

  await record(use, { network: 'n3' })
  t.strictSame(brief(await node.detect()), [
    'several-networks grant g 3',
    'several-networks token j 3',
  ])
  await record(session, { network: 'n3' })
  t.strictSame(brief(await node.detect()), ['several-networks session s 3'])
  const [signal] = await list()
  t.match(signal?.details, { network: ['n1', 'n2', 'n3'], sub: ['u'], client_id: ['c'] })
})

t.test('a grant is used by refreshing and by reuse, too', async (t) => {
  const { record, node } = await setUp()
  const issued: TokenEvent = { ...use, type: 'token.issued', details: { grant_type: 'x' } }
  await record({ ...issued, jti: 'j1' }, { network: 'n1' })
  await record({ ...issued, jti: 'j2' }, { network: 'n2' })
  await record(reuse, { network: 'n3' })
  t.strictSame(brief(await node.detect()), [
    'refresh-reuse grant g 1',
    'several-networks grant g 3',
  ])
})

t.test('a browser and the servers of its applications are no stolen session', async (t) => {
  const { record, node } = await setUp()
  await record({ type: 'session.used', ...subjects }, { network: 'home' })
  for (const app of ['a', 'b', 'c', 'd'])
    await record({ ...use, jti: app, grantId: app }, { network: app })
  t.strictSame(await node.detect(), [])
})

t.test('more refusals of one network than allowed, of any kind', async (t) => {
  const { clock, record, node, other, list } = await setUp()
  await record(refusal, { times: 3 })
  await record({ type: 'login.failed', details: { reason: 'rejected' } }, { times: 2 })
  await record(refusal, { network: 'n2' })
  t.strictSame(await node.detect(), [])
  await record({ type: 'client.refused', clientId: 'c', details: { endpoint: 'token' } })
  t.strictSame(brief(await node.detect()), ['many-refusals network n1 6'])
  await record(refusal, { times: 4 })
  t.strictSame(await other.detect(), [])
  const [signal] = await list()
  t.match(signal, {
    count: 10,
    details: { type: ['client.refused', 'login.failed', 'token.refused'], client_id: ['c'] },
  })

  clock.advance(9 * minute)
  t.strictSame(await node.detect(), [])
  clock.advance(2 * minute)
  t.strictSame(await node.detect(), [], 'over, so the next window is quiet')
})

t.test('the window goes along with the clock', async (t) => {
  const { clock, record, node } = await setUp()
  clock.advance(9 * minute)
  await record(refusal, { times: 3 })
  clock.advance(2 * minute)
  await record(refusal, { times: 3 })
  t.strictSame(brief(await node.detect()), ['many-refusals network n1 6'])
  clock.advance(5 * minute)
  await record(refusal, { network: 'n2', times: 5, ageSeconds: 10 * minute + 1 })
  await record(refusal, { network: 'n2' })
  t.strictSame(await node.detect(), [], 'what is older does not count')
})

t.test('who goes on is told again in the next window', async (t) => {
  const { clock, record, node } = await setUp()
  const found: number[] = []
  for (let turn = 0; turn < 30; turn += 1) {
    await record(refusal, { times: 6 })
    found.push((await node.detect()).length)
    clock.advance(1 * minute)
  }
  t.strictSame(
    found.flatMap((count, turn) => (count > 0 ? [turn] : [])),
    [0, 10, 20],
  )
})

t.test('an API that asks about many bad tokens has done nothing wrong', async (t) => {
  const { record, node } = await setUp()
  const details = { endpoint: 'introspect', code: 'inactive' } as const
  await record({ type: 'token.refused', details }, { times: 20 })
  t.strictSame(await node.detect(), [])
})

t.test('signals outlive their events by weeks, and expire', async (t) => {
  const { record, node } = await setUp()
  await record(reuse)
  await node.detect()
  const [row] = await database.query<{ days: number }>(
    `select extract(epoch from expires_at - last_at)::integer / 86400 as days from signals`,
  )
  t.equal(row?.days, 30)
})
