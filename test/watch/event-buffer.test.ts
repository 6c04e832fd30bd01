import { EventEmitter, once } from 'node:events'
import t from 'tap'
import { DatabaseUnavailable } from '../../src/database/database.ts'
import { createEventBuffer } from '../../src/watch/event-buffer.ts'
import { toRecord, type EventRecord } from '../../src/watch/events.ts'

function newEvent(jti: string | number): EventRecord {
  const origin = { requestId: 'r', network: '192.0.2.0/24', at: new Date(0) }
  return toRecord({ type: 'logout', jti: String(jti) }, origin)
}

/** A buffer over a table that fails with `fault` while there is one, and can be made to wait. */
function setUp({ capacity = 5000 } = {}) {
  const table = {
    batches: [] as string[][],
    fault: undefined as Error | undefined,
    gate: Promise.resolve() as Promise<unknown>,
  }
  const drops: number[] = []
  const buffer = createEventBuffer({
    async write(events) {
      await table.gate
      if (table.fault) throw table.fault
      table.batches.push(events.map(({ jti }) => jti!))
    },
    onDrop: (count) => drops.push(count),
    capacity,
  })
  const add = (...jtis: (string | number)[]) => jtis.forEach((jti) => buffer.add(newEvent(jti)))
  return { buffer, table, drops, add }
}

const numbers = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, index) => from + index)
const outage = new DatabaseUnavailable('down')

t.test('what waits is written in order, a thousand at a time', async (t) => {
  const { buffer, table, add } = setUp()
  add(...numbers(0, 2500))
  t.equal(buffer.waiting(), 2500)
  await buffer.flush()
  t.strictSame(
    table.batches.map((batch) => batch.length),
    [1000, 1000, 500],
  )
  t.strictSame(table.batches.flat(), numbers(0, 2500).map(String))
  t.equal(buffer.waiting(), 0)
  await buffer.flush()
  t.equal(table.batches.length, 3, 'nothing waits, so nothing is asked of the database')
})

t.test('what comes while a batch is written goes with the same flush, once', async (t) => {
  const { buffer, table, add } = setUp()
  const gate = new EventEmitter()
  table.gate = once(gate, 'open')
  add('a', 'b')
  const first = buffer.flush()
  add('c')
  const second = buffer.flush()
  gate.emit('open')
  await Promise.all([first, second])
  t.strictSame(table.batches, [['a', 'b'], ['c']])
})

t.test('an outage keeps them, in order', async (t) => {
  const { buffer, table, drops, add } = setUp()
  table.fault = outage
  add('a', 'b')
  await t.rejects(buffer.flush(), outage)
  add('c')
  await t.rejects(buffer.flush(), outage)
  table.fault = undefined
  await buffer.flush()
  t.strictSame(table.batches, [['a', 'b', 'c']])
  t.strictSame(drops, [])
})

t.test('a full buffer drops the oldest, and counts them', async (t) => {
  const { buffer, table, drops, add } = setUp({ capacity: 3 })
  table.fault = outage
  add('a', 'b', 'c', 'd')
  await t.rejects(buffer.flush(), outage)
  add('e')
  t.equal(buffer.waiting(), 3)
  t.strictSame(drops, [1, 1])
  t.strictSame([buffer.takeDropped(), buffer.takeDropped()], [2, 0], 'told once')
  table.fault = undefined
  await buffer.flush()
  t.strictSame(table.batches, [['c', 'd', 'e']])
})

t.test('the bound holds for what comes back from a batch that failed, too', async (t) => {
  const { buffer, table, drops, add } = setUp({ capacity: 3 })
  const gate = new EventEmitter()
  table.gate = once(gate, 'open')
  table.fault = outage
  add('a', 'b', 'c')
  const flush = buffer.flush()
  add('d', 'e')
  gate.emit('open')
  await t.rejects(flush, outage)
  t.equal(buffer.waiting(), 3)
  t.strictSame(drops, [2])
  table.fault = undefined
  await buffer.flush()
  t.strictSame(table.batches, [['c', 'd', 'e']])
})

t.test('a batch that the database will never take does not hold up the others', async (t) => {
  const { buffer, table, drops, add } = setUp()
  table.fault = new Error('invalid input syntax')
  add('a', 'b')
  await t.rejects(buffer.flush(), table.fault)
  table.fault = undefined
  add('c')
  await buffer.flush()
  t.strictSame([table.batches, drops], [[['c']], [2]])
})
