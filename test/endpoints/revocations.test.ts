/** The revocation feed over HTTP, as docs/revocation-feed.md tells it: its documents, and who may have them. */
import { decodeJwt, decodeProtectedHeader } from 'jose'
import t from 'tap'
import { digestSubject, type FeedDocument } from '../../src/verifier/feed.ts'
import {
  createFeedToken,
  digestsOf,
  fillFeed,
  listenToFeed,
  pollFeed,
  requestFeed,
  requestToken,
  verifyDocument,
} from '../support/feed.ts'
import { authorizationUrl, obtainTokens, signIn } from '../support/flow.ts'
import { createTestProvider } from '../support/provider.ts'
import { createUserAgent } from '../support/user-agent.ts'

const act = { actor: 'test' }

const provider = await createTestProvider(t)
const { issuer, services, clock } = provider
const { client, token } = await createFeedToken(provider)
const account = await provider.createUser()

const digestOf = (id: string) => digestSubject({ kind: 'token', id })

async function revoke(...jtis: string[]): Promise<void> {
  for (const jti of jtis) await services.revocations.revokeToken(jti, act)
  await services.revocationFeed.load()
}

t.test('a document says what was revoked, signed with ES256 under a type of its own', async (t) => {
  await services.revocations.revokeUser(account.sub, act)
  await services.revocationFeed.load()
  const response = await requestFeed(provider, { token })
  t.equal(response.status, 200)
  t.strictSame(
    ['content-type', 'cache-control', 'vary'].map((name) => response.headers.get(name)),
    ['application/jwt', 'no-store', 'Accept'],
  )
  const jwt = await response.text()
  const { kid, ...header } = decodeProtectedHeader(jwt)
  t.strictSame(header, { alg: 'ES256', typ: 'revocations+jwt' })
  t.equal(services.keyring.find(String(kid))?.alg, 'ES256')
  const { cursor, ...payload } = decodeJwt(jwt)
  t.match(cursor, /^[\x21-\x7e]{1,64}$/)
  const now = clock.now().getTime() / 1000
  t.strictSame(payload, {
    iss: issuer,
    iat: now,
    exp: now + 60,
    clock: now * 1000,
    as_of: now * 1000,
    heartbeat: 5,
    entries: [['user', await digestSubject({ kind: 'user', id: account.sub }), now + 1, now + 661]],
  })
  t.notMatch(JSON.stringify(payload), account.sub, 'it names nobody')
})

t.test('whoever asks after a cursor gets what came later, and nothing twice', async (t) => {
  const { cursor } = await pollFeed(provider, { token })
  await revoke('J', 'K')
  const news = await pollFeed(provider, { token, cursor })
  t.equal(news.after, cursor)
  t.strictSame(digestsOf(news), [await digestOf('J'), await digestOf('K')])
  const later = await pollFeed(provider, { token, cursor: news.cursor })
  t.strictSame([later.entries, later.after, later.cursor], [[], news.cursor, news.cursor])
  t.strictSame(digestsOf(await pollFeed(provider, { token })).slice(-2), digestsOf(news), 'anew')
})

t.test('within a second all who ask for the same get the same document', async (t) => {
  const { cursor } = await pollFeed(provider, { token })
  const read = async () => (await requestFeed(provider, { token, cursor })).text()
  const documents = await Promise.all(Array.from({ length: 100 }, read))
  t.equal(new Set(documents).size, 1, 'signed once')
  clock.advance(1)
  const later = await read()
  t.not(later, documents[0])
  await revoke('L')
  t.not(await read(), later, 'a change is there at once')
})

t.test('a document that is known already is 304 (RFC 9110 §13.1.2)', async (t) => {
  const first = await requestFeed(provider, { token })
  const etag = first.headers.get('etag') ?? ''
  t.match(etag, /^"[\w-]{86}"$/)
  const ask = () => requestFeed(provider, { token, headers: { 'if-none-match': etag } })
  const again = await ask()
  t.strictSame([again.status, await again.text()], [304, ''])
  t.strictSame([again.headers.get('etag'), again.headers.get('vary')], [etag, 'Accept'])
  clock.advance(1)
  t.equal((await ask()).status, 200)
})

t.test('HEAD is answered like a poll, whatever is accepted', async (t) => {
  const { status, headers } = await fetch(`${issuer}/revocations`, {
    method: 'HEAD',
    headers: { authorization: `Bearer ${token}`, accept: 'text/event-stream' },
  })
  t.strictSame([status, headers.get('content-type')], [200, 'application/jwt'])
})

t.test('a cursor that was never given out is invalid_request', async (t) => {
  const { cursor } = await pollFeed(provider, { token })
  const behind = ['0000000000000000', '.', '\n', '.1.1', ' '].map((text) => cursor + text)
  for (const accept of ['*/*', 'text/event-stream'])
    for (const one of ['0', 'x', 'é', '../1', `-${cursor}`, ...behind]) {
      const response = await requestFeed(provider, { token, cursor: one, headers: { accept } })
      t.equal(response.status, 400, one)
      t.match(await response.json(), { error: 'invalid_request', error_description: /cursor/ }, one)
    }
})

t.test('a cursor that this node has not come to gets its own, and nothing else', async (t) => {
  const { cursor } = await pollFeed(provider, { token })
  const ahead = cursor.replace(/\d+$/, (number) => String(Number(number) + 7))
  const answer = await pollFeed(provider, { token, cursor: ahead })
  t.strictSame([answer.after, answer.cursor, answer.entries], [ahead, cursor, []])
})

t.test('a cursor from before a restore gets everything', async (t) => {
  const { cursor } = await pollFeed(provider, { token })
  const before = cursor.replace(/^.{8}/, 'restored')
  const [answer, anew] = await Promise.all(
    [before, undefined].map((one) => pollFeed(provider, { token, cursor: one })),
  )
  t.equal(answer?.after, undefined)
  t.strictSame(answer?.entries, anew?.entries)
})

t.test('more than 5000 entries come in pages, of which only the last has an as_of', async (t) => {
  let { cursor } = await pollFeed(provider, { token })
  await fillFeed(provider, 10_001)
  const pages: FeedDocument[] = []
  do {
    const page = await pollFeed(provider, { token, cursor })
    t.equal(page.after, cursor)
    pages.push(page)
    ;({ cursor } = page)
  } while (pages.at(-1)!.as_of === undefined)
  t.strictSame(
    pages.map(({ entries, as_of: asOf }) => [entries.length, asOf]),
    [
      [5000, undefined],
      [5000, undefined],
      [1, clock.now().getTime()],
    ],
  )
  t.equal(new Set(pages.flatMap(digestsOf)).size, 10_001)
  t.equal((await pollFeed(provider, { token, cursor })).cursor, cursor)
})

t.test('the feed is for clients with the scope revocations, for this issuer', async (t) => {
  const app = await provider.createClient({ scope: 'openid' })
  const { access_token: ofUser } = await obtainTokens(provider, await signIn(provider), app)
  const resource = 'https://api.example'
  await services.resources.create({ resource, name: 'API' })
  const revoked = await requestToken(provider, client, 'revocations')
  await revoke(String(decodeJwt(revoked).jti))
  const other = await requestToken(provider, client, 'orders:read')
  const elsewhere = await requestToken(provider, client, 'revocations', resource)

  type Row = [about: string, token: string | undefined, status: number, error: string | undefined]
  const check = async (rows: readonly Row[]) => {
    for (const [about, one, status, error] of rows)
      for (const accept of ['*/*', 'text/event-stream']) {
        const response = await requestFeed(provider, { token: one, headers: { accept } })
        const challenge = response.headers.get('www-authenticate') ?? ''
        t.equal(response.status, status, about)
        t.match(challenge, /^Bearer realm="claviger"/, about)
        t.equal(/error="(\w+)"/.exec(challenge)?.[1], error, about)
        t.equal(challenge.includes('scope="revocations"'), status === 403, about)
      }
  }
  await check([
    ['no token', undefined, 401, undefined],
    ['none of ours', 'nonsense', 401, 'invalid_token'],
    ['a revoked token', revoked, 401, 'invalid_token'],
    ['a token for an API', elsewhere, 401, 'invalid_token'],
    ['another scope', other, 403, 'insufficient_scope'],
    ["a user's token", ofUser, 403, 'insufficient_scope'],
  ])
  t.equal((await requestFeed(provider, { token })).status, 200)
  clock.advance(600)
  await check([['an expired token', token, 401, 'invalid_token']])
})

t.test('a user cannot give away the scopes that are for services', async (t) => {
  const scopes = ['revocations', 'global_token_revocation']
  const app = await provider.createClient({ scope: ['openid', ...scopes].join(' ') })
  for (const scope of scopes) {
    const browser = createUserAgent(issuer)
    const page = await browser.open(authorizationUrl(provider, app, { scope: `openid ${scope}` }))
    const { searchParams } = new URL(page.url)
    t.equal(searchParams.get('error'), 'invalid_scope')
    t.match(searchParams.get('error_description'), scope)
  }
})

t.test('a public feed asks for nothing, and may be cached for a second', async (t) => {
  const open = await createTestProvider(t, { CLAVIGER_REVOCATION_FEED: 'public' })
  const response = await requestFeed(open)
  t.equal(response.headers.get('cache-control'), 'public, max-age=1')
  t.strictSame((await verifyDocument(open, await response.text())).entries, [])
  const stream = await listenToFeed(open)
  t.equal(stream.response.headers.get('cache-control'), 'no-store')
  t.ok(await stream.next())
})

t.test('a feed that is off is not there, and not in the metadata', async (t) => {
  const without = await createTestProvider(t, { CLAVIGER_REVOCATION_FEED: 'off' })
  t.equal((await requestFeed(without)).status, 404)
  const metadata = await fetch(`${without.issuer}/.well-known/openid-configuration`)
  t.notOk('revocation_feed_endpoint' in ((await metadata.json()) as object))
})
