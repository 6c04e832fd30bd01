/** Streams of the feed, whoever comes and goes and reads slowly meanwhile: no reader ever meets a gap. */
import * as fc from 'fast-check'
import { EventEmitter, once } from 'node:events'
import { setImmediate as settle } from 'node:timers/promises'
import t from 'tap'
import type { Database } from '../../src/database/database.ts'
import { createFeedBroadcast, type Connection } from '../../src/revocation/feed-broadcast.ts'
import { createFeedDocuments } from '../../src/revocation/feed-documents.ts'
import { createRevocationFeed } from '../../src/revocation/feed.ts'
import { createRevocationStore } from '../../src/revocation/store.ts'
import { digestSubject, parseFeedDocument } from '../../src/verifier/feed.ts'
import { createTestClock } from '../support/clock.ts'
import { createTestDatabase } from '../support/database.ts'
import { createTestTimers } from '../support/timers.ts'
import { createFeedReader, type FeedReader } from './feed-reader.ts'

const pageSize = 3

/** A connection whose other end reads when the test says so. */
function createConnection(former?: FeedReader) {
  const reader = createFeedReader(former)
  const sent: string[] = []
  let pending: Buffer[] = []
  let isReading = true
  let isOver: string | boolean = false
  const signals = new EventEmitter()
  const ended = once(signals, 'end').then(() => {})
  const waiting: (() => void)[] = []

  function read(): void {
    for (const event of pending) {
      const data = /\ndata: (.*)\n\n$/.exec(event.toString())![1]!
      sent.push(data)
      reader.take(parseFeedDocument(JSON.parse(Buffer.from(data, 'base64url').toString()))!)
    }
    pending = []
    for (const resolve of waiting.splice(0)) resolve()
  }

  const connection: Connection = {
    ended,
    hasEnded: () => isOver !== false,
    pendingBytes: () => pending.reduce((sum, { length }) => sum + length, 0),
    drained: () =>
      pending.length === 0
        ? Promise.resolve()
        : Promise.race([ended, new Promise<void>((resolve) => waiting.push(resolve))]),
    send(event) {
      pending.push(event)
      if (isReading) read()
    },
    end(reason = '') {
      isOver = reason
      signals.emit('end')
    },
  }
  return {
    connection,
    reader,
    sent,
    setReading(is: boolean) {
      isReading = is
      if (is) read()
    },
    reason: () => isOver,
    leave: () => connection.end('left'),
  }
}

function createWorld(database: Database, { maxListeners = 100, delay = async () => {} } = {}) {
  const clock = createTestClock()
  const timers = createTestTimers()
  const store = createRevocationStore(database)
  const errors: unknown[] = []
  let isBroken = false
  let history = ''
  const feed = createRevocationFeed({
    clock,
    pageSize,
    store: {
      async listAfter(...args) {
        const page = await store.listAfter(...args)
        return { ...page, history: page.history + history }
      },
    },
  })
  const documents = createFeedDocuments({
    feed,
    clock,
    issuer: 'https://op.example',
    heartbeatSeconds: 5,
    async sign(payload) {
      await delay()
      if (isBroken) throw new Error('no key')
      return Buffer.from(JSON.stringify(payload)).toString('base64url')
    },
  })
  const broadcast = createFeedBroadcast({
    feed,
    documents,
    heartbeatSeconds: 5,
    maxListeners,
    onError: (error) => errors.push(error),
    setTimer: timers.setTimer,
  })
  const names: string[] = []

  return {
    ...timers,
    clock,
    feed,
    broadcast,
    errors,
    names,
    setBroken: (is: boolean) => (isBroken = is),
    setHistory: (text: string) => (history = text),
    async revoke(...ids: string[]) {
      const revokedAt = clock.now()
      const expiresAt = new Date(revokedAt.getTime() + 600_000)
      for (const id of ids) {
        names.push(`user ${await digestSubject({ kind: 'user', id })}`)
        await database.transaction((transaction) =>
          store.append(
            { kind: 'user', id, notBefore: 1, expiresAt, reason: undefined, revokedAt },
            transaction,
          ),
        )
      }
      await feed.load()
    },
    async listen({ former, isReading = true }: { former?: FeedReader; isReading?: boolean } = {}) {
      const listener = createConnection(former)
      listener.setReading(isReading)
      await broadcast.open({
        cursor: former?.cursor(),
        isWelcome: () => true,
        connect: () => listener.connection,
      })
      return listener
    },
    /** Lets everything happen that can without time passing. */
    async rest() {
      for (let turn = 0; turn < 20; turn += 1) await settle()
    },
  }
}

const database = await createTestDatabase(t)

/** For one test after the other, with nothing revoked yet. */
async function setUp(options = {}) {
  await database.query('delete from revocations')
  const world = createWorld(database, options)
  await world.feed.load()
  world.pass(1000)
  await world.rest()
  world.pass(1000)
  return world
}

const idsOf = (reader: FeedReader) => [...reader.held().keys()].toSorted()

t.test('a newcomer that reads slowly is given page after page as it takes them', async (t) => {
  const { listen, revoke, names, rest } = await setUp()
  await revoke('A', 'B', 'C', 'D', 'E', 'F', 'G')
  const listener = await listen({ isReading: false })
  await rest()
  const oneDocument = listener.connection.pendingBytes()
  t.ok(oneDocument > 0)
  await revoke('H')
  await rest()
  t.equal(listener.connection.pendingBytes(), oneDocument)
  listener.setReading(true)
  await rest()
  t.equal(listener.sent.length, 3)
  t.strictSame(idsOf(listener.reader), names.toSorted())
})

t.test('a newcomer that does not take its first page loses its place in time', async (t) => {
  const { listen, revoke, rest, pass } = await setUp({ maxListeners: 1 })
  await revoke('A', 'B', 'C', 'D')
  const listener = await listen({ isReading: false })
  await rest()
  pass(30_000)
  await rest()
  t.equal(listener.reason(), 'it does not read')
  await t.resolves(listen())
})

t.test('a listener that has a mebibyte pending is cut off at the next document', async (t) => {
  const { listen, pass, rest, clock } = await setUp()
  const [slow, quick] = [await listen(), await listen()]
  await rest()
  slow.setReading(false)
  slow.connection.send(Buffer.alloc(1024 * 1024 - 1000))
  const beat = async () => {
    clock.advance(5)
    pass(5000)
    await rest()
  }
  for (let beats = 0; slow.reason() === false && beats < 10; beats += 1) await beat()
  t.equal(slow.reason(), 'it does not read')
  t.equal(quick.reason(), false)
})

t.test('newcomers and those who wait share the documents from the next one on', async (t) => {
  const { listen, revoke, pass, rest, names } = await setUp()
  const [old, gone] = [await listen(), await listen()]
  await rest()
  gone.leave()
  await revoke('A') // sent at once
  await rest()
  await revoke('B') // waits for the rest to be over
  const fresh = await listen({ former: gone.reader })
  await rest()
  t.strictSame([idsOf(old.reader).length, idsOf(fresh.reader).length], [1, 2])
  pass(100)
  await rest()
  t.strictSame(idsOf(old.reader), names.toSorted())
  t.not(old.sent.at(-1), fresh.sent.at(-1), 'each from where it was')
  await revoke('C')
  pass(100)
  await rest()
  t.equal(old.sent.at(-1), fresh.sent.at(-1))
  t.strictSame(idsOf(fresh.reader), names.toSorted())
})

t.test('what could not be signed comes with the next heartbeat', async (t) => {
  const { listen, revoke, pass, rest, setBroken, errors, names } = await setUp()
  const listener = await listen()
  await rest()
  setBroken(true)
  await revoke('A')
  await rest()
  pass(5000)
  await rest()
  t.match(errors, [{ message: 'no key' }, { message: 'no key' }])
  t.equal(listener.sent.length, 1)
  setBroken(false)
  pass(5000)
  await rest()
  t.strictSame(idsOf(listener.reader), names)
  t.equal(listener.reason(), false)
})

t.test('after a failover every listener gets everything, page by page', async (t) => {
  const { listen, revoke, pass, rest, setHistory, names } = await setUp()
  await revoke('A', 'B', 'C', 'D')
  const listener = await listen()
  await rest()
  pass(1000)
  setHistory('another server')
  await revoke('E')
  await rest()
  const documents = listener.sent.map((data) =>
    JSON.parse(Buffer.from(data, 'base64url').toString()),
  )
  t.strictSame(
    documents.map(({ after, entries }) => [after === undefined, entries.length]),
    [
      [true, 3],
      [false, 1],
      [true, 3],
      [false, 2],
    ],
  )
  t.strictSame(idsOf(listener.reader), names.toSorted())
})

t.test('who has gone before the stream begins takes no place', async (t) => {
  const { broadcast, listen, rest } = await setUp({ maxListeners: 1 })
  const gone = createConnection()
  gone.leave()
  await broadcast.open({ cursor: undefined, isWelcome: () => true, connect: () => gone.connection })
  await rest()
  t.equal(gone.sent.length, 0)
  await t.resolves(listen())
  await t.rejects(listen(), { code: 'temporarily_unavailable', headers: { 'retry-after': '5' } })
})

t.test('who is refused takes no place', async (t) => {
  const { listen, setBroken, broadcast } = await setUp({ maxListeners: 1 })
  const { connection } = createConnection()
  const nonsense = { cursor: 'x', isWelcome: () => true, connect: () => connection }
  await t.rejects(broadcast.open(nonsense), { code: 'invalid_request' })
  setBroken(true)
  await t.rejects(listen(), { message: 'no key' })
  setBroken(false)
  await t.resolves(listen())
})

t.test('once closed it ends all streams and begins none', async (t) => {
  const { listen, broadcast, revoke, pass, rest } = await setUp()
  const listener = await listen()
  await rest()
  broadcast.close()
  t.equal(listener.connection.hasEnded(), true)
  await t.rejects(listen(), { code: 'temporarily_unavailable' })
  await revoke('A')
  pass(60_000)
  await rest()
  t.equal(listener.sent.length, 1)
})

const users = fc.array(fc.constantFrom('A', 'B', 'C', 'D', 'E', 'F', 'G', 'H'), {
  minLength: 1,
  maxLength: 5,
})
const command = fc.oneof(
  fc.record({ revoke: users }),
  fc.record({ revoke: users }),
  fc.record({ pass: fc.constantFrom(10, 21, 100, 5000) }),
  // From where another reader is, or from the beginning.
  fc.record({ join: fc.nat(9) }),
  fc.record({ read: fc.nat(9), is: fc.boolean() }),
  fc.record({ leave: fc.nat(9) }),
  fc.record({ turns: fc.nat(3) }),
  fc.record({ history: fc.constantFrom('', 'x', 'y') }),
)
const scenario = fc.record({
  delays: fc.array(fc.nat(4), { minLength: 5, maxLength: 20 }),
  commands: fc.array(command, { minLength: 5, maxLength: 40 }),
})

t.test(
  'whatever comes in between, no reader meets a gap, and all end with everything',
  async (t) => {
    await t.resolves(
      fc.assert(
        fc.asyncProperty(scenario, async ({ delays, commands }) => {
          await database.query('delete from revocations')
          let signatures = 0
          const world = createWorld(database, {
            async delay() {
              const turns = delays[signatures++ % delays.length]!
              for (let turn = 0; turn < turns; turn += 1) await settle()
            },
          })
          await world.feed.load()
          const listeners: ReturnType<typeof createConnection>[] = []
          for (const one of commands) {
            if ('revoke' in one) await world.revoke(...one.revoke)
            else if ('pass' in one) world.pass(one.pass)
            else if ('join' in one) {
              const former = listeners[one.join]?.reader
              listeners.push(await world.listen(former && { former }))
            } else if ('read' in one) listeners[one.read]?.setReading(one.is)
            else if ('leave' in one) listeners[one.leave]?.leave()
            else if ('turns' in one) for (let turn = 0; turn < one.turns; turn += 1) await settle()
            else world.setHistory(one.history)
          }
          for (const listener of listeners) listener.setReading(true)
          for (let round = 0; round < 3; round += 1) {
            world.pass(5000)
            await world.rest()
          }
          const all = [...new Set(world.names)].toSorted()
          for (const { reader, connection } of listeners)
            if (!connection.hasEnded() && JSON.stringify(idsOf(reader)) !== JSON.stringify(all))
              throw new Error(`${idsOf(reader).length} of ${all.length}`)
          if (world.errors.length > 0) throw world.errors[0]
          world.broadcast.close()
        }),
        { numRuns: Number(process.env['FUZZ_RUNS'] ?? 60) },
      ),
    )
  },
)
