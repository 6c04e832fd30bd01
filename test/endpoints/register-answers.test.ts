/** What clients register that is not done here, and keys that they publish: the registration endpoint's answers (RFC 7591). */
import type { JWK } from 'jose'
import t, { type Test } from 'tap'
import { createClientKey, publicKeySet } from '../conformance/registration.ts'
import { post, register, sendRegistration, type Answer } from '../support/flow.ts'
import { createTestProvider, redirectUri } from '../support/provider.ts'
import { send } from '../support/raw-http.ts'
import { checkJsonRefusal } from '../support/refusals.ts'
import { keyClient } from '../support/suite-client.ts'
import { createWebServer } from '../support/web-server.ts'

const redirect_uris = [redirectUri]
let published: object | undefined
const web = await createWebServer(t, (_request, response) => {
  response
    .writeHead(published ? 200 : 404, { 'content-type': 'application/json' })
    .end(JSON.stringify(published ?? {}))
})
const provider = await createTestProvider(t, {
  CLAVIGER_REGISTRATION: 'open',
  CLAVIGER_OUTGOING_CA_FILE: web.caFile,
})
const jwks_uri = `${web.origin}/jwks`

t.test('what is not done here is refused by its code (RFC 7591 §3.2.2)', async (t) => {
  const byKey = { token_endpoint_auth_method: 'private_key_jwt' }
  const jwks = publicKeySet(await createClientKey())
  const refused: [metadata: object, error?: string][] = [
    [{ response_types: ['id_token'] }],
    [{ response_types: ['code', 'id_token token'] }],
    [{ response_types: ['code id_token'] }],
    [{ response_types: [] }],
    [{ response_types: 'code' }],
    [{ grant_types: ['implicit'] }],
    [{ grant_types: ['authorization_code', 'implicit'] }],
    [{ grant_types: ['password'] }],
    [{ grant_types: [] }],
    [{ redirect_uris: [] }, 'invalid_redirect_uri'],
    [{ redirect_uris: [redirectUri, redirectUri] }, 'invalid_redirect_uri'],
    [{ id_token_signed_response_alg: 'none' }],
    [{ id_token_signed_response_alg: 'HS256' }],
    [{ userinfo_signed_response_alg: 'none' }],
    [{ request_object_signing_alg: 'none' }],
    [{ token_endpoint_auth_method: 'client_secret_jwt' }],
    [{ subject_type: 'ephemeral' }],
    [{ jwks: { keys: [] } }],
    [{ jwks, jwks_uri }],
    [{ ...byKey }],
    [{ ...byKey, jwks_uri: 'http://suite.example/jwks' }],
    [{ ...byKey, jwks_uri: 'file:///etc/passwd' }],
    [{ ...byKey, jwks_uri: [jwks_uri] }],
  ]
  for (const [metadata, error = 'invalid_client_metadata'] of refused) {
    const body = JSON.stringify({ redirect_uris, ...metadata })
    const headers = { 'content-type': 'application/json' }
    const answer = await send(provider.issuer, { method: 'POST', path: '/register', headers, body })
    checkJsonRefusal(t, provider, answer, { status: 400, error }, body)
    t.equal(answer.headers.get('cache-control'), 'no-store')
  }
  t.strictSame(await provider.services.clients.list(), [])
  t.strictSame(web.requests, [], 'nothing was fetched')
})

t.test('what nobody here knows is ignored, and no part of the answer (RFC 7591 §2)', async (t) => {
  const plain = await register(provider, { redirect_uris })
  const odd = await register(provider, {
    redirect_uris,
    request_uris: ['https://suite.example/request.jwt#hash'],
    'client_name#ja': 'x',
    client_id: 'chosen',
    client_secret: 'chosen',
    client_secret_expires_at: 1,
    registered_by: 'administrator',
    registration_access_token: 'chosen',
    registration_client_uri: 'https://suite.example/',
    software_statement: null,
    frontchannel_logout_session_supported: 1,
  })
  t.equal(odd.status, 201)
  t.strictSame(Object.keys(odd.body), Object.keys(plain.body))
  t.equal(odd.body['client_secret_expires_at'], 0, 'never')
  t.notMatch(JSON.stringify(odd.body), /chosen|suite\.example/)
})

t.test('lists that may be empty are answered as they came (RFC 7591 §3.2.1)', async (t) => {
  const lists = { contacts: [], post_logout_redirect_uris: [], default_acr_values: [] }
  const { status, body } = await register(provider, { redirect_uris, ...lists, request_uris: [] })
  t.equal(status, 201)
  t.hasStrict(body, lists)
  t.notOk('request_uris' in body)
})

t.test(
  'a client lives by the keys at its jwks_uri, and says when they move (RFC 7592 §2.2)',
  async (t) => {
    const metadata = { redirect_uris, token_endpoint_auth_method: 'private_key_jwt' }
    const registered = await register(provider, { ...metadata, jwks_uri })
    t.equal(registered.status, 201, 'whatever is there as yet')
    t.equal(registered.body['jwks_uri'], jwks_uri)
    t.notOk('client_secret' in registered.body || 'client_secret_expires_at' in registered.body)
    const client_id = String(registered.body['client_id'])
    const [first, second] = [await createClientKey('first'), await createClientKey('second')]

    const nothing = await authenticate(client_id, first)
    t.hasStrict(nothing, { status: 401, body: { error: 'invalid_client' } })
    t.notMatch(nothing.body['error_description'], /404|localhost/, 'which is for the log alone')
    published = publicKeySet(first)
    t.equal((await authenticate(client_id, first)).status, 401, 'it is not asked all the time')
    provider.clock.advance(10)
    t.equal((await authenticate(client_id, first)).status, 200)
    await isReplaced(t, registered, { ...metadata, client_id, jwks: publicKeySet(second) })
    t.equal((await authenticate(client_id, second)).status, 200)
    t.equal((await authenticate(client_id, first)).status, 401)
    await isReplaced(t, registered, { ...metadata, client_id, jwks_uri })
    t.equal((await authenticate(client_id, first)).status, 200)
  },
)

async function authenticate(clientId: string, key: JWK): Promise<Answer> {
  const { now } = provider.clock
  const client = keyClient(clientId, { key, now, audience: provider.issuer })
  const { fields } = await client.present('')
  return post(provider, '/introspect', { clientId, secret: '' }, { ...fields, token: 'x.y' })
}

async function isReplaced(t: Test, { body }: Answer, metadata: object): Promise<void> {
  const { registration_client_uri: uri, registration_access_token: token } = body
  const answer = await sendRegistration(String(uri), 'PUT', { token: String(token), metadata })
  t.hasStrict(answer, { status: 200, body: metadata })
  t.equal('jwks' in answer.body, 'jwks' in metadata)
  t.equal('jwks_uri' in answer.body, 'jwks_uri' in metadata)
}
