/** What is asked for and what is answered: documents that are refused, and tokens to ask with. */
import { CompactSign } from 'jose'
import t, { type Test } from 'tap'
import type { FeedDocument } from '../../src/verifier/feed.ts'
import { createFeedKey, type FeedIssuer } from './feed-issuer.ts'
import { createTestFollower, type Following } from './follower-setup.ts'
import { until } from './test-time.ts'

const revocation = { kind: 'user', id: 'U', notBefore: 2_000, expiresAt: 4_000_000_000 } as const
const user = { iat: 1_000, sub: 'U' }

const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url')

/** A follower whose polls are answered with this. */
async function followAnswer(
  t: Test,
  make: (server: FeedIssuer, document: FeedDocument) => string | Promise<string>,
): Promise<Following> {
  const following = await createTestFollower(t, { public: true, mode: 'poll' })
  const { server } = following
  await server.revoke(revocation)
  server.intercept = async ({ cursor }, response) => {
    response.writeHead(200, { 'content-type': 'application/jwt' })
    response.end(await make(server, server.documentAfter(cursor)))
    return true
  }
  return following
}

t.test('a document counts for nothing unless all of it is right', async (t) => {
  const foreign = await createFeedKey('key-1')
  const secret = new TextEncoder().encode('0123456789abcdef0123456789abcdef')
  const rows: [
    why: string,
    reason: RegExp,
    make: (server: FeedIssuer, document: FeedDocument) => string | Promise<string>,
  ][] = [
    ['of another type', /token_type/, async (s, d) => s.sign(d, { typ: 'at+jwt' })],
    ['without a type', /token_type/, async (s, d) => s.sign(d, { typ: undefined })],
    ['of another issuer', /another issuer/, async (s, d) => s.sign({ ...d, iss: `${d.iss}/` })],
    ['expired', /expired/, async (s, d) => s.sign({ ...d, exp: d.iat - 5 })],
    ['by a key unknown', /key_unknown/, async (s, d) => s.sign(d, { kid: 'key-2' })],
    ['by no named key', /names no key/, async (s, d) => s.sign(d, { kid: undefined })],
    ['by another key', /signature_invalid/, async (s, d) => s.sign(d, {}, foreign)],
    [
      'unsigned',
      /token_malformed|algorithm_refused/,
      async (s, d) => {
        const [, payload] = (await s.sign(d)).split('.')
        return `${encode({ alg: 'none', typ: 'revocations+jwt', kid: 'key-1' })}.${payload}.`
      },
    ],
    [
      'with a secret for a key',
      /algorithm_refused|token_malformed/,
      async (_, d) =>
        new CompactSign(new TextEncoder().encode(JSON.stringify(d)))
          .setProtectedHeader({ alg: 'HS256', typ: 'revocations+jwt', kid: 'key-1' })
          .sign(secret),
    ],
    ['without a cursor', /malformed/, async (s, d) => s.sign({ ...d, cursor: undefined })],
    ['entries that are none', /malformed/, async (s, d) => s.sign({ ...d, entries: [['user']] })],
    ['no object', /malformed/, async (s) => s.sign([])],
    [
      'after what was not asked for',
      /entries are missing/,
      async (s, d) => s.sign({ ...d, after: 'c9' }),
    ],
    ['no JWT', /token_malformed/, () => '<html>'],
    ['nothing', /token_malformed/, () => ''],
    ['ten megabytes', /longer than 4194304 bytes/, () => 'x'.repeat(10_000_000)],
  ]
  for (const [why, reason, make] of rows)
    await t.test(why, async (t) => {
      const { follower, verified, isRevoked } = await followAnswer(t, make)
      await t.rejects(follower.ready(), { message: reason })
      t.equal(follower.isFresh(), false)
      t.equal(follower.version(), 0, `nothing is taken of it (${verified()})`)
      t.equal(await isRevoked(user), false)
    })
})

t.test('kinds of entries and members that come later do no harm', async (t) => {
  const { follower, isRevoked } = await followAnswer(t, async (server, document) => {
    const entries = [['planet', 'x', 1, 2], ...document.entries.map((entry) => [...entry, 'more'])]
    return server.sign({ ...document, entries, news: true })
  })
  await follower.ready()
  t.equal(await isRevoked(user), true)
  t.equal(follower.status().count, 1)
})

t.test('a key that was revoked signs no more documents', async (t) => {
  const following = await createTestFollower(t, { public: true, mode: 'poll' })
  const { time, server, follower } = following
  const [old] = server.keys
  server.keys.push(await createFeedKey('key-2'))
  await server.revoke({ kind: 'key', id: 'key-1', notBefore: 253_402_214_400 })
  await follower.ready()
  t.equal(await follower.isKeyRevoked('key-1'), true)
  t.equal(await follower.isKeyRevoked('key-2'), false)
  const cursor = follower.status().cursor
  server.intercept = async (_, response) => {
    response.writeHead(200, { 'content-type': 'application/jwt' })
    response.end(
      await server.sign({ ...server.documentAfter(undefined), cursor: 'forged' }, {}, old),
    )
    return true
  }
  time.advance(61_000)
  await follower.refresh()
  t.equal(follower.isFresh(), false)
  t.equal(follower.status().cursor, cursor)
  t.equal(follower.status().failure, 'A document of the feed is signed with the revoked key key-1')
})

t.test('an old document, answered again, does not make news of it', async (t) => {
  const following = await createTestFollower(t, { public: true, mode: 'poll' })
  const { time, server, follower } = following
  await follower.ready()
  const replayed = await server.sign({ ...server.documentAfter('c0'), exp: 4_000_000_000 })
  server.intercept = (_, response) => {
    response.writeHead(200, { 'content-type': 'application/jwt' }).end(replayed)
    return true
  }
  for (const age of [20_000, 40_000, 60_000]) {
    time.advance(20_000)
    await follower.refresh()
    t.ok(follower.ageMilliseconds()! >= age)
  }
  t.equal(follower.isFresh(), false)
  t.equal(follower.status().failure, undefined)
})

t.test('pages that lead nowhere end', async (t) => {
  const { follower, server } = await followAnswer(t, async (server, document) =>
    server.sign({ ...document, as_of: undefined, cursor: 'c0' }),
  )
  await t.rejects(follower.ready(), { message: /leads to itself/ })
  t.equal(server.count('poll'), 2)
})

t.test('an answer that is none is refused with what to do', async (t) => {
  const rows: [status: number, headers: Record<string, string>, message: RegExp][] = [
    [302, { location: '/elsewhere' }, /302: redirects are not followed/],
    [308, { location: '/elsewhere' }, /308: redirects are not followed/],
    [304, {}, /304: see the log/],
    [204, {}, /204/],
    [
      403,
      { 'content-type': 'application/json' },
      /403 insufficient_scope: .*the scope revocations/,
    ],
    [404, {}, /404: check the endpoint/],
    [500, {}, /500: see the log/],
    [200, { 'content-type': 'text/html' }, /200: text\/html, not application\/jwt/],
  ]
  for (const [status, headers, message] of rows) {
    const { follower, server } = await createTestFollower(t, { public: true, mode: 'poll' })
    server.intercept = (_, response) => {
      response.writeHead(status, headers)
      response.end(status === 403 ? '{"error":"insufficient_scope"}' : undefined)
      return true
    }
    await t.rejects(follower.ready(), { message })
    t.equal(server.requests.length, 1, 'and nothing else is asked')
  }
})

t.test('a slow answer is given up, however it drips', async (t) => {
  const { time, server, follower, verified } = await createTestFollower(t, {
    public: true,
    mode: 'poll',
  })
  let isDripping = false
  server.intercept = async (_, response) => {
    response.writeHead(200, { 'content-type': 'application/jwt' })
    response.write((await server.sign(server.documentAfter(undefined))).slice(0, 50))
    isDripping = true
    return true
  }
  const ready = follower.ready()
  await until(() => isDripping)
  time.advance(10_000)
  await t.rejects(ready, { message: /too slow: no document in 10 s/ })
  t.equal(verified(), 0)
})
