/** Following a feed from the start to the end; test/verifier/feed-server.ts is the issuer. */
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { promisify } from 'node:util'
import t from 'tap'
import { createTestFollower } from './follower-setup.ts'
import { until } from './test-time.ts'

const iat = 1_000
const notBefore = 2_000
const user = { iat, sub: 'U' }
const another = { iat, sub: 'V' }

t.test('what was revoked before is known once it is ready, what comes then at once', async (t) => {
  const { server, follower, isRevoked, events } = await createTestFollower(t)
  const expiresAt = 4_000_000_000
  await server.revoke({ kind: 'user', id: 'U', notBefore, expiresAt })
  t.equal(follower.isFresh(), false)
  t.equal(follower.ageMilliseconds(), undefined)
  follower.start()
  await follower.ready()
  t.equal(follower.isFresh(), true)
  t.equal(await isRevoked(user), true)
  t.equal(await isRevoked({ ...user, iat: notBefore }), false)
  t.equal(await isRevoked(another), false)

  await until(() => server.streams.length === 1)
  const version = follower.version()
  await server.revoke({ kind: 'user', id: 'V', notBefore, expiresAt })
  await server.streams[0]!.send()
  await until(() => follower.version() > version)
  t.equal(await isRevoked(another), true)
  t.strictSame(
    events.map(({ type, detail }) => (type === 'feed_connected' ? detail : type)),
    ['poll', 'feed_fresh', 'stream'],
  )
  t.hasStrict(follower.status(), {
    connection: 'stream',
    count: 2,
    isStale: false,
    cursor: 'c2',
    failure: undefined,
  })
  t.strictSame(
    server.requests.map(({ way, cursor, authorization }) => [way, cursor, authorization]),
    [
      ['poll', undefined, undefined],
      ['stream', 'c1', undefined],
    ],
  )
})

t.test('a state of many pages is known as a whole before it is fresh', async (t) => {
  const { server, follower, isRevoked, verified } = await createTestFollower(
    t,
    { public: true, mode: 'poll' },
    { pageSize: 2 },
  )
  for (const id of ['A', 'B', 'C', 'D', 'E'])
    await server.revoke({ kind: 'user', id, notBefore, expiresAt: 4_000_000_000 })
  const freshness: boolean[] = []
  server.intercept = () => void freshness.push(follower.isFresh())
  await follower.ready()
  t.equal(verified(), 3)
  t.strictSame(freshness, [false, false, false])
  t.strictSame(
    server.requests.map(({ cursor }) => cursor),
    [undefined, 'c2', 'c4'],
  )
  for (const sub of ['A', 'B', 'C', 'D', 'E']) t.equal(await isRevoked({ iat, sub }), true)
})

t.test('by polling it asks every few seconds for what follows', async (t) => {
  const { time, server, follower, isRevoked, verified } = await createTestFollower(t, {
    public: true,
    mode: 'poll',
    pollSeconds: 3,
  })
  follower.start()
  await follower.ready()
  await server.revoke({ kind: 'user', id: 'U', notBefore, expiresAt: 4_000_000_000 })
  await until(() => time.waiting().length === 2)
  time.advance(2_729)
  t.equal(server.count('poll'), 1)
  time.advance(1) // the jitter of this test takes 9 % away
  await until(() => verified() === 2)
  await until(() => follower.version() > 0)
  t.equal(await isRevoked(user), true)
  t.strictSame(server.requests.at(-1)?.cursor, 'c0')
  t.equal(server.count('stream'), 0)
})

t.test('a slow answer does not put the next poll off', async (t) => {
  const { time, server, follower, settle, verified } = await createTestFollower(t, {
    public: true,
    mode: 'poll',
    pollSeconds: 3,
  })
  server.intercept = () => {
    time.advance(2_000)
  }
  follower.start()
  await follower.ready()
  await settle()
  time.advance(729)
  t.equal(server.count('poll'), 1)
  time.advance(1)
  await until(() => verified() === 2)
})

t.test('now and then it takes the whole state, beside the stream, and loses nothing', async (t) => {
  const { time, server, follower, isRevoked, verified, settle } = await createTestFollower(t)
  await server.revoke({ kind: 'user', id: 'U', notBefore, expiresAt: 4_000_000_000 })
  follower.start()
  await until(() => verified() === 2)
  // A backup was put back, from before the revocation.
  server.intercept = async ({ way, cursor }, response) => {
    if (way !== 'poll') return false
    t.equal(cursor, undefined)
    const document = server.documentAfter(undefined, { cursor: 0, asOf: time.trueNow() })
    response.writeHead(200, { 'content-type': 'application/jwt' })
    response.end(await server.sign(document))
    return true
  }
  while (server.count('poll') === 1) {
    const before = verified()
    time.advance(15_000)
    await server.streams[0]!.send()
    await until(() => verified() > before)
    await settle()
  }
  t.ok(time.monotonic() < 600_000)
  await until(() => follower.status().cursor === 'c0')
  t.equal(await isRevoked(user), true)
  t.equal(server.streams.length, 1)
  t.equal(server.streams[0]!.isOpen(), true)
})

t.test('what has expired is forgotten', async (t) => {
  const { time, server, follower, verified } = await createTestFollower(t)
  const expiresAt = Math.floor(time.trueNow() / 1000) + 20
  await server.revoke({ kind: 'user', id: 'U', notBefore, expiresAt })
  follower.start()
  await until(() => verified() === 2)
  for (const count of [1, 0]) {
    const before = verified()
    time.advance(15_000)
    await server.streams[0]!.send()
    await until(() => verified() > before)
    await until(() => follower.status().count === count)
  }
  t.strictSame(await follower.find(user), [])
})

t.test('a feed that is down is said so, and followed when it is up', async (t) => {
  const { time, server, follower, events } = await createTestFollower(t)
  server.intercept = (_, response) => {
    response.writeHead(503).end()
    return true
  }
  follower.start()
  await t.rejects(follower.ready(), {
    code: 'revocations_stale',
    message: `The revocation feed of ${server.issuer} is not followed: The feed answered 503: see the log of the issuer.`,
  })
  const asked = server.requests.length
  await t.rejects(follower.ready(), { code: 'revocations_stale' }, 'told at once')
  await follower.refresh()
  t.equal(server.requests.length, asked, 'without asking again within a second')
  t.equal(follower.isFresh(), false)

  server.intercept = () => false
  time.advance(10_000)
  await until(() => follower.isFresh())
  await follower.ready()
  t.strictSame(
    events.slice(0, 3).map(({ type }) => type),
    ['feed_lost', 'feed_connected', 'feed_fresh'],
  )
})

t.test('an issuer that cannot be reached is said so', async (t) => {
  const http = createServer().listen(0, '127.0.0.1')
  await once(http, 'listening')
  const endpoint = `http://127.0.0.1:${(http.address() as AddressInfo).port}/revocations`
  http.close()
  const { follower } = await createTestFollower(t, { public: true, endpoint })
  await t.rejects(follower.ready(), {
    message: /cannot be read \(connect ECONNREFUSED 127.0.0.1:\d+\): check that the issuer is up/,
  })
})

t.test('an issuer without a feed is said so', async (t) => {
  const { follower } = await createTestFollower(t, { public: true }, { hasFeed: false })
  await t.rejects(follower.ready(), {
    message: /has no revocation feed .* set endpoint, or revocations: 'off'/,
  })
})

t.test('an issuer that itself knows nothing new makes nothing fresh', async (t) => {
  const { time, server, follower, isRevoked } = await createTestFollower(t)
  await server.revoke({ kind: 'user', id: 'U', notBefore, expiresAt: 4_000_000_000 })
  server.intercept = async (_, response) => {
    const view = { cursor: 1, asOf: time.trueNow() - 61_000 }
    response.writeHead(200, { 'content-type': 'application/jwt' })
    response.end(await server.sign(server.documentAfter(undefined, view)))
    return true
  }
  await t.rejects(follower.ready(), { message: /knows what was revoked 62 s ago only/ })
  t.equal(await isRevoked(user), true, 'but what it does know counts')
})

t.test('a wall clock that is ahead makes what is known stale, and is named', async (t) => {
  const { time, server, follower } = await createTestFollower(t)
  await follower.ready()
  time.setWallClockError(70_000)
  t.equal(follower.isFresh(), false)
  server.intercept = async (_, response) => {
    response.writeHead(200, { 'content-type': 'application/jwt' })
    response.end(await server.sign({ ...server.documentAfter(undefined), exp: 4_000_000_000 }))
    return true
  }
  time.advance(1_000)
  await t.rejects(follower.ready(), { message: /clock of this machine is 69 s ahead/ })
})

t.test('refresh asks at once, one request for all who wait', async (t) => {
  const { time, server, follower } = await createTestFollower(t, { public: true, mode: 'poll' })
  await follower.ready()
  time.advance(61_000)
  t.equal(follower.isFresh(), false)
  await Promise.all(Array.from({ length: 10 }, () => follower.refresh()))
  t.equal(follower.isFresh(), true)
  t.equal(server.count('poll'), 2)
})

t.test('refresh waits for three seconds at most', async (t) => {
  const { time, server, follower } = await createTestFollower(t)
  server.intercept = ({ way }) => way === 'poll'
  const refreshed = follower.refresh()
  await until(() => server.count('poll') === 1)
  time.advance(3_000)
  await refreshed
  t.equal(follower.isFresh(), false)
})

t.test('an end is an end', async (t) => {
  const { time, server, follower, events, verified } = await createTestFollower(t)
  follower.start()
  await until(() => verified() === 2)
  const told = events.length
  follower.close()
  await until(() => !server.streams[0]!.isOpen())
  await until(() => time.waiting().length === 0)
  time.advance(600_000)
  follower.start()
  await follower.refresh()
  await t.rejects(follower.ready(), { message: /it was closed/ })
  t.equal(server.requests.length, 2)
  t.equal(events.length, told)
  t.strictSame(time.waiting(), [])
})

t.test('closed while it asks, it neither waits nor learns', async (t) => {
  const { time, server, follower } = await createTestFollower(t)
  server.intercept = ({ way }) => way === 'poll'
  follower.start()
  const ready = follower.ready()
  await until(() => server.count('poll') === 1)
  follower.close()
  await t.rejects(ready, { message: /it was closed/ })
  await until(() => time.waiting().length === 0)
  t.equal(follower.version(), 0)
})

t.test('a process whose follower is closed ends by itself', async (t) => {
  const { server } = await createTestFollower(t)
  const folder = new URL('../../src/verifier', import.meta.url).href
  const script = `
    import { decodeJwt } from 'jose'
    import { createFollower } from '${folder}/follower.js'
    import { defaultRuntime } from '${folder}/runtime.js'
    const follower = createFollower({
      ...defaultRuntime,
      now: () => 0, // the issuer is of another time
      public: true,
      issuer: '${server.issuer}',
      endpoint: '${server.issuer}/revocations',
      verifySignature: async (jws) => ({ header: { kid: 'key-1' }, payload: decodeJwt(jws) }),
      onEvent({ detail }) {
        if (detail !== 'stream') return
        follower.close()
        process.stdout.write(detail)
      },
    })
    follower.start()`
  const args = ['--input-type=module', '--eval', script]
  const { stdout } = await promisify(execFile)(process.execPath, args)
  t.equal(stdout, 'stream')
})
