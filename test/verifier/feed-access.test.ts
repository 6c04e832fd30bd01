/** Access tokens for the feed (RFC 6749 §2.3.1, §4.4, RFC 6750). */
import t, { type Test } from 'tap'
import type { FollowOptions } from '../../src/verifier/follow-options.ts'
import { answerJson, type FeedServer } from './feed-server.ts'
import { createTestFollower, type Following } from './follower-setup.ts'
import { until } from './test-time.ts'

const client = { clientId: 'an API', clientSecret: 's3cret:+%' }

/** Whoever shows one of these tokens may read; the token endpoint gives out the next one each time. */
function guard(server: FeedServer, welcome: Set<string>): void {
  let issued = 0
  server.intercept = ({ way, authorization }, response) => {
    if (way === 'token') {
      issued += 1
      answerJson(response, {
        access_token: `token-${issued}`,
        token_type: 'bearer',
        expires_in: 300,
      })
      return true
    }
    if (welcome.has(authorization!)) return false
    answerJson(response, { error: 'invalid_token' }, 401)
    return true
  }
}

async function follow(t: Test, options: FollowOptions, ...welcome: string[]): Promise<Following> {
  const following = await createTestFollower(t, { mode: 'poll', ...options })
  guard(following.server, new Set(welcome.map((token) => `Bearer ${token}`)))
  return following
}

t.test('a client gets itself a token and uses it until shortly before it expires', async (t) => {
  const { time, server, follower } = await follow(t, client, 'token-1', 'token-2')
  await follower.ready()
  t.equal(
    server.requests[0]?.authorization,
    `Basic ${btoa('an+API:s3cret%3A%2B%25')}`,
    'both parts form-encoded',
  )
  time.advance(269_000)
  await follower.refresh()
  t.equal(server.count('token'), 1)
  time.advance(1_000)
  await follower.refresh()
  t.equal(follower.isFresh(), true)
  t.strictSame(
    server.requests.map(({ way, authorization }) => (way === 'token' ? way : authorization)),
    ['token', 'Bearer token-1', 'Bearer token-1', 'token', 'Bearer token-2'],
  )
})

t.test('a refused token is replaced once', async (t) => {
  const { server, follower } = await follow(t, client, 'token-2')
  await follower.ready()
  t.equal(server.count('token'), 2)

  const hopeless = await follow(t, client)
  await t.rejects(hopeless.follower.ready(), { message: /401 invalid_token: .*a new access token/ })
  t.equal(hopeless.server.count('token'), 2)
  t.equal(hopeless.server.count('poll'), 2)
})

t.test('a feed that wants a token is said so', async (t) => {
  const { follower } = await follow(t, { public: true })
  await t.rejects(follower.ready(), { message: /401 invalid_token: .*set clientId and/ })
})

t.test('a stream, too, gets a new token', async (t) => {
  const { server, follower } = await follow(t, { ...client, mode: 'stream' }, 'token-1', 'token-2')
  const { intercept } = server
  server.intercept = (request, response) => {
    if (request.way !== 'stream' || request.authorization === 'Bearer token-2')
      return intercept(request, response)
    response.writeHead(401).end()
    return true
  }
  follower.start()
  await until(() => follower.status().connection === 'stream')
  t.strictSame(
    server.requests.map(({ way }) => way),
    ['token', 'poll', 'stream', 'token', 'stream'],
  )
})

t.test("the caller's own token is asked for each time, and again when it is refused", async (t) => {
  const tokens = ['expired', 'good', 'good', 'good']
  const { time, server, follower } = await follow(
    t,
    { accessToken: async () => tokens.shift()! },
    'good',
  )
  await follower.ready()
  time.advance(1_000)
  await follower.refresh()
  t.strictSame(
    server.requests.map(({ authorization }) => authorization),
    ['Bearer expired', 'Bearer good', 'Bearer good'],
  )
})

t.test('no error has a secret in it', async (t) => {
  const rows: [options: FollowOptions, message: RegExp][] = [
    [
      { accessToken: async () => 'top secret\n' },
      /accessToken\(\) answered what is no access token/,
    ],
    [{ accessToken: async () => undefined as never }, /what is no access token/],
    [{ accessToken: async () => Promise.reject(new Error('vault is sealed')) }, /vault is sealed/],
  ]
  for (const [options, message] of rows) {
    const { follower } = await follow(t, options)
    await follower.ready().then(
      () => t.fail('ready'),
      (error: Error) => {
        t.match(error.message, message)
        t.notMatch(error.message, /top secret/)
      },
    )
  }
})

t.test('an accessToken() that never answers is given up', async (t) => {
  const { time, follower } = await follow(t, { accessToken: () => new Promise(() => {}) })
  const ready = follower.ready()
  await until(() => time.waiting().includes(10_000))
  time.advance(10_000)
  await t.rejects(ready, { message: /too slow/ })
})

t.test('a token endpoint that gives none is told apart, with what to do', async (t) => {
  const rows: [status: number, body: object, message: RegExp][] = [
    [401, { error: 'invalid_client' }, /"an API" \(401 invalid_client\): check clientId and/],
    [400, { error: 'invalid_scope' }, /invalid_scope\): allow it the scope revocations/],
    [400, { error: 'unauthorized_client' }, /allow it the grant client_credentials/],
    [500, {}, /500 without an error code/],
    [307, {}, /redirects, which is not followed/],
    [200, {}, /without a Bearer access token/],
    [200, { access_token: 'a b', token_type: 'Bearer' }, /without a Bearer access token/],
    [200, { access_token: 'a', token_type: 'DPoP' }, /without a Bearer access token/],
  ]
  for (const [status, body, message] of rows) {
    const { follower, server } = await createTestFollower(t, { mode: 'poll', ...client })
    server.intercept = (_, response) => {
      response.setHeader('location', '/elsewhere')
      answerJson(response, body, status)
      return true
    }
    await t.rejects(follower.ready(), { message })
    t.equal(server.requests.length, 1)
  }
})

t.test('a token endpoint that does not answer is given up', async (t) => {
  const { time, follower, server } = await createTestFollower(t, { mode: 'poll', ...client })
  server.intercept = () => true
  const ready = follower.ready()
  await until(() => server.count('token') === 1)
  time.advance(10_000)
  await t.rejects(ready, { message: /too slow/ })
})
