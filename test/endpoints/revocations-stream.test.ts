/** Listening to the revocation feed over HTTP (docs/revocation-feed.md). */
import { decodeJwt } from 'jose'
import { once } from 'node:events'
import { connect } from 'node:net'
import t, { type Test } from 'tap'
import { createRevocationStore } from '../../src/revocation/store.ts'
import { digestSubject } from '../../src/verifier/feed.ts'
import {
  createFeedToken,
  digestsOf,
  fillFeed,
  listenToFeed,
  pollFeed,
  requestFeed,
  requestToken,
} from '../support/feed.ts'
import { createTestProvider, type TestProvider } from '../support/provider.ts'
import { createTestTimers } from '../support/timers.ts'

const act = { actor: 'test' }

const heartbeat = 5_000

async function setUp(t: Test, environment = {}) {
  const timers = createTestTimers()
  const provider = await createTestProvider(t, environment, timers)
  return { provider, timers, ...(await createFeedToken(provider)) }
}

const secondsOf = ({ clock }: TestProvider) => clock.now().getTime() / 1000

t.test(
  'a listener catches up, hears of each change, and otherwise of every heartbeat',
  async (t) => {
    const { provider, timers, token } = await setUp(t)
    const { revocations } = provider.services
    await fillFeed(provider, 5001)
    const stream = await listenToFeed(provider, { token })
    t.strictSame(
      ['content-type', 'cache-control', 'x-accel-buffering', 'x-content-type-options'].map((name) =>
        stream.response.headers.get(name),
      ),
      ['text/event-stream', 'no-store', 'no', 'nosniff'],
    )
    const first = (await stream.next())!
    t.strictSame([first.after, first.as_of, first.entries.length], [undefined, undefined, 5000])
    const second = (await stream.next())!
    t.strictSame([second.after, second.entries.length], [first.cursor, 1])
    timers.pass(1000) // it rests after each change

    await revocations.revokeToken('K', act)
    const change = (await stream.next())!
    t.equal(change.after, second.cursor)
    t.strictSame(digestsOf(change), [await digestSubject({ kind: 'token', id: 'K' })])

    provider.clock.advance(3)
    await provider.services.revocationFeed.load()
    timers.pass(heartbeat)
    const beat = (await stream.next())!
    t.strictSame([beat.after, beat.cursor, beat.entries], [change.cursor, change.cursor, []])
    t.equal(beat.as_of, secondsOf(provider) * 1000)
    t.match(stream.events.at(-1), `id: ${beat.cursor}\n`)
  },
)

t.test('a listener goes on where it was, by a cursor or by Last-Event-ID', async (t) => {
  const { provider, token } = await setUp(t)
  await fillFeed(provider, 2)
  const { cursor } = await pollFeed(provider, { token })
  await provider.services.revocations.revokeToken('K', act)
  await provider.services.revocationFeed.load()
  for (const request of [
    { cursor },
    { headers: { 'last-event-id': cursor } },
    { cursor: 'bad', headers: { 'last-event-id': cursor } },
  ]) {
    const stream = await listenToFeed(provider, { token, ...request })
    const document = (await stream.next())!
    t.strictSame([document.after, document.entries.length], [cursor, 1])
  }
})

t.test(
  'all listeners get the same bytes, and changes that come together come in one document',
  async (t) => {
    const { provider, timers, token } = await setUp(t)
    const { revocationFeed } = provider.services
    const streams = await Promise.all(
      Array.from({ length: 20 }, () => listenToFeed(provider, { token })),
    )
    await Promise.all(streams.map((stream) => stream.next()))

    await fillFeed(provider, 1) // sent at once
    await Promise.all(streams.map((stream) => stream.next()))
    for (const count of [2, 3, 4]) await fillFeed(provider, count) // while it rests
    const before = revocationFeed.cursor()
    timers.pass(100)
    const last = await Promise.all(streams.map((stream) => stream.next()))
    t.strictSame(new Set(last.map((document) => document?.cursor)), new Set([before]))
    t.equal(last[0]?.entries.length, 4)
    t.equal(new Set(streams.map(({ events }) => events.at(-1))).size, 1, 'signed once')
  },
)

t.test('a stream ends with the access token that opened it', async (t) => {
  const { provider, timers, token, client } = await setUp(t)
  const { revocations } = provider.services
  const other = await requestToken(provider, client, 'revocations')
  const [ending, staying] = await Promise.all(
    [token, other].map((one) => listenToFeed(provider, { token: one })),
  )
  await Promise.all([ending!.next(), staying!.next()])
  await revocations.revokeToken(String(decodeJwt(token).jti), act)
  t.equal(await ending!.next(), undefined, 'revoked')
  t.equal((await staying!.next())?.entries.length, 1)

  timers.pass(heartbeat / 2)
  provider.clock.advance(600)
  timers.pass(heartbeat)
  t.equal(await staying!.next(), undefined, 'expired')
})

t.test('when the client is revoked its streams end', async (t) => {
  const { provider, token, client } = await setUp(t)
  const stream = await listenToFeed(provider, { token })
  await stream.next()
  const now = provider.clock.now()
  const record = {
    kind: 'client',
    id: client.clientId,
    notBefore: secondsOf(provider) + 1,
    expiresAt: new Date(now.getTime() + 600_000),
    reason: undefined,
    revokedAt: now,
  } as const
  const store = createRevocationStore(provider.database)
  await provider.database.transaction((transaction) => store.append(record, transaction))
  t.equal(await stream.next(), undefined)
})

t.test('beyond the limit listeners are refused, until one has gone', async (t) => {
  const { provider, token } = await setUp(t, { CLAVIGER_REVOCATION_FEED_LISTENERS: '2' })
  const leaving = new AbortController()
  await listenToFeed(provider, { token, signal: leaving.signal })
  await listenToFeed(provider, { token })
  const refused = await listenToFeed(provider, { token })
  t.equal(refused.response.status, 503)
  t.match(refused.response.headers.get('retry-after'), /^[1-9]\d*$/)
  t.equal((await requestFeed(provider, { token })).status, 200, 'whoever polls is served')
  leaving.abort()
  let { status } = refused.response
  for (let tries = 0; status !== 200 && tries < 2000; tries += 1)
    status = (await listenToFeed(provider, { token })).response.status
  t.equal(status, 200)
})

t.test('a listener that does not read is cut off', async (t) => {
  const { provider, timers, token } = await setUp(t, { CLAVIGER_REVOCATION_FEED_LISTENERS: '1' })
  await fillFeed(provider, 1)
  const socket = connect(provider.config.port, '127.0.0.1')
  socket.pause()
  await once(socket, 'connect')
  socket.write(
    `GET /revocations HTTP/1.1\r\nhost: x\r\naccept: text/event-stream\r\nauthorization: Bearer ${token}\r\n\r\n`,
  )
  const isCut = () => provider.logged.some(({ reason }) => reason === 'it does not read')
  for (let round = 0; !isCut() && round < 200; round += 1) {
    await fillFeed(provider, 4999)
    timers.pass(1000)
  }
  t.ok(isCut())
  const stream = await listenToFeed(provider, { token })
  t.equal(stream.response.status, 200, 'its place is free')
  socket.destroy()
})

t.test('a server that stops ends the streams at once', async (t) => {
  const { provider, token } = await setUp(t)
  const streams = await Promise.all([1, 2, 3].map(() => listenToFeed(provider, { token })))
  await Promise.all(streams.map((stream) => stream.next()))
  const stopped = provider.app.close()
  await Promise.all(streams.map((stream) => stream.untilEnd()))
  await stopped
  await t.rejects(requestFeed(provider, { token }), TypeError, 'nobody listens any more')
})

t.test('what is revoked at one node reaches those who listen to another', async (t) => {
  const { provider, token } = await setUp(t)
  const other = await createTestProvider(t, {}, { beside: provider, ...createTestTimers() })
  const stream = await listenToFeed(other, { token })
  const start = (await stream.next())!
  const { sub } = await provider.createUser()
  await provider.services.revocations.revokeUser(sub, act)
  const change = (await stream.next())!
  t.equal(change.after, start.cursor)
  t.strictSame(digestsOf(change), [await digestSubject({ kind: 'user', id: sub })])
  await provider.services.revocationFeed.load()
  const own = await pollFeed(provider, { token, cursor: change.cursor })
  t.equal(own.after, change.cursor, 'and its cursor means the same there')
})
