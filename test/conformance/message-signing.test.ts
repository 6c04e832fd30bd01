/** FAPI 2.0 Message Signing Final: the modules about request objects and signed responses, by the suite's own names. */
import { createRemoteJWKSet, decodeJwt, jwtVerify, UnsecuredJWT } from 'jose'
import t from 'tap'
import type { Test } from 'tap'
import { startSession, type Answer } from '../support/flow.ts'
import { createTestProvider } from '../support/provider.ts'
import { createUserAgent, formOf, type Page } from '../support/user-agent.ts'
import { callback, createFapi2Client } from './fapi2-client.ts'

const provider = await createTestProvider(t)
const { issuer, clock } = provider
const { sub } = await provider.createUser()
const client = await createFapi2Client(provider, { require_signed_request_object: true })
const other = await createFapi2Client(provider, { require_signed_request_object: true })
const keys = createRemoteJWKSet(new URL(`${issuer}/.well-known/jwks.json`))

const minutes = (count: number) => client.seconds(count * 60)

async function open(pushed: Promise<Answer>, party = client): Promise<Page> {
  const browser = await startSession(provider, sub)
  return browser.open(party.frontChannel(await party.requestUri(pushed)))
}

function isRefused(t: Test, { status, body }: Answer, error = 'invalid_request_object'): void {
  t.match({ status, body }, { status: 400, body: { error, error_description: /^.{10,}$/ } })
}

/** The claims of a signed response that a client would accept, and how it is signed. */
async function verify(jwt: string | null | undefined, party = client) {
  const { payload, protectedHeader } = await jwtVerify(jwt ?? '', keys, {
    issuer,
    audience: party.clientId,
    currentDate: clock.now(),
    requiredClaims: ['exp'],
  })
  return { claims: payload, alg: protectedHeader.alg }
}

t.beforeEach(() => clock.advance(1))

t.test('FAPI2SPFinalHappyFlow: with a request object', async (t) => {
  const page = await open(client.pushSigned())
  t.ok(page.url.startsWith(`${callback}?code=`), page.url)
  t.equal(new URL(page.url).searchParams.get('state'), 'the state')
})

t.test('FAPI2SPFinalEnsureServerAcceptsRequestObjectWithMultipleAud', async (t) => {
  t.equal((await client.pushSigned({ aud: [issuer, 'https://other.example'] })).status, 201)
})

t.test('FAPI2SPFinalEnsureRequestObjectWithNbf8SecondsInTheFutureIsAccepted', async (t) => {
  t.equal((await client.pushSigned({ nbf: client.seconds(8) })).status, 201)
})

t.test('FAPI2SPFinalEnsureRequestObjectWithoutExpFails', async (t) =>
  isRefused(t, await client.pushSigned({ exp: undefined })),
)

t.test('FAPI2SPFinalEnsureRequestObjectWithoutNbfFails', async (t) =>
  isRefused(t, await client.pushSigned({ nbf: undefined })),
)

t.test('FAPI2SPFinalEnsureExpiredRequestObjectFails', async (t) =>
  isRefused(t, await client.pushSigned({ nbf: minutes(-10), exp: minutes(-5) })),
)

t.test('FAPI2SPFinalEnsureRequestObjectWithBadAudFails', async (t) =>
  isRefused(t, await client.pushSigned({ aud: 'https://other.example' })),
)

t.test('FAPI2SPFinalEnsureRequestObjectWithExpOver60Fails: 70 minutes', async (t) =>
  isRefused(t, await client.pushSigned({ exp: minutes(70) })),
)

t.test('FAPI2SPFinalEnsureRequestObjectWithNbfOver60Fails: 70 minutes', async (t) =>
  isRefused(t, await client.pushSigned({ nbf: minutes(-70), exp: minutes(-10.5) })),
)

t.test('and a nbf of 70 minutes ago is refused for itself', async (t) =>
  isRefused(t, await client.pushSigned({ nbf: minutes(-70), exp: minutes(5) })),
)

t.test('FAPI2SPFinalEnsureSignedRequestObjectWithRS256Fails', async (t) =>
  isRefused(t, await client.pushSigned({}, 'RS256')),
)

t.test('FAPI2SPFinalEnsureRequestObjectSignatureAlgorithmIsNotNone', async (t) =>
  isRefused(t, await client.send({ request: new UnsecuredJWT(client.claims()).encode() })),
)

t.test('FAPI2SPFinalEnsureRequestObjectWithInvalidSignatureFails', async (t) => {
  const [header, payload, signature] = (await client.sign(client.claims(), 'ES256')).split('.')
  const spoiled = Buffer.from(signature ?? '', 'base64url')
    .fill(1, 0, 8)
    .toString('base64url')
  isRefused(t, await client.send({ request: `${header}.${payload}.${spoiled}` }))
})

t.test('FAPI2SPFinalEnsureMatchingKeyInAuthorizationRequest', async (t) =>
  isRefused(t, await client.send({ request: await other.sign(client.claims(), 'ES256') })),
)

t.test('FAPI2SPFinalEnsureUnsignedRequestAtParEndpointFails', async (t) =>
  isRefused(t, await client.push(), 'invalid_request'),
)

t.test('FAPI2SPFinalPARRejectRequestUriInParAuthorizationRequest', async (t) =>
  isRefused(t, await client.pushSigned({ request_uri: 'urn:ietf:params:oauth:request_uri:x' })),
)

t.test('FAPI2SPFinalEnsureRequestObjectWithoutRedirectUriFails', async (t) =>
  isRefused(t, await client.pushSigned({ redirect_uri: undefined }), 'invalid_request'),
)

t.test('FAPI2SPFinalStateOnlyOutsideRequestObjectNotUsed: beside the object', async (t) => {
  const request = await client.sign(client.claims({ state: undefined }), 'ES256')
  const page = await open(client.send({ request, state: 'outside', nonce: 'outside' }))
  t.strictSame([...new URL(page.url).searchParams.keys()], ['code', 'iss'])
})

t.test("of another client's name in the object nothing comes", async (t) =>
  isRefused(t, await client.pushSigned({ client_id: other.clientId })),
)

t.test('a request object that is not pushed is refused as one (FAPI 2.0 §5.3.2.2)', async (t) => {
  const request = await client.sign(client.claims(), 'ES256')
  const query = new URLSearchParams({ client_id: client.clientId, request })
  const browser = await startSession(provider, sub)
  const { url } = await browser.open(`${issuer}/authorize?${query.toString()}`)
  t.match(Object.fromEntries(new URL(url).searchParams), { error: 'invalid_request' })
})

t.test('JARM: code and state come in a JWT for this client, of ten minutes at most', async (t) => {
  const page = await open(client.pushSigned({ response_mode: 'jwt' }))
  const sent = new URL(page.url).searchParams
  t.strictSame([...sent.keys()], ['response'])
  const { claims, alg } = await verify(sent.get('response'))
  t.equal(alg, 'ES256')
  t.match(claims, { iss: issuer, aud: client.clientId, state: 'the state', code: /^[\w-]{43}$/ })
  const lifetime = Number(claims.exp) - client.seconds()
  t.ok(lifetime > 0 && lifetime <= 600, String(lifetime))
})

t.test('JARM: an error too, and in a fragment', async (t) => {
  const pushed = client.pushSigned({ response_mode: 'fragment.jwt', prompt: 'none' })
  const page = await createUserAgent(issuer).open(
    client.frontChannel(await client.requestUri(pushed)),
  )
  t.equal(new URL(page.url).search, '')
  const sent = new URLSearchParams(new URL(page.url).hash.slice(1))
  t.strictSame([...sent.keys()], ['response'])
  const { claims } = await verify(sent.get('response'))
  t.match(claims, { error: 'login_required', state: 'the state', code: undefined })
})

t.test('JARM: in a form', async (t) => {
  const page = await open(client.pushSigned({ response_mode: 'form_post.jwt' }))
  const { action, fields } = formOf(page)
  t.equal(action, callback)
  t.strictSame(Object.keys(fields), ['response'])
  t.match((await verify(fields['response'])).claims, { code: /./, state: 'the state' })
})

t.test('JARM: the algorithm is the registered one', async (t) => {
  const plain = await provider.createClient({
    redirect_uris: [callback],
    id_token_signed_response_alg: 'ES256',
    authorization_signed_response_alg: 'RS256',
    skip_consent: true,
  })
  const { clientId } = plain
  const query = new URLSearchParams({
    ...client.request,
    client_id: clientId,
    response_mode: 'jwt',
  })
  const browser = await startSession(provider, sub)
  const { url } = await browser.open(`${issuer}/authorize?${query.toString()}`)
  const { alg } = await verify(new URL(url).searchParams.get('response'), { ...client, clientId })
  t.equal(alg, 'RS256')
})

t.test('a signed response is no id_token_hint', async (t) => {
  const page = await open(client.pushSigned({ response_mode: 'jwt' }))
  const response = new URL(page.url).searchParams.get('response') ?? ''
  t.equal(decodeJwt(response).sub, undefined)
  const query = new URLSearchParams({ id_token_hint: response })
  t.equal((await fetch(`${issuer}/logout?${query.toString()}`)).status, 400)
})

t.test('without a signing key there is an error page, and no answer', async (t) => {
  const pushed = await client.requestUri(client.pushSigned({ response_mode: 'jwt' }))
  const browser = await startSession(provider, sub)
  clock.advance(50)
  await provider.database.query('delete from signing_keys')
  await provider.services.keyring.load()
  const page = await browser.open(client.frontChannel(pushed))
  t.match(page, { status: 503, html: /temporarily_unavailable/ })
  t.ok(page.url.startsWith(issuer))
})
