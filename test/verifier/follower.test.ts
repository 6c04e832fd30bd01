/** Following a feed from the start to the end; test/verifier/feed-server.ts is the issuer. */
import { execFile } from 'node:child_process'
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

t.test('a cursor that the issuer does not know any more costs one reading of it all', async (t) => {
  const following = await createTestFollower(t)
  const { server, follower, isRevoked } = following
  follower.start()
  await until(() => follower.status().connection === 'stream')
  for (const status of [400, 410]) {
    server.intercept = ({ cursor }, response) => {
      if (cursor === undefined) return false
      response.writeHead(status, { 'content-type': 'application/json' })
      response.end('{"error":"invalid_request"}')
      server.intercept = () => false
      return true
    }
    await server.revoke({ kind: 'user', id: 'U', notBefore, expiresAt: 4_000_000_000 })
    const open = server.streams.length
    server.streams.at(-1)!.cut()
    await following.pass(() => server.streams.length > open)
    t.strictSame(
      server.requests.slice(-3).map(({ way, cursor }) => [way, cursor !== undefined]),
      [
        ['poll', true],
        ['poll', false],
        ['stream', true],
      ],
    )
    t.equal(await isRevoked(user), true)
    await until(() => follower.status().connection === 'stream')
  }
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
