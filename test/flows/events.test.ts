/** Whole flows, and what the watch over tokens writes down of them. */
import { decodeJwt } from 'jose'
import { readFile } from 'node:fs/promises'
import t from 'tap'
import type { StoredEvent } from '../../src/watch/events-store.ts'
import { eventTypes } from '../../src/watch/events.ts'
import { signalKinds } from '../../src/watch/signals-store.ts'
import { from, recordedEvents } from '../support/events.ts'
import {
  authorize,
  authorizationUrl,
  introspect,
  obtainTokens,
  post,
  proceed,
  redeem,
  refresh,
  register,
  sendRegistration,
  signIn,
  toTokens,
  userinfo,
} from '../support/flow.ts'
import { createTestProvider } from '../support/provider.ts'
import { createUserAgent } from '../support/user-agent.ts'

const seen = new Set<string>()
const offline = { scope: 'openid offline_access' }

async function setUp(t: Parameters<typeof createTestProvider>[0]) {
  const provider = await createTestProvider(t, { TRUST_PROXY: '1', CLAVIGER_REGISTRATION: 'open' })
  const user = await provider.createUser()
  const client = await provider.createClient()
  let known = 0
  /** The events since it was last asked, without what every row has. */
  async function news(): Promise<Partial<StoredEvent>[]> {
    const events = await recordedEvents(provider)
    for (const { type } of events) seen.add(type)
    const fresh = events.slice(known)
    known = events.length
    return fresh.map((event) => {
      const { id: _, at: __, request_id: ___, network: ____, ...rest } = event
      return Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== null))
    })
  }
  return { provider, user, client, news }
}

function aboutToken(token: string) {
  const { client_id, sub, sid, grant_id, jti } = decodeJwt(token)
  return { client_id, sub, sid, grant_id, jti }
}

t.test('a sign-in, a code, its use, a refresh, a use, a revocation and a logout', async (t) => {
  const { provider, user, client, news } = await setUp(t)
  const browser = await signIn(provider)
  const [signedIn, ...others] = await news()
  const { sid } = signedIn ?? {}
  t.match(sid, /^[\da-f-]{36}$/)
  const who = { sub: user.sub, sid }
  t.strictSame([signedIn, others], [{ type: 'login.succeeded', ...who, details: {} }, []])

  const { code } = await authorize(provider, browser, client, offline)
  const session = { client_id: client.clientId, ...who }
  t.strictSame(await news(), [{ type: 'session.used', ...session, details: {} }])

  const tokens = toTokens(await redeem(provider, client, code))
  const issued = aboutToken(tokens.access_token)
  t.match(issued, session)
  const details = { grant_type: 'authorization_code' }
  t.strictSame(await news(), [{ type: 'token.issued', ...issued, details }])

  const next = toTokens(await refresh(provider, client, tokens.refresh_token))
  const renewed = aboutToken(next.access_token)
  t.not(renewed.jti, issued.jti)
  t.strictSame(await news(), [
    { type: 'token.issued', ...renewed, details: { grant_type: 'refresh_token' } },
  ])

  for (let turn = 0; turn < 3; turn += 1) await userinfo(provider, next.access_token)
  const endpoint = 'userinfo'
  t.strictSame(await news(), [{ type: 'token.used', ...renewed, details: { endpoint } }])

  await post(provider, '/revoke', client, { token: next.access_token })
  await userinfo(provider, next.access_token)
  await post(provider, '/revoke', client, { token: next.refresh_token })
  const { jti: _, ...grant } = renewed
  t.strictSame(await news(), [
    { type: 'token.revoked', ...renewed, details: { kind: 'token' } },
    { type: 'token.refused', ...renewed, details: { endpoint, code: 'invalid_token' } },
    { type: 'token.revoked', ...grant, details: { kind: 'grant' } },
  ])

  await browser.open(`${provider.issuer}/logout?id_token_hint=${next.id_token}`)
  t.strictSame(await news(), [{ type: 'logout', sub: user.sub, sid, details: {} }])
})

t.test('a logout by a hint alone, as another site posts it', async (t) => {
  const { provider, user, client, news } = await setUp(t)
  const { id_token } = await obtainTokens(provider, await signIn(provider), client)
  await news()
  await createUserAgent(provider.issuer).open(`${provider.issuer}/logout?id_token_hint=${id_token}`)
  const { sid } = decodeJwt(id_token)
  t.strictSame(await news(), [{ type: 'logout', sub: user.sub, sid, details: {} }])
})

t.test('a refresh token that comes again is a replay at first, then reuse', async (t) => {
  const { provider, client, news } = await setUp(t)
  const tokens = await obtainTokens(provider, await signIn(provider), client, offline)
  await refresh(provider, client, tokens.refresh_token)
  await news()
  const { jti: _, ...grant } = aboutToken(tokens.access_token)

  const replayed = toTokens(await refresh(provider, client, tokens.refresh_token))
  t.strictSame(await news(), [
    { type: 'refresh.replayed', ...grant, details: {} },
    {
      type: 'token.issued',
      ...aboutToken(replayed.access_token),
      details: { grant_type: 'refresh_token' },
    },
  ])
  provider.clock.advance(31)
  await refresh(provider, client, tokens.refresh_token)
  const details = { endpoint: 'token', code: 'invalid_grant' }
  t.strictSame(await news(), [
    { type: 'refresh.reused', ...grant, details: {} },
    { type: 'token.refused', ...grant, details },
  ])

  await refresh(provider, client, replayed.refresh_token)
  await refresh(provider, client, 'nonsense')
  const unknown = { type: 'token.refused', client_id: client.clientId, details }
  t.strictSame(await news(), [unknown, unknown], 'it was revoked')

  const text = await provider.services.metrics.text()
  const verdicts = { rotated: 1, replayed: 1, reused: 1, unknown: 2 }
  for (const [verdict, count] of Object.entries(verdicts))
    t.match(text, `claviger_refresh_total{verdict="${verdict}"} ${count}\n`)
})

t.test('a code used twice', async (t) => {
  const { provider, client, news } = await setUp(t)
  const { code } = await authorize(provider, await signIn(provider), client)
  const { access_token } = toTokens(await redeem(provider, client, code))
  await news()
  await redeem(provider, client, code)
  const { jti: _, ...grant } = aboutToken(access_token)
  t.match(await news(), [
    { type: 'code.reused', ...grant },
    { type: 'token.refused', details: { endpoint: 'token', code: 'invalid_grant' } },
  ])
})

t.test('wrong passwords, and too many of them', async (t) => {
  const { provider, news } = await setUp(t)
  const browser = createUserAgent(provider.issuer)
  const page = await browser.open(`${provider.issuer}/login`)
  const wrong = { username: 'alice@example.com', password: 'a wrong passphrase' }
  for (let turn = 0; turn < 11; turn += 1) await browser.submit(page, wrong)
  const rejected = { type: 'login.failed', details: { reason: 'rejected' } }
  t.strictSame(await news(), [
    ...Array.from({ length: 10 }, () => rejected),
    { ...rejected, details: { reason: 'rate-limited' } },
  ])
  const levels = provider.logged.filter(({ event }) => event === 'login.failed')
  t.equal(levels.length, 11)
})

t.test('a client is named only when it is registered', async (t) => {
  const { provider, client, news } = await setUp(t)
  const wrong = 'not the secret'
  await post(provider, '/token', { ...client, secret: wrong }, { grant_type: 'x' })
  await post(provider, '/introspect', { clientId: 'made-up', secret: wrong }, { token: 'x' })
  await post(provider, '/revoke', { ...client, secret: '' }, { token: 'x' })
  const type = 'client.refused'
  t.strictSame(await news(), [
    { type, client_id: client.clientId, details: { endpoint: 'token' } },
    { type, details: { endpoint: 'introspect' } },
    { type, client_id: client.clientId, details: { endpoint: 'revoke' } },
  ])
})

t.test('a client registers itself, or is refused', async (t) => {
  const { provider, news } = await setUp(t)
  const { body } = await register(provider, { redirect_uris: ['https://app.example/callback'] })
  const { client_id, registration_client_uri: url } = body
  await sendRegistration(String(url), 'GET', { token: 'made-up' })
  await register(provider, { redirect_uris: ['#'] })
  const endpoint = 'register'
  t.strictSame(await news(), [
    { type: 'client.registered', client_id, details: {} },
    { type: 'token.refused', details: { endpoint, code: 'invalid_token' } },
    { type: 'token.refused', details: { endpoint, code: 'invalid_redirect_uri' } },
  ])
})

t.test('refused tokens are told apart: whose they are only with a good signature', async (t) => {
  const { provider, user, client, news } = await setUp(t)
  const { access_token } = await obtainTokens(provider, await signIn(provider), client)
  const others = await provider.createClient({ scope: 'openid' })
  const about = aboutToken(access_token)
  await news()
  const invalid = { endpoint: 'userinfo', code: 'invalid_token' }

  const altered = access_token.replace(/\.[^.]{8}/, '.AAAAAAAA')
  await userinfo(provider, altered)
  t.strictSame(await news(), [{ type: 'token.refused', details: invalid }])

  await provider.services.accounts.disable(user.sub)
  await userinfo(provider, access_token)
  t.strictSame(await news(), [{ type: 'token.refused', ...about, details: invalid }])
  provider.clock.advance(601)
  await userinfo(provider, access_token)
  t.strictSame(await news(), [{ type: 'token.refused', ...about, details: invalid }])

  await introspect(provider, others, access_token)
  await introspect(provider, others, altered)
  const inactive = { endpoint: 'introspect', code: 'inactive' }
  t.strictSame(await news(), [
    { type: 'token.refused', ...about, details: inactive },
    { type: 'token.refused', client_id: others.clientId, details: inactive },
  ])
})

t.test('a service that speaks for itself has no user', async (t) => {
  const { provider, news } = await setUp(t)
  const service = await provider.createClient({
    grant_types: ['client_credentials'],
    redirect_uris: [],
    scope: 'orders:read',
  })
  const asked = { grant_type: 'client_credentials', scope: 'orders:read' }
  const { access_token } = toTokens(await post(provider, '/token', service, asked))
  const { jti } = decodeJwt(access_token)
  const details = { grant_type: 'client_credentials' }
  t.strictSame(await news(), [{ type: 'token.issued', client_id: service.clientId, jti, details }])
})

t.test('an event has its request, and its network but no address', async (t) => {
  const { provider, client } = await setUp(t)
  const browser = createUserAgent(provider.issuer, from('203.0.113.77'))
  await signIn(provider, browser)
  const page = await proceed(browser, await browser.open(authorizationUrl(provider, client)))
  const code = new URL(page.url).searchParams.get('code')
  const fields = { grant_type: 'authorization_code', code: code ?? '', redirect_uri: 'x' }
  const answer = await post(provider, '/token', client, fields, from('2001:db8:1:2::3'))

  const [login, , refused] = await recordedEvents(provider)
  t.match(login, { type: 'login.succeeded', network: '203.0.113.0/24' })
  t.match(refused, { type: 'token.refused', network: '2001:db8:1::/48' })
  t.equal(refused?.request_id, answer.body['request_id'])
  t.strictSame(refused?.at, provider.clock.now())
  const line = provider.logged.find(({ event }) => event === 'token.refused')
  t.match(line, { reqId: answer.body['request_id'], network: '2001:db8:1::/48', level: 30 })
})

t.test('an outage is no refusal', async (t) => {
  const { provider, client } = await setUp(t)
  const { access_token } = await obtainTokens(provider, await signIn(provider), client)
  await provider.database.close()
  t.equal((await userinfo(provider, access_token)).status, 500)
  const text = await provider.services.metrics.text()
  t.notMatch(text, 'claviger_tokens_refused_total{')
})

t.test('these were all types of events there are, and the guide has them', async (t) => {
  t.strictSame([...seen].toSorted(), eventTypes.toSorted())
  const text = await readFile(new URL('../../../docs/watching.md', import.meta.url), 'utf8')
  for (const name of [...eventTypes, ...signalKinds]) t.match(text, `\`${name}\``)
})
