import * as fc from 'fast-check'
import t from 'tap'
import {
  createEventParser,
  readEvents,
  type ServerSentEvent,
} from '../../src/verifier/event-stream.ts'
import { FeedError } from '../../src/verifier/feed-error.ts'

function parse(...pieces: string[]): ServerSentEvent[] {
  return pieces.flatMap(createEventParser(1000))
}

/** A body of these pieces that stays open afterwards, unless they end with null. */
function bodyOf(pieces: (Uint8Array | null)[], onCancel = () => {}): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      for (const piece of pieces) if (piece) controller.enqueue(piece)
      if (pieces.at(-1) === null) controller.close()
    },
    cancel: onCancel,
  })
}

const messageOf = (data: string) => ({ type: 'message', data })
const encode = (text: string) => new TextEncoder().encode(text)
const never = new AbortController().signal

t.test('events are read as the specification says (WHATWG HTML §9.2.6)', async (t) => {
  const rows: [why: string, text: string, events: ServerSentEvent[]][] = [
    ['with a type', 'event: a\ndata: b\n\n', [{ type: 'a', data: 'b' }]],
    ['without', 'data: b\n\n', [messageOf('b')]],
    ['several lines', 'data: b\ndata\ndata:c\n\n', [{ type: 'message', data: 'b\n\nc' }]],
    ['only one space goes', 'data:  b: c\n\n', [{ type: 'message', data: ' b: c' }]],
    ['comments, ids, retries', ': hi\nid: 1\nretry: 2\ndata: b\n\n', [messageOf('b')]],
    ['no data, no event', 'event: a\n\ndata: b\n\n', [messageOf('b')]],
    ['carriage returns', 'data: b\r\rdata: c\r\n\r\n', [messageOf('b'), messageOf('c')]],
    ['half an event at the end', 'data: b\n\ndata: c\n', [messageOf('b')]],
  ]
  for (const [why, text, events] of rows) t.strictSame(parse(text), events, why)
})

t.test('it makes no difference where the pieces end', async (t) => {
  const line = fc.constantFrom('data: é', 'event: x', ':', 'data', 'data:a:b', '', '', 'foo')
  const ending = fc.constantFrom('\n', '\r', '\r\n')
  const text = fc
    .array(fc.tuple(line, ending), { maxLength: 20 })
    .map((lines) => lines.flat().join(''))
  const cuts = fc.array(fc.nat(), { maxLength: 30 })
  await fc.assert(
    fc.asyncProperty(text, cuts, async (text, cuts) => {
      const bytes = encode(text)
      const ends = cuts.map((cut) => cut % (bytes.length + 1)).toSorted((a, b) => a - b)
      const pieces = [...ends, bytes.length].map((end, index) =>
        bytes.slice(ends[index - 1] ?? 0, end),
      )
      const events: ServerSentEvent[] = []
      const body = bodyOf([...pieces, null])
      for await (const event of readEvents(body, { maxLength: 1000, signal: never }))
        events.push(event)
      t.strictSame(events, parse(text))
    }),
  )
})

t.test('nothing grows without end', async (t) => {
  const rows: [why: string, pieces: string[]][] = [
    ['a line', Array.from({ length: 11 }, () => 'x'.repeat(100))],
    ['many lines of data', Array.from({ length: 11 }, () => `data: ${'x'.repeat(94)}\n`)],
    ['many empty lines of data', Array.from({ length: 1001 }, () => 'data\n')],
  ]
  for (const [why, pieces] of rows) t.throws(() => parse(...pieces), FeedError, why)
})

t.test('events that fit follow each other without end', async (t) => {
  const events = parse(...Array.from({ length: 100 }, () => `data: ${'x'.repeat(900)}\n\n`))
  t.equal(events.length, 100)
})

t.test('the body is let go when the reader is aborted, stops, or is refused', async (t) => {
  const ways: [why: string, maxLength: number, end: (controller: AbortController) => void][] = [
    ['aborted', 1000, (controller) => controller.abort()],
    ['too long', 3, () => {}],
  ]
  for (const [why, maxLength, end] of ways) {
    const controller = new AbortController()
    const cancelled = new Promise<string>((resolve) => {
      const body = bodyOf([encode('data: b\n\n')], () => resolve('cancelled'))
      void (async () => {
        for await (const event of readEvents(body, { maxLength, signal: controller.signal }))
          if (event) end(controller)
      })().catch(() => {})
    })
    t.equal(await cancelled, 'cancelled', why)
  }
})
