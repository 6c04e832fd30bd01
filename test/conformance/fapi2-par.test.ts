/** FAPI 2.0 Security Profile Final: the modules about pushed requests and what is in them, by the suite's own names. */
import t from 'tap'
import type { Test } from 'tap'
import { startSession, type Answer, type Fields } from '../support/flow.ts'
import { createTestProvider, password } from '../support/provider.ts'
import { createUserAgent, type Page } from '../support/user-agent.ts'
import { callback, createFapi2Client, otherCallback } from './fapi2-client.ts'

const provider = await createTestProvider(t)
const { issuer, clock, database } = provider
const { sub } = await provider.createUser()
const client = await createFapi2Client(provider)
const other = await createFapi2Client(provider)
const signedIn = () => startSession(provider, sub)
const stranger = () => createUserAgent(issuer)

const parametersOf = ({ url }: Page) => Object.fromEntries(new URL(url).searchParams)

/** Pushes a good request with these changes, and opens it where somebody is signed in. */
async function authorize(changes: Fields = {}, more: Fields = {}): Promise<Page> {
  const requestUri = await client.requestUri(client.push(changes))
  return (await signedIn()).open(client.frontChannel(requestUri, more))
}

function isRefused(t: Test, { status, headers, body }: Answer, error: string | RegExp): void {
  t.match({ status, body }, { status: 400, body: { error, error_description: /^.{10,}$/ } })
  t.equal(headers.get('cache-control'), 'no-store')
}

function isRefusedOnPage(t: Test, page: Page, code: string): void {
  t.match(page, { status: 400, html: `Error <code>${code}</code>` })
  t.ok(page.url.startsWith(issuer), 'nobody is sent anywhere')
}

async function lastNonce(): Promise<string | null | undefined> {
  const [row] = await database.query<{ nonce: string | null }>(
    'select nonce from authorization_codes order by created_at desc, expires_at desc limit 1',
  )
  await database.query('delete from authorization_codes')
  return row?.nonce
}

t.beforeEach(() => clock.advance(1))

t.test(
  'FAPI2SPFinalHappyFlow: PAR answers 201, and the code comes with state and iss',
  async (t) => {
    const state = 's'.repeat(128)
    const answer = await client.push({
      state,
      redirect_uri: otherCallback,
      nonce: 'n'.repeat(43),
      dpop_jkt: 'j'.repeat(43),
    })
    t.equal(answer.status, 201)
    t.match(answer.headers.get('content-type'), /^application\/json/)
    t.equal(answer.headers.get('cache-control'), 'no-store')
    t.match(answer.body, { request_uri: /^urn:ietf:params:oauth:request_uri:[\w-]{43}$/ })
    t.strictSame(Object.keys(answer.body), ['request_uri', 'expires_in'])
    t.equal(answer.body['expires_in'], 60)
    const page = await (
      await signedIn()
    ).open(client.frontChannel(String(answer.body['request_uri'])))
    t.ok(page.url.startsWith(`${otherCallback}&code=`), page.url)
    t.match(parametersOf(page), { code: /^[\w-]{43}$/, state, iss: issuer })
  },
)

t.test('FAPI2SPFinalUserRejectsAuthentication: access_denied, with the state', async (t) => {
  const asking = await createFapi2Client(provider, { skip_consent: false })
  const requestUri = await asking.requestUri(asking.push())
  const browser = await signedIn()
  const consent = await browser.open(asking.frontChannel(requestUri))
  t.match(consent.url, '/consent?')
  const page = await browser.submit(consent, { decision: 'deny' })
  t.match(parametersOf(page), { error: 'access_denied', state: 'the state', iss: issuer })
})

t.test('FAPI2SPFinalEnsureAuthorizationRequestWithoutStateSuccess', async (t) => {
  const page = await authorize({ state: undefined })
  t.strictSame(Object.keys(parametersOf(page)), ['code', 'iss'])
})

t.test('FAPI2SPFinalEnsureAuthorizationRequestWithoutNonceSuccess', async (t) => {
  t.match(parametersOf(await authorize({ nonce: undefined })), { code: /./ })
  t.equal(await lastNonce(), null)
})

t.test('FAPI2SPFinalEnsureAuthorizationRequestWith64CharNonceSuccess', async (t) => {
  const nonce = 'n'.repeat(64)
  t.match(parametersOf(await authorize({ nonce })), { code: /./ })
  t.equal(await lastNonce(), nonce)
})

t.test('FAPI2SPFinalEnsureAuthorizationRequestWithLongNonce: 384 characters', async (t) => {
  const nonce = 'n'.repeat(384)
  t.match(parametersOf(await authorize({ nonce })), { code: /./ })
  t.equal(await lastNonce(), nonce)
})

t.test('FAPI2SPFinalEnsureAuthorizationRequestWithLongState: 384 characters', async (t) => {
  const state = 's'.repeat(384)
  t.match(parametersOf(await authorize({ state })), { code: /./, state })
})

t.test('FAPI2SPFinalEnsureOtherScopeOrderSucceeds', async (t) => {
  t.match(parametersOf(await authorize({ scope: 'email openid' })), { code: /./ })
})

t.test('FAPI2SPFinalEnsureDifferentNonceInsideAndOutsideRequestObject', async (t) => {
  t.match(parametersOf(await authorize({}, { nonce: 'another' })), { code: /./ })
  t.equal(await lastNonce(), 'the nonce')
})

t.test('FAPI2SPFinalEnsureDifferentStateInsideAndOutsideRequestObject', async (t) => {
  const page = await authorize({}, { state: 'another' })
  t.match(parametersOf(page), { code: /./, state: 'the state' })
})

t.test('FAPI2SPFinalStateOnlyOutsideRequestObjectNotUsed', async (t) => {
  const page = await authorize({ state: undefined }, { state: 'outside' })
  t.strictSame(Object.keys(parametersOf(page)), ['code', 'iss'])
})

t.test('whatever else stands at the front channel is not looked at (RFC 9126 §4)', async (t) => {
  const more = {
    redirect_uri: 'https://evil.example',
    response_type: 'token',
    response_mode: 'form_post',
    scope: ['openid', 'admin'],
    request: 'a.b.c',
  }
  const page = await authorize({}, more)
  t.ok(page.url.startsWith(`${callback}?code=`), page.url)
})

t.test('FAPI2SPFinalEnsureRequestObjectWithoutRedirectUriFails', async (t) => {
  isRefused(t, await client.push({ redirect_uri: undefined }), 'invalid_request')
})

t.test(
  'FAPI2SPFinalEnsureRedirectUriInAuthorizationRequest: of one that has only one',
  async (t) => {
    const single = await createFapi2Client(provider, { redirect_uris: [callback] })
    for (const scope of ['openid', undefined])
      isRefused(t, await single.push({ scope, redirect_uri: undefined }), 'invalid_request')
  },
)

t.test(
  'FAPI2SPFinalEnsureRegisteredRedirectUri (plain-fapi-tolerate): refused at PAR',
  async (t) => {
    isRefused(t, await client.push({ redirect_uri: `${callback}/other` }), 'invalid_request')
  },
)

t.test('FAPI2SPFinalEnsureUnsignedAuthorizationRequestWithoutUsingParFails', async (t) => {
  const query = new URLSearchParams(client.request).toString()
  const page = await (await signedIn()).open(`${issuer}/authorize?${query}`)
  t.match(parametersOf(page), { error: 'invalid_request', state: 'the state', code: undefined })
})

t.test('FAPI2SPFinalEnsureResponseTypeCodeIdTokenFails', async (t) => {
  isRefused(t, await client.push({ response_type: 'code id_token' }), 'unsupported_response_type')
})

t.test('FAPI2SPFinalEnsureResponseTypeTokenFails', async (t) => {
  isRefused(t, await client.push({ response_type: 'token' }), 'unsupported_response_type')
})

t.test(
  'FAPI2SPFinalPAREnsureServerAcceptsReusedRequestUriBeforeAuthenticationCompletion',
  async (t) => {
    const requestUri = await client.requestUri(client.push())
    const url = client.frontChannel(requestUri)
    t.match((await stranger().open(url)).url, '/login?')
    clock.advance(300) // who takes the time to sign in has it
    const browser = stranger()
    const login = await browser.open(url)
    t.match(login.url, '/login?')
    const page = await browser.submit(login, { username: 'alice@example.com', password })
    t.match(parametersOf(page), { code: /./, state: 'the state' })
  },
)

t.test('FAPI2SPFinalPARAttemptReuseRequestUri', async (t) => {
  const requestUri = await client.requestUri(client.push())
  const browser = await signedIn()
  t.match(parametersOf(await browser.open(client.frontChannel(requestUri))), { code: /./ })
  isRefusedOnPage(t, await browser.open(client.frontChannel(requestUri)), 'invalid_request_uri')
})

t.test('of many uses at the same time one wins', async (t) => {
  const requestUri = await client.requestUri(client.push())
  const browser = await signedIn()
  const open = () => browser.open(client.frontChannel(requestUri))
  const pages = await Promise.all(Array.from({ length: 6 }, open))
  t.equal(pages.filter((page) => 'code' in parametersOf(page)).length, 1)
  t.equal(pages.filter(({ status }) => status === 400).length, 5)
})

t.test('FAPI2SPFinalPARAttemptToUseExpiredRequestUri', async (t) => {
  const requestUri = await client.requestUri(client.push())
  clock.advance(60)
  const page = await (await signedIn()).open(client.frontChannel(requestUri))
  isRefusedOnPage(t, page, 'invalid_request_uri')
})

t.test('FAPI2SPFinalPAREnsureRequestUriIsBoundToClient', async (t) => {
  const requestUri = await client.requestUri(client.push())
  const page = await (await signedIn()).open(other.frontChannel(requestUri))
  isRefusedOnPage(t, page, 'invalid_request_uri')
})

t.test('FAPI2SPFinalPARRejectRequestUriInParAuthorizationFormParams', async (t) => {
  const requestUri = await client.requestUri(client.push())
  isRefused(t, await client.push({ request_uri: requestUri }), 'invalid_request')
})

t.test('FAPI2SPFinalPARRejectInvalidHttpVerb', async (t) => {
  for (const method of ['GET', 'PUT', 'DELETE']) {
    const { status, headers } = await fetch(`${issuer}/par`, { method })
    t.equal(status, 405, method)
    t.equal(headers.get('allow'), 'POST')
  }
})

t.test('FAPI2SPFinalPAREnsurePKCERequired', async (t) => {
  const without = { code_challenge: undefined, code_challenge_method: undefined }
  isRefused(t, await client.push(without), 'invalid_request')
})

t.test('FAPI2SPFinalPAREnsurePlainPKCERejected', async (t) => {
  isRefused(t, await client.push({ code_challenge_method: 'plain' }), 'invalid_request')
})

t.test('FAPI2SPFinalParWithoutDuplicateParameters', async (t) => {
  t.match(parametersOf(await authorize()), { code: /./, state: 'the state', iss: issuer })
})

const ahead = (seconds: number) => ({
  iat: client.seconds(seconds),
  nbf: client.seconds(seconds),
  exp: client.seconds(seconds + 60),
})
const pushWith = async (...how: Parameters<typeof client.assertion>) =>
  client.push({}, { assertion: await client.assertion(...how) })

t.test('client assertions at the pushed authorization request endpoint', async (t) => {
  const isInvalidClient = ({ status, body }: Answer) =>
    t.match({ status, body }, { status: 401, body: { error: 'invalid_client' } })

  t.test(
    'FAPI2SPFinalPAREnsureJWTClientAssertionWithIatNbf8SecondsInTheFutureIsAccepted',
    async (t) => t.equal((await pushWith(ahead(8))).status, 201),
  )
  t.test(
    'FAPI2SPFinalPAREnsureJWTClientAssertionWithIatNbfOver60SecondsInTheFutureFails',
    async () => isInvalidClient(await pushWith(ahead(65))),
  )
  t.test('FAPI2SPFinalPAREndpointAsArrayAudienceFails', async () =>
    isInvalidClient(await pushWith({ aud: [issuer] })),
  )
  t.test('FAPI2SPFinalPAREndpointAsAudienceFails', async () =>
    isInvalidClient(await pushWith({ aud: `${issuer}/par` })),
  )
  t.test('FAPI2SPFinalPARTokenEndpointAsAudienceFails', async () =>
    isInvalidClient(await pushWith({ aud: `${issuer}/token` })),
  )
  t.test('FAPI2SPFinalEnsureSignedClientAssertionWithRS256Fails', async () =>
    isInvalidClient(await pushWith({}, 'RS256')),
  )
  t.test('FAPI2SPFinalEnsureClientAssertionWithExpIs5MinutesInPastFails', async () =>
    isInvalidClient(await pushWith({ exp: client.seconds(-300) })),
  )
  t.test('FAPI2SPFinalEnsureClientAssertionWithWrongAudFails', async () =>
    isInvalidClient(await pushWith({ aud: 'https://other.example' })),
  )
  t.test('FAPI2SPFinalEnsureClientAssertionWithNoSubFails', async () =>
    isInvalidClient(await pushWith({ sub: undefined })),
  )
  t.test('the client_id beside an assertion is its sub', async () =>
    isInvalidClient(await client.push({ client_id: other.clientId })),
  )
})
