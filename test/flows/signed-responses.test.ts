/** Signed authorization responses (JARM), whatever kind of client asks, and however they travel. */
import { createRemoteJWKSet, decodeJwt, jwtVerify } from 'jose'
import t from 'tap'
import { authorizationUrl, startSession, type Fields } from '../support/flow.ts'
import { createTestProvider, redirectUri } from '../support/provider.ts'
import { createUserAgent, formOf } from '../support/user-agent.ts'

const provider = await createTestProvider(t)
const { issuer, clock } = provider
const { sub } = await provider.createUser()
const client = await provider.createClient({
  id_token_signed_response_alg: 'ES256',
  authorization_signed_response_alg: 'RS256',
  skip_consent: true,
})
const keys = createRemoteJWKSet(new URL(`${issuer}/.well-known/jwks.json`))

const open = async (response_mode: string, changes: Fields = {}) =>
  (await startSession(provider, sub)).open(
    authorizationUrl(provider, client, { response_mode, ...changes }),
  )

const verify = (jwt: string | null | undefined) =>
  jwtVerify(jwt ?? '', keys, { issuer, audience: client.clientId, currentDate: clock.now() })

t.test('an error is signed too, here in a fragment', async (t) => {
  const url = authorizationUrl(provider, client, {
    response_mode: 'fragment.jwt',
    prompt: 'none',
  })
  const { url: answered } = await createUserAgent(issuer).open(url)
  t.equal(new URL(answered).search, '')
  const sent = new URLSearchParams(new URL(answered).hash.slice(1))
  t.strictSame([...sent.keys()], ['response'])
  const { payload } = await verify(sent.get('response'))
  t.match(payload, { error: 'login_required', state: 'the state', code: undefined })
})

t.test('in a form', async (t) => {
  const { action, fields } = formOf(await open('form_post.jwt'))
  t.equal(action, redirectUri)
  t.strictSame(Object.keys(fields), ['response'])
  t.match((await verify(fields['response'])).payload, { code: /./, state: 'the state' })
})

t.test('the algorithm is the registered one', async (t) => {
  const { searchParams } = new URL((await open('jwt')).url)
  t.equal((await verify(searchParams.get('response'))).protectedHeader.alg, 'RS256')
})

t.test('a signed response is no id_token_hint', async (t) => {
  const response = new URL((await open('jwt')).url).searchParams.get('response') ?? ''
  t.equal(decodeJwt(response).sub, undefined)
  const query = new URLSearchParams({ id_token_hint: response })
  t.equal((await fetch(`${issuer}/logout?${query.toString()}`)).status, 400)
})

t.test('without a signing key there is an error page, and no answer', async (t) => {
  await provider.database.query('delete from signing_keys')
  await provider.services.keyring.load()
  const page = await open('jwt')
  t.match(page, { status: 503, html: /temporarily_unavailable/ })
  t.ok(page.url.startsWith(issuer))
})
