import t from 'tap'
import { createFetchDocument } from '../../src/http/fetch-document.ts'
import type { OutgoingAnswer } from '../../src/http/outgoing.ts'
import { createTestClock } from '../support/clock.ts'

const json = { 'content-type': 'application/json' }
const uri = 'https://client.example/document'
const limits = { maxBytes: 1000 }

function answer(
  body: string | Buffer = '{"a":1}',
  changes: Partial<OutgoingAnswer> = {},
): OutgoingAnswer {
  return { status: 200, headers: json, body: Buffer.from(body), fault: undefined, ...changes }
}

function createWorld(answers: (OutgoingAnswer | { failure: string })[]) {
  const clock = createTestClock()
  const sent: string[] = []
  const send = async (to: string) => {
    sent.push(to)
    return answers.length > 1 ? answers.shift()! : answers[0]!
  }
  return { clock, sent, fetchDocument: createFetchDocument({ send, clock }) }
}

t.test('what is not the JSON that was asked for is a failure without any of it', async (t) => {
  const rows: [given: OutgoingAnswer | { failure: string }, failure: string][] = [
    [{ failure: 'no connection: ECONNREFUSED' }, 'no connection: ECONNREFUSED'],
    [answer('{}', { status: 302 }), 'an answer of 302: redirects are not followed'],
    [answer('{}', { status: 404 }), 'an answer of 404, not 200'],
    [answer('{}', { status: 206 }), 'an answer of 206, not 200'],
    [
      answer('x', { headers: { ...json, 'content-encoding': 'gzip' } }),
      'an answer that is compressed',
    ],
    [
      answer('{}', { headers: { 'content-type': 'text/html' } }),
      'an answer that is not application/json',
    ],
    [answer('{}', { headers: {} }), 'an answer that is not application/json'],
    [
      answer('{"a":', { fault: 'an answer of more than 9 bytes' }),
      'an answer of more than 9 bytes',
    ],
    [answer('root:x:0:0'), 'an answer that is not JSON'],
    [answer(Buffer.from([0x22, 0xff, 0x22])), 'an answer that is not JSON'],
    [answer(`${'['.repeat(30)}${']'.repeat(30)}`), 'an answer that is not JSON'],
    [answer(String.raw`{"a":"\u0000"}`), 'an answer that is not JSON'],
  ]
  for (const [given, failure] of rows)
    t.strictSame(await createWorld([given]).fetchDocument(uri, limits), { failure })
})

t.test('JSON of any kind is taken, with the age that HTTP gives it', async (t) => {
  const rows: [headers: Record<string, string>, maxAgeSeconds: number | undefined][] = [
    [{}, undefined],
    [{ 'content-type': 'application/jwk-set+json; charset=utf-8' }, undefined],
    [{ 'cache-control': 'public, max-age=600' }, 600],
    [{ 'cache-control': 'Max-Age="60"' }, 60],
    [{ 'cache-control': 'max-age=600, no-store' }, 0],
    [{ 'cache-control': 'no-cache' }, 0],
    [{ 'cache-control': 's-maxage=600, max-age=x' }, undefined],
  ]
  for (const [headers, maxAgeSeconds] of rows) {
    const { fetchDocument } = createWorld([answer('{"a":1}', { headers: { ...json, ...headers } })])
    t.strictSame(await fetchDocument(uri, limits), { document: { a: 1 }, maxAgeSeconds })
  }
})

t.test('all who ask at a time share one request', async (t) => {
  const { sent, fetchDocument } = createWorld([answer()])
  const fetched = await Promise.all(Array.from({ length: 10 }, () => fetchDocument(uri, limits)))
  t.match(
    fetched,
    Array.from({ length: 10 }, () => ({ document: { a: 1 } })),
  )
  t.strictSame(sent, [uri])
  await fetchDocument(uri, limits)
  t.equal(sent.length, 2, 'what to keep is for others to say')
})

t.test('a failure stands for five seconds before anybody is asked again', async (t) => {
  const { clock, sent, fetchDocument } = createWorld([{ failure: 'no luck' }, answer()])
  t.strictSame(await fetchDocument(uri, limits), { failure: 'no luck' })
  clock.advance(4)
  t.strictSame(await fetchDocument(uri, limits), { failure: 'no luck' })
  t.equal(sent.length, 1)
  clock.advance(2)
  t.match(await fetchDocument(uri, limits), { document: { a: 1 } })
})
