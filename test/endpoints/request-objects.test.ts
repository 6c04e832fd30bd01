/** Request objects at the authorization endpoint (RFC 9101, OpenID Connect Core §6.1): good ones, and nearly good ones. */
import * as fc from 'fast-check'
import { createSign, KeyObject } from 'node:crypto'
import { exportJWK, generateKeyPair, SignJWT, UnsecuredJWT } from 'jose'
import t from 'tap'
import { authorizationUrl, encode, signIn, type Fields } from '../support/flow.ts'
import { createTestProvider, password, redirectUri } from '../support/provider.ts'
import { send, sendForm } from '../support/raw-http.ts'
import { createUserAgent } from '../support/user-agent.ts'
import { cookieHeader } from './routes.ts'

const provider = await createTestProvider(t)
const { issuer, clock } = provider
await provider.createUser()
const { publicKey, privateKey } = await generateKeyPair('ES256')
const jwks = { keys: [{ ...(await exportJWK(publicKey)), kid: 'own' }] }
const client = await provider.createClient({ jwks, skip_consent: true })
const strict = await provider.createClient({ jwks, require_signed_request_object: true })
const browser = await signIn(provider)

const requestOf = ({ clientId, secret } = client) =>
  Object.fromEntries(
    new URL(authorizationUrl(provider, { clientId, secret })).searchParams,
  ) as Record<string, unknown>

const signed = (claims: object, header: object = {}) =>
  new SignJWT({ ...claims })
    .setProtectedHeader({ alg: 'ES256', kid: 'own', ...header })
    .sign(privateKey)

const urlOf = (fields: Fields) => `${issuer}/authorize?${encode(fields).toString()}`
const outer = { client_id: client.clientId }
const answerOf = (url: string) => Object.fromEntries(new URL(url).searchParams)

async function open(claims: object, more: Fields = {}) {
  const request = await signed({ ...requestOf(), ...claims })
  return browser.open(urlOf({ ...outer, request, ...more }))
}

t.test('all of the request comes from the object (RFC 9101 §6.3)', async (t) => {
  const page = await open(
    { state: 'inside' },
    { state: 'outside', redirect_uri: 'https://evil.example', response_type: 'token' },
  )
  t.ok(page.url.startsWith(`${redirectUri}?code=`), page.url)
  t.match(answerOf(page.url), { code: /./, state: 'inside', iss: issuer })
  const without = await open({ state: undefined }, { state: 'outside' })
  t.strictSame(Object.keys(answerOf(without.url)), ['code', 'iss'])
})

t.test('it waits for a person, signed as it was', async (t) => {
  const stranger = createUserAgent(issuer)
  const request = await signed({ ...requestOf(strict), iss: strict.clientId, aud: issuer })
  const form = encode({ client_id: strict.clientId, request })
  const posted = await sendForm(issuer, '/authorize', form.toString())
  const login = await stranger.open(new URL(posted.headers.get('location') ?? '', issuer).href)
  t.match(login.url, '/login?')
  const consent = await stranger.submit(login, { username: 'alice@example.com', password })
  const page = await stranger.submit(consent, { decision: 'allow' })
  t.match(answerOf(page.url), { code: /./, state: 'the state' })
})

t.test('a fault in a good one is told the client', async (t) => {
  const page = await open({ response_type: 'token' })
  t.match(answerOf(page.url), { error: 'unsupported_response_type', state: 'the state' })
  t.match(answerOf((await open({ max_age: -1 })).url), { error: 'invalid_request' })
})

t.test('one that is not good is told the person: nothing in it is known', async (t) => {
  const request = await signed(requestOf())
  const rows: [fields: Fields, error: string][] = [
    [{ request: new UnsecuredJWT(requestOf()).encode() }, 'invalid_request_object'],
    [{ request: `${request}x` }, 'invalid_request_object'],
    [{ request: await signed({ ...requestOf(), client_id: 'x' }) }, 'invalid_request_object'],
    [
      { request: await signed({ ...requestOf(), redirect_uri: 'https://evil.example' }) },
      'invalid_redirect_uri',
    ],
    [{ request, client_id: undefined }, 'invalid_request'],
    [{ request, client_id: 'nobody' }, 'invalid_request'],
    [{ request: [request, request] }, 'invalid_request'],
    [{ request, request_uri: 'https://client.example/request' }, 'invalid_request'],
    [{ request, request_uri: 'urn:ietf:params:oauth:request_uri:x' }, 'invalid_request'],
  ]
  for (const [fields, error] of rows) {
    const page = await browser.open(urlOf({ ...requestOf(), ...fields } as Fields))
    t.match(page, { status: 400, html: `Error <code>${error}</code>` }, JSON.stringify(fields))
  }
})

t.test('one by reference is not fetched (OpenID Connect Core §3.1.2.6)', async (t) => {
  const request_uri = 'https://client.example/request'
  const { url } = await browser.open(authorizationUrl(provider, client, { request_uri }))
  t.match(answerOf(url), { error: 'request_uri_not_supported' })
})

t.test('a client that must sign is refused when it does not (RFC 9101 §10.5)', async (t) => {
  const { url } = await browser.open(authorizationUrl(provider, strict))
  t.match(answerOf(url), { error: 'invalid_request', error_description: /must be signed/ })
})

const odd = fc.oneof(
  fc.constantFrom<unknown>(
    '',
    'https://evil.example/callback',
    '//evil.example',
    `${redirectUri}/`,
    'a'.repeat(5000),
    '\0',
    '\ud800',
    '\r\nset-cookie: x=1',
    true,
    null,
    0,
    -1,
    1e21,
    'jwt',
    'form_post.jwt',
    'fragment',
    ['https://evil.example'],
    { id_token: { email: null } },
  ),
  fc.jsonValue({ maxDepth: 3 }),
)

const names = [...Object.keys(requestOf()), 'iss', 'aud', 'exp', 'nbf', 'sub', 'max_age']
const others = ['prompt', 'claims', 'resource', 'response_mode', 'request', 'dpop_jkt', '__proto__']

const seldom = <T>(arbitrary: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 5, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary })

const nearlyGood = fc.record({
  changes: fc.array(fc.tuple(fc.constantFrom(...names, ...others), odd), { maxLength: 2 }),
  missing: seldom(fc.constantFrom(...names)),
  header: seldom(fc.constantFrom<object>({ typ: 'at+jwt' }, { typ: 1 }, { kid: 1 }, { kid: 'x' })),
  spoil: seldom(fc.nat({ max: 400 })),
  beside: fc.constantFrom<Fields>({}, { redirect_uri: 'https://evil.example' }, { state: 'x' }),
  isPushed: fc.boolean(),
})

t.test('whatever is nearly good sends nobody elsewhere, and is never our fault', async (t) => {
  const cookie = cookieHeader(browser)
  const basic = Buffer.from(`${client.clientId}:${client.secret}`).toString('base64')
  const outcomes: Record<string, number> = {}
  await fc.assert(
    fc.asyncProperty(nearlyGood, async ({ changes, missing, header, spoil, beside, isPushed }) => {
      const now = clock.now().getTime() / 1000
      const own = { ...requestOf(), iss: client.clientId, aud: issuer, nbf: now, exp: now + 60 }
      const claims = Object.fromEntries([...Object.entries(own), ...changes])
      if (missing !== undefined) delete claims[missing]
      const request = sign(claims, header)
      const text =
        spoil === undefined ? request : request.slice(0, spoil) + request.slice(spoil + 1)
      const form = encode({ ...outer, ...beside, request: text }).toString()
      const answer = isPushed
        ? await sendForm(issuer, '/par', form, { authorization: `Basic ${basic}` })
        : await send(issuer, { path: `/authorize?${form}`, headers: { cookie } })
      const { status, headers, body } = answer
      outcomes[`${isPushed} ${status}`] = (outcomes[`${isPushed} ${status}`] ?? 0) + 1
      const location = headers.get('location') ?? redirectUri
      const isOwn = location.startsWith('/login?') || location.startsWith('/consent?')
      const isRegistered = /^http:\/\/localhost:9999\/callback(?:[?#]|$)/.test(location)
      if (status >= 500 || !(isOwn || isRegistered) || headers.getSetCookie().length > 0)
        throw new Error(JSON.stringify({ claims, answer }))
      if (/<form[^>]* action="(?!http:\/\/localhost:9999\/callback")/.test(body))
        throw new Error('a foreign form')
    }),
    { numRuns: 250 },
  )
  t.comment(outcomes)
  for (const outcome of ['true 201', 'true 400', 'false 303', 'false 400'])
    t.ok((outcomes[outcome] ?? 0) > 0, outcome)
  const faults = provider.logged.filter(({ level }) => Number(level) >= 50)
  t.strictSame(faults, [], 'nothing was logged as an error')
})

const encodePart = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url')

/** SignJWT checks types that a client's own code may not. */
function sign(claims: object, header: object = {}): string {
  const input = `${encodePart({ alg: 'ES256', kid: 'own', ...header })}.${encodePart(claims)}`
  const key = { key: KeyObject.from(privateKey), dsaEncoding: 'ieee-p1363' as const }
  return `${input}.${createSign('sha256').update(input).sign(key).toString('base64url')}`
}
