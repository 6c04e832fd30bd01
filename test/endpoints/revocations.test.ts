/** The revocation feed over HTTP, as docs/revocation-feed.md tells it. */
import { decodeJwt, decodeProtectedHeader } from 'jose'
import { once } from 'node:events'
import { connect } from 'node:net'
import t, { type Test } from 'tap'
import { digestSubject, type FeedDocument } from '../../src/verifier/feed.ts'
import {
  createFeedToken,
  listenToFeed,
  pollFeed,
  requestFeed,
  requestToken,
  verifyDocument,
} from '../support/feed.ts'
import { authorizationUrl, obtainTokens, signIn } from '../support/flow.ts'
import { createTestProvider, type TestProvider } from '../support/provider.ts'
import { createTestTimers } from '../support/timers.ts'
import { createUserAgent } from '../support/user-agent.ts'

const heartbeat = 5_000

async function setUp(t: Test, environment = {}) {
  const timers = createTestTimers()
  const provider = await createTestProvider(t, environment, timers)
  return { provider, timers, ...(await createFeedToken(provider)) }
}

/** So many records of tokens, as many more changes of them. */
async function fill({ database, services, clock }: TestProvider, count: number): Promise<void> {
  await database.query(
    `insert into revocations (kind, id, not_before, expires_at, cursor, revoked_at)
     select 'token', 'J' || n, to_timestamp(1000), $2, nextval('revocations_cursor'), $2
     from generate_series(1, $1::integer) n
     on conflict (kind, id) do update set cursor = excluded.cursor`,
    [count, new Date(clock.now().getTime() + 600_000)],
  )
  await services.revocationFeed.load()
}

const digestsOf = ({ entries }: FeedDocument) => entries.map(([, digest]) => digest)
const secondsOf = ({ clock }: TestProvider) => clock.now().getTime() / 1000

t.test('a document says what was revoked, signed with ES256 under a type of its own', async (t) => {
  const { provider, token } = await setUp(t)
  const { sub } = await provider.createUser()
  await provider.services.revocations.revokeUser(sub, { actor: 'test' })
  await provider.services.revocationFeed.load()
  const response = await requestFeed(provider, { token })
  t.equal(response.status, 200)
  t.strictSame(
    ['content-type', 'cache-control', 'vary'].map((name) => response.headers.get(name)),
    ['application/jwt', 'no-store', 'Accept'],
  )
  const jwt = await response.text()
  const { kid, ...header } = decodeProtectedHeader(jwt)
  t.strictSame(header, { alg: 'ES256', typ: 'revocations+jwt' })
  t.equal(provider.services.keyring.find(String(kid))?.alg, 'ES256')
  const now = secondsOf(provider)
  const { cursor, ...payload } = decodeJwt(jwt)
  t.match(cursor, /^[\x21-\x7e]{1,64}$/)
  t.strictSame(payload, {
    iss: provider.issuer,
    iat: now,
    exp: now + 60,
    clock: now * 1000,
    as_of: now * 1000,
    heartbeat: 5,
    entries: [['user', await digestSubject({ kind: 'user', id: sub }), now + 1, now + 601]],
  })
  t.notMatch(JSON.stringify(payload), sub)
})

t.test('whoever asks after a cursor gets what came later, and nothing is repeated', async (t) => {
  const { provider, token } = await setUp(t)
  const { revocations, revocationFeed } = provider.services
  const empty = await pollFeed(provider, { token })
  t.strictSame([empty.entries, empty.after], [[], undefined])
  for (const jti of ['J', 'K']) await revocations.revokeToken(jti, { actor: 'test' })
  await revocationFeed.load()
  const news = await pollFeed(provider, { token, cursor: empty.cursor })
  t.equal(news.after, empty.cursor)
  t.strictSame(digestsOf(news), [
    await digestSubject({ kind: 'token', id: 'J' }),
    await digestSubject({ kind: 'token', id: 'K' }),
  ])
  const later = await pollFeed(provider, { token, cursor: news.cursor })
  t.strictSame([later.entries, later.after, later.cursor], [[], news.cursor, news.cursor])
  t.strictSame(digestsOf(await pollFeed(provider, { token })), digestsOf(news), 'all, anew')
})

t.test(
  'a state of more than 5000 entries comes in pages, and only the last is as of an instant',
  async (t) => {
    const { provider, token } = await setUp(t)
    await fill(provider, 10_001)
    const pages: FeedDocument[] = []
    let cursor: string | undefined
    do {
      const page: FeedDocument = await pollFeed(provider, { token, cursor })
      t.equal(page.after, cursor)
      pages.push(page)
      cursor = page.cursor
    } while (pages.at(-1)!.as_of === undefined)
    t.strictSame(
      pages.map(({ entries, as_of: asOf }) => [entries.length, asOf]),
      [
        [5000, undefined],
        [5000, undefined],
        [1, secondsOf(provider) * 1000],
      ],
    )
    t.equal(new Set(pages.flatMap(digestsOf)).size, 10_001)
    t.equal((await pollFeed(provider, { token, cursor })).cursor, cursor)
  },
)

t.test('within a second all who ask for the same get the same document', async (t) => {
  const { provider, token } = await setUp(t)
  const read = async () => (await requestFeed(provider, { token })).text()
  const documents = await Promise.all(Array.from({ length: 100 }, read))
  t.equal(new Set(documents).size, 1, 'signed once')
  provider.clock.advance(1)
  t.not(await read(), documents[0])
  const later = await read()
  await provider.services.revocations.revokeToken('J', { actor: 'test' })
  await provider.services.revocationFeed.load()
  t.not(await read(), later, 'a change is there at once')
})

t.test('a document that is known already is 304 (RFC 9110 §13.1.2)', async (t) => {
  const { provider, token } = await setUp(t)
  const first = await requestFeed(provider, { token })
  const etag = first.headers.get('etag') ?? ''
  t.match(etag, /^"[\w-]{86}"$/)
  const ask = () => requestFeed(provider, { token, headers: { 'if-none-match': etag } })
  const again = await ask()
  t.strictSame([again.status, await again.text()], [304, ''])
  t.strictSame([again.headers.get('etag'), again.headers.get('vary')], [etag, 'Accept'])
  provider.clock.advance(1)
  t.equal((await ask()).status, 200)
})

t.test('HEAD is answered like a poll, whatever is accepted', async (t) => {
  const { provider, token } = await setUp(t)
  const response = await fetch(`${provider.issuer}/revocations`, {
    method: 'HEAD',
    headers: { authorization: `Bearer ${token}`, accept: 'text/event-stream' },
  })
  t.strictSame([response.status, response.headers.get('content-type')], [200, 'application/jwt'])
})

t.test('a cursor that was never given out is invalid_request', async (t) => {
  const { provider, token } = await setUp(t)
  const { cursor } = await pollFeed(provider, { token })
  const bad = [
    '0',
    'x',
    `${cursor}0000000000000000`,
    `${cursor}.`,
    `-${cursor}`,
    `${cursor}\n`,
    'é',
    '../1',
  ]
  for (const accept of ['*/*', 'text/event-stream'])
    for (const one of bad) {
      const response = await requestFeed(provider, { token, cursor: one, headers: { accept } })
      t.equal(response.status, 400, one)
      t.match(await response.json(), { error: 'invalid_request', error_description: /cursor/ }, one)
    }
  const twice = await fetch(`${provider.issuer}/revocations?cursor=${cursor}&cursor=${cursor}`, {
    headers: { authorization: `Bearer ${token}` },
  })
  t.equal(twice.status, 400)
})

t.test('a cursor that this node has not come to gets its own, and nothing else', async (t) => {
  const { provider, token } = await setUp(t)
  await fill(provider, 3)
  const own = await pollFeed(provider, { token })
  const ahead = own.cursor.replace(/\d+$/, (number) => String(Number(number) + 7))
  const answer = await pollFeed(provider, { token, cursor: ahead })
  t.strictSame([answer.after, answer.cursor, answer.entries], [ahead, own.cursor, []])
  t.equal(answer.as_of, own.as_of, 'which the reader has, as it is further')
})

t.test('a cursor from before a restore gets everything', async (t) => {
  const { provider, token } = await setUp(t)
  await fill(provider, 3)
  const { cursor } = await pollFeed(provider, { token })
  const answer = await pollFeed(provider, { token, cursor: cursor.replace(/^.{8}/, 'restored') })
  t.strictSame([answer.after, answer.cursor, answer.entries.length], [undefined, cursor, 3])
})

t.test('the feed is for clients with the scope revocations', async (t) => {
  const { provider, token, client } = await setUp(t)
  const { services, clock } = provider
  await provider.createUser()
  const app = await provider.createClient({ scope: 'openid' })
  const { access_token: ofUser } = await obtainTokens(provider, await signIn(provider), app)
  const other = await requestToken(provider, client, 'orders:read')
  await services.resources.create({ resource: 'https://api.example', name: 'API' })
  const { body } = await (async () => {
    const response = await fetch(`${provider.issuer}/token`, {
      method: 'POST',
      headers: {
        authorization: `Basic ${Buffer.from(`${client.clientId}:${client.secret}`).toString('base64')}`,
      },
      body: new URLSearchParams({
        grant_type: 'client_credentials',
        scope: 'revocations',
        resource: 'https://api.example',
      }),
    })
    return { body: (await response.json()) as Record<string, string> }
  })()
  const elsewhere = body['access_token']

  async function check(
    expected: [number, string | undefined],
    bearer: string | undefined,
    about: string,
  ) {
    for (const accept of ['*/*', 'text/event-stream']) {
      const response = await requestFeed(provider, { token: bearer, headers: { accept } })
      const text = response.headers.get('www-authenticate') ?? ''
      const error = /error="(\w+)"/.exec(text)?.[1]
      t.strictSame([response.status, error], expected, about)
      t.match(text, /^Bearer realm="claviger"/)
      if (expected[1] === 'insufficient_scope') t.match(text, /scope="revocations"/)
    }
  }
  await check([401, undefined], undefined, 'no token')
  await check([401, 'invalid_token'], 'nonsense', 'no token of ours')
  await check([401, 'invalid_token'], elsewhere, 'a token for an API')
  await check([403, 'insufficient_scope'], other, 'another scope')
  await check([403, 'insufficient_scope'], ofUser, 'a token of a user')
  t.equal((await requestFeed(provider, { token })).status, 200)

  const again = await requestToken(provider, client, 'revocations')
  await services.revocations.revokeToken(String(decodeJwt(again).jti), { actor: 'test' })
  await services.revocationFeed.load()
  await check([401, 'invalid_token'], again, 'a revoked token')
  clock.advance(600)
  await check([401, 'invalid_token'], token, 'an expired token')
})

t.test('a user cannot give away the scopes that are for services', async (t) => {
  const { provider } = await setUp(t)
  const scope = 'openid revocations global_token_revocation'
  const app = await provider.createClient({ scope })
  const browser = createUserAgent(provider.issuer)
  for (const name of ['revocations', 'global_token_revocation']) {
    const page = await browser.open(authorizationUrl(provider, app, { scope: `openid ${name}` }))
    const { searchParams } = new URL(page.url)
    t.equal(searchParams.get('error'), 'invalid_scope')
    t.match(searchParams.get('error_description'), name)
  }
})

t.test('a public feed asks for nothing, and may be cached for a second', async (t) => {
  const { provider } = await setUp(t, { CLAVIGER_REVOCATION_FEED: 'public' })
  const response = await requestFeed(provider)
  t.equal(response.headers.get('cache-control'), 'public, max-age=1')
  t.strictSame((await verifyDocument(provider, await response.text())).entries, [])
  const stream = await listenToFeed(provider)
  t.equal(stream.response.headers.get('cache-control'), 'no-store')
  t.ok(await stream.next())
})

t.test('a feed that is off is not there, and not in the metadata', async (t) => {
  const { provider, token } = await setUp(t, { CLAVIGER_REVOCATION_FEED: 'off' })
  t.equal((await requestFeed(provider, { token })).status, 404)
  const metadata = await fetch(`${provider.issuer}/.well-known/openid-configuration`)
  t.notOk('revocation_feed_endpoint' in ((await metadata.json()) as object))
})

t.test(
  'a listener catches up, hears of each change, and otherwise of every heartbeat',
  async (t) => {
    const { provider, timers, token } = await setUp(t)
    const { revocations } = provider.services
    await fill(provider, 5001)
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

    await revocations.revokeToken('K', { actor: 'test' })
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
  await fill(provider, 2)
  const { cursor } = await pollFeed(provider, { token })
  await provider.services.revocations.revokeToken('K', { actor: 'test' })
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

    await fill(provider, 1) // sent at once
    await Promise.all(streams.map((stream) => stream.next()))
    for (const count of [2, 3, 4]) await fill(provider, count) // while it rests
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
  await revocations.revokeToken(String(decodeJwt(token).jti), { actor: 'test' })
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
  const { createRevocationStore } = await import('../../src/revocation/store.ts')
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
  await fill(provider, 1)
  const socket = connect(provider.config.port, '127.0.0.1')
  socket.pause()
  await once(socket, 'connect')
  socket.write(
    `GET /revocations HTTP/1.1\r\nhost: x\r\naccept: text/event-stream\r\nauthorization: Bearer ${token}\r\n\r\n`,
  )
  const isCut = () => provider.logged.some(({ reason }) => reason === 'it does not read')
  for (let round = 0; !isCut() && round < 200; round += 1) {
    await fill(provider, 4999)
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
  await provider.services.revocations.revokeUser(sub, { actor: 'test' })
  const change = (await stream.next())!
  t.equal(change.after, start.cursor)
  t.strictSame(digestsOf(change), [await digestSubject({ kind: 'user', id: sub })])
  await provider.services.revocationFeed.load()
  const own = await pollFeed(provider, { token, cursor: change.cursor })
  t.equal(own.after, change.cursor, 'and its cursor means the same there')
})
