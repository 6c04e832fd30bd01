/** RS256 and ES256 always, PS256 and EdDSA by a setting; each client's ID tokens as it is registered. */
import { createRemoteJWKSet, jwtVerify } from 'jose'
import t from 'tap'
import { obtainTokens, signIn } from '../support/flow.ts'
import { createTestProvider } from '../support/provider.ts'

t.test('a client gets tokens signed as id_token_signed_response_alg says', async (t) => {
  const algs = ['RS256', 'ES256', 'PS256', 'EdDSA']
  const provider = await createTestProvider(t, { CLAVIGER_SIGNING_ALGS: algs.join(',') })
  await provider.createUser()
  const browser = await signIn(provider)
  const keys = createRemoteJWKSet(new URL(`${provider.issuer}/.well-known/jwks.json`))
  const currentDate = provider.clock.now()
  for (const alg of algs) {
    const client = await provider.createClient({ id_token_signed_response_alg: alg })
    const tokens = await obtainTokens(provider, browser, client, { scope: 'openid offline_access' })
    const rules = { issuer: provider.issuer, algorithms: [alg], currentDate }
    const idToken = await jwtVerify(tokens.id_token, keys, { ...rules, audience: client.clientId })
    t.equal(idToken.protectedHeader.alg, alg)
    const audience = provider.issuer
    const accessToken = await jwtVerify(tokens.access_token, keys, { ...rules, audience })
    t.equal(accessToken.protectedHeader.alg, alg)
  }
})

t.test('one that is not switched on cannot be registered, and is not advertised', async (t) => {
  const provider = await createTestProvider(t)
  await t.rejects(provider.createClient({ id_token_signed_response_alg: 'EdDSA' }), {
    name: 'Refusal',
    message: /id_token_signed_response_alg/,
  })
  const discovery = await fetch(`${provider.issuer}/.well-known/openid-configuration`)
  const { id_token_signing_alg_values_supported: supported } = (await discovery.json()) as Record<
    string,
    unknown
  >
  t.strictSame(supported, ['RS256', 'ES256'])
})

t.test(
  'caches may keep the JWKS as long as the lead allows, and longer in an outage',
  async (t) => {
    const provider = await createTestProvider(t, { CLAVIGER_JWKS_MAX_AGE_SECONDS: '120' })
    const { headers } = await fetch(`${provider.issuer}/.well-known/jwks.json`)
    t.equal(headers.get('cache-control'), 'public, max-age=120, stale-if-error=120')
    t.match(headers.get('etag'), /^"[\w-]+"$/)
  },
)
