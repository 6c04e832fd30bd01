/** Feeds that are down, late or not there, and how a follower says so. */
import t from 'tap'
import { freePort } from '../support/provider.ts'
import { createTestFollower } from './follower-setup.ts'
import { until } from './test-time.ts'

const user = { iat: 1_000, sub: 'U' }
const notBefore = 2_000

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
  const endpoint = `http://127.0.0.1:${await freePort()}/revocations`
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
  await t.rejects(follower.ready(), { message: /knows what was revoked 63 s ago only/ })
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
  await t.rejects(follower.ready(), { message: /clock of this machine is 70 s ahead/ })
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
  await follower.refresh() // would never end: the time stands still
  t.equal(server.count('poll'), 1, 'nobody waits for the same answer again')
})
