/** The pushed authorization request endpoint (RFC 9126), for clients of every kind, and who must use it. */
import t from 'tap'
import { authorizationUrl, encode, post, redeem, signIn, type Fields } from '../support/flow.ts'
import {
  createTestProvider,
  password,
  redirectUri,
  type TestProvider,
} from '../support/provider.ts'
import { createUserAgent } from '../support/user-agent.ts'

type Client = Awaited<ReturnType<TestProvider['createClient']>>

const provider = await createTestProvider(t)
const { issuer, clock } = provider
await provider.createUser()
const client = await provider.createClient({ skip_consent: true })
const browser = await signIn(provider)

/** The parameters of a good request, but for `client_id`, which the client's authentication has. */
function requestOf(party: Client, changes: Fields = {}, at = provider): Fields {
  const { client_id: _, ...request } = Object.fromEntries(
    new URL(authorizationUrl(at, party)).searchParams,
  )
  return { ...request, ...changes }
}

const push = (party: Client, changes: Fields = {}, at = provider) =>
  post(at, '/par', party, requestOf(party, changes, at))

const frontChannel = ({ clientId }: Client, request_uri: unknown, at = provider) =>
  `${at.issuer}/authorize?${encode({ client_id: clientId, request_uri: String(request_uri) }).toString()}`

const answerOf = (url: string) => Object.fromEntries(new URL(url).searchParams)

t.test('a pushed request gives the tokens that it asks for', async (t) => {
  const { body } = await push(client)
  const { url } = await browser.open(frontChannel(client, body['request_uri']))
  const { status } = await redeem(provider, client, answerOf(url)['code'])
  t.equal(status, 200)
})

t.test('a public client says its name only, and is bound by PKCE', async (t) => {
  const app = await provider.createClient({ token_endpoint_auth_method: 'none' })
  t.equal((await push(app)).status, 201)
  t.match(await push(app, { code_challenge: undefined, code_challenge_method: undefined }), {
    status: 400,
    body: { error: 'invalid_request' },
  })
})

t.test('who does not authenticate pushes nothing', async (t) => {
  const answer = await push({ ...client, secret: 'wrong' })
  t.match(answer, { status: 401, body: { error: 'invalid_client' } })
  const another = await push(client, { client_id: 'another' })
  t.match(another, { status: 401, body: { error: 'invalid_client' } })
})

t.test('the faults are those of the authorization endpoint, as JSON (RFC 9126 §2.3)', async (t) => {
  const service = await provider.createClient({
    grant_types: ['client_credentials'],
    redirect_uris: [],
  })
  const rows: [changes: Fields, error: string, party?: Client][] = [
    [{ response_type: undefined }, 'invalid_request'],
    [{ response_type: 'token' }, 'unsupported_response_type'],
    [{ response_mode: 'telepathy' }, 'invalid_request'],
    [{ scope: 'openid admin' }, 'invalid_scope'],
    [{ scope: 'openid  email' }, 'invalid_scope'],
    [{ prompt: 'none login' }, 'invalid_request'],
    [{ max_age: '-1' }, 'invalid_request'],
    [{ resource: 'https://unknown.example' }, 'invalid_target'],
    [{ resource: 'not a URI' }, 'invalid_target'],
    [{ redirect_uri: undefined }, 'invalid_request'],
    [{ redirect_uri: 'https://evil.example' }, 'invalid_request'],
    [{ redirect_uri: `${redirectUri}/` }, 'invalid_request'],
    [{ request_uri: 'https://client.example/request' }, 'invalid_request'],
    [{ request: 'a.b.c' }, 'invalid_request_object'],
    [{ state: ['a', 'b'] }, 'invalid_request'],
    [{ nonce: 'n'.repeat(5000) }, 'invalid_request'],
    [{}, 'invalid_request', service],
  ]
  for (const [changes, error, party = client] of rows) {
    const { status, headers, body } = await push(party, changes)
    t.match({ status, body }, { status: 400, body: { error } }, JSON.stringify(changes))
    t.equal(headers.get('cache-control'), 'no-store')
  }
  const rest = await provider.database.query(
    'select from authorization_requests where not prolonged and pushed',
  )
  t.equal(rest.length, 1, 'only that of the public client')
})

t.test('a browser that POSTs the reference is let on, which takes no time of it', async (t) => {
  const { body } = await push(client)
  const [url = '', form = ''] = frontChannel(client, body['request_uri']).split('?')
  const response = await fetch(url, {
    method: 'POST',
    body: new URLSearchParams(form),
    redirect: 'manual',
  })
  t.equal(response.status, 303)
  const next = new URL(response.headers.get('location') ?? '', issuer)
  t.equal(next.searchParams.get('request_uri'), body['request_uri'])
  clock.advance(60)
  t.match(await browser.open(next.href), { status: 400, html: /invalid_request_uri/ })
})

t.test('an error leaves the request to another try, within its time', async (t) => {
  const { body } = await push(client, { prompt: 'none' })
  const url = frontChannel(client, body['request_uri'])
  const refused = await createUserAgent(issuer).open(url)
  t.match(answerOf(refused.url), { error: 'login_required' })
  t.match(answerOf((await browser.open(url)).url), { code: /./ })
})

t.test('a revoked client has pushed nothing', async (t) => {
  const app = await provider.createClient()
  const { body } = await push(app)
  await provider.services.revocations.revokeClient(app.clientId, { actor: 'ada' })
  const page = await browser.open(frontChannel(app, body['request_uri']))
  t.match(page, { status: 400, html: /invalid_request_uri/ })
})

t.test('a client that must push cannot do otherwise (RFC 9126 §6)', async (t) => {
  const strict = await provider.createClient({ require_pushed_authorization_requests: true })
  const plain = authorizationUrl(provider, strict)
  t.match(answerOf((await browser.open(plain)).url), {
    error: 'invalid_request',
    error_description: /pushed_authorization_request_endpoint/,
    state: 'the state',
  })
  const unregistered = authorizationUrl(provider, strict, { redirect_uri: 'https://evil.example' })
  t.match(await browser.open(unregistered), { status: 400, html: /invalid_redirect_uri/ })
  t.equal((await push(strict)).status, 201)
})

t.test('a request that waited before its client had to push is refused now', async (t) => {
  const { clientId } = await provider.createClient()
  const stranger = createUserAgent(issuer)
  const login = await stranger.open(authorizationUrl(provider, { clientId, secret: '' }))
  await provider.services.clients.update(clientId, { require_pushed_authorization_requests: true })
  const page = await stranger.submit(login, { username: 'alice@example.com', password })
  t.match(answerOf(page.url), { error: 'invalid_request' })
})

t.test('with the setting every client must push, and discovery says so', async (t) => {
  const strict = await createTestProvider(t, {
    CLAVIGER_REQUIRE_PUSHED_REQUESTS: 'on',
    CLAVIGER_PUSHED_REQUEST_TTL_SECONDS: '90',
  })
  const app = await strict.createClient()
  const discovery = await fetch(`${strict.issuer}/.well-known/openid-configuration`)
  t.match(await discovery.json(), {
    require_pushed_authorization_requests: true,
    pushed_authorization_request_endpoint: `${strict.issuer}/par`,
  })
  const stranger = createUserAgent(strict.issuer)
  const refused = await stranger.open(authorizationUrl(strict, app))
  t.match(answerOf(refused.url), { error: 'invalid_request' })
  const { status, body } = await push(app, {}, strict)
  t.match({ status, body }, { status: 201, body: { expires_in: 90 } })
  t.match((await stranger.open(frontChannel(app, body['request_uri'], strict))).url, '/login?')
})

t.test('a refusal is an event of its endpoint', async (t) => {
  await push(client, { scope: 'openid admin' })
  const events = provider.logged.filter(({ event }) => event === 'token.refused')
  t.match(events.at(-1), { endpoint: 'par', code: 'invalid_scope', client_id: client.clientId })
})
