/** Streams that break, fall silent or say what they should not: the follower comes back, and loses nothing. */
import t, { type Test } from 'tap'
import type { FollowOptions } from '../../src/verifier/follow-options.ts'
import { createTestFollower, type Following } from './follower-setup.ts'
import { toEvent } from './feed-server.ts'
import { until } from './test-time.ts'

const notBefore = 2_000
const expiresAt = 4_000_000_000
const user = { iat: 1_000, sub: 'U' }
const revocation = { kind: 'user', id: 'U', notBefore, expiresAt } as const

async function followStream(t: Test, options: FollowOptions = {}): Promise<Following> {
  const following = await createTestFollower(t, { public: true, ...options })
  following.follower.start()
  await until(() => following.follower.status().connection === 'stream')
  return following
}

t.test('whatever happens to a stream, what is revoked meanwhile is known soon', async (t) => {
  type Trouble = (following: Following) => void | Promise<void>
  const troubles: [why: string, reason: RegExp, trouble: Trouble][] = [
    ['it is cut', /cannot be read/, ({ server }) => server.streams[0]!.cut()],
    ['it ends', /The stream ended/, ({ server }) => server.streams[0]!.end()],
    [
      'it is cut within an event',
      /cannot be read/,
      async ({ server }) => {
        const jwt = await server.sign(server.documentAfter('c0'))
        await new Promise<void>((resolve) => {
          server.streams[0]!.write(toEvent(jwt).slice(0, 100))
          setImmediate(resolve)
        })
        server.streams[0]!.cut()
      },
    ],
    ['it falls silent', /fell silent/, ({ time }) => time.advance(38_000)],
    [
      'it says only what is no news',
      /fell silent/,
      async ({ time, server }) => {
        for (let count = 0; count < 4; count += 1) {
          server.streams[0]!.write(': alive\n\nevent: hello\ndata: {}\n\n')
          time.advance(10_000)
        }
      },
    ],
    [
      'it leaves a document out',
      /entries are missing/,
      async ({ server }) => {
        await server.revoke(revocation)
        server.streams[0]!.cursor = 'c1'
        await server.streams[0]!.send()
      },
    ],
    [
      'it sends what is no document',
      /token_malformed/,
      ({ server }) => server.streams[0]!.write(toEvent('garbage')),
    ],
    [
      'it sends ten megabytes',
      /more than 4194304 characters/,
      ({ server }) => server.streams[0]!.write(toEvent('x'.repeat(10_000_000))),
    ],
  ]
  for (const [why, reason, trouble] of troubles)
    await t.test(why, async (t) => {
      const following = await followStream(t)
      const { server, follower, isRevoked, events } = following
      await trouble(following)
      await server.revoke(revocation)
      await following.pass(() => events.some(({ type }) => type === 'feed_lost'))
      t.match(events.find(({ type }) => type === 'feed_lost')?.detail, reason)
      await until(() => !server.streams[0]!.isOpen())
      await following.pass(() => server.streams.length > 1)
      t.equal(await isRevoked(user), true)
      await until(() => follower.status().connection === 'stream')
      t.equal(follower.status().failure, undefined)
      t.equal(server.requests.at(-1)?.cursor, follower.status().cursor)
    })
})

t.test('while streams fail it polls, and tries a stream less and less often', async (t) => {
  const following = await createTestFollower(t, { public: true, pollSeconds: 2 })
  const { time, server, follower, events } = following
  const triedAt: number[] = []
  server.intercept = ({ way }, response) => {
    if (way === 'poll') return false
    triedAt.push(time.monotonic())
    response.writeHead(406).end()
    return true
  }
  follower.start()
  await following.pass(() => triedAt.length === 9)
  const pauses = triedAt.slice(1).map((at, index) => at - triedAt[index]!)
  t.ok(pauses.every((pause, index) => pause <= 11_000 && pause >= (pauses[index - 1] ?? 0) * 0.8))
  t.ok(pauses.at(-1)! >= 9_000)
  t.equal(follower.isFresh(), true)
  t.ok(server.count('poll') > 2 * server.count('stream'), 'with polls in between')
  t.hasStrict(follower.status(), {
    connection: 'poll',
    failure: 'The feed answered 406: see the log of the issuer',
  })
  t.equal(events.filter(({ type }) => type === 'feed_lost').length, 1, 'which is told once')
})

t.test('a stream that is not answered is given up, and asked for again', async (t) => {
  const { time, server, follower, events } = await createTestFollower(t)
  server.intercept = ({ way }) => way === 'stream'
  follower.start()
  await until(() => server.count('stream') === 1)
  time.advance(10_000)
  await until(() => events.some(({ type }) => type === 'feed_lost'))
  t.equal(follower.status().failure, 'The stream did not open in 10 s')
  server.intercept = () => false
  await until(() => time.waiting().length > 1)
  time.advance(1_000)
  await until(() => follower.status().connection === 'stream')
})

t.test('streams that break as soon as they are open are not opened in haste', async (t) => {
  const following = await createTestFollower(t)
  const { time, server, follower } = following
  server.intercept = ({ way }) => {
    if (way === 'stream')
      void until(() => server.streams.at(-1)?.isOpen()).then(() => server.streams.at(-1)!.cut())
    return false
  }
  follower.start()
  const begin = time.monotonic()
  await following.pass(() => server.streams.length === 8)
  t.ok(time.monotonic() - begin > 30_000)
})

t.test('events of a node that lags behind lose nothing and make nothing younger', async (t) => {
  const { time, server, follower, isRevoked, verified } = await followStream(t)
  const stream = server.streams[0]!
  const lagging = server.view()
  await server.revoke(revocation)
  time.advance(10_000)
  await stream.send()
  await until(() => verified() === 3)
  await until(() => follower.version() > 0)
  const age = follower.ageMilliseconds()
  await stream.send(lagging)
  await until(() => follower.status().cursor === 'c0')
  t.equal(await isRevoked(user), true)
  t.equal(follower.ageMilliseconds(), age)
  await stream.send()
  await until(() => follower.status().cursor === 'c1')
  t.equal(stream.isOpen(), true)
})

t.test('events that a stalled connection held up do not make old news fresh', async (t) => {
  const { time, server, follower, verified } = await followStream(t, { maxFeedAgeSeconds: 20 })
  time.setWallClockError(-3_600_000)
  server.intercept = () => true
  time.advance(10_000)
  const heldUp = await server.sign(server.documentAfter('c0'))
  time.advance(25_000)
  server.streams[0]!.write(toEvent(heldUp))
  await until(() => verified() === 3)
  await until(() => follower.ageMilliseconds()! < 30_000)
  t.equal(follower.ageMilliseconds(), 27_000)
  t.equal(follower.isFresh(), false)
})

t.test('it polls beside a stream that is silent for longer than news stay fresh', async (t) => {
  const { time, server, follower, settle } = await createTestFollower(t, {
    public: true,
    maxFeedAgeSeconds: 10,
  })
  follower.start()
  await until(() => follower.status().connection === 'stream')
  for (let second = 0; second < 30; second += 1) {
    time.advance(1_000)
    await settle()
    t.equal(follower.isFresh(), true)
  }
  t.equal(server.streams.length, 1)
  t.ok(server.count('poll') < 10)
})
