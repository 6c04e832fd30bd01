/** The verifier at a whole Claviger. */
import t from 'tap'
import { createVerifier } from '../../src/verifier/verifier.ts'
import { obtainTokens, post, signIn } from '../support/flow.ts'
import { createTestProvider } from '../support/provider.ts'
import { codeOf } from './test-issuer.ts'

t.test('the access tokens of Claviger are verified without asking it about each', async (t) => {
  const provider = await createTestProvider(t)
  const { issuer, clock } = provider
  const requests: string[] = []
  const verifier = createVerifier({
    issuer,
    audience: issuer,
    revocations: 'off',
    now: () => clock.now().getTime(),
    fetch(url, init) {
      requests.push(url)
      return fetch(url, init)
    },
  })
  await verifier.ready()

  const service = await provider.createClient({
    redirect_uris: [],
    grant_types: ['client_credentials'],
    scope: 'orders:read orders:write',
    custom_claims: { tenant: 'acme' },
  })
  const { body } = await post(provider, '/token', service, {
    grant_type: 'client_credentials',
    scope: 'orders:read',
  })
  const ofService = String(body['access_token'])
  const { claims } = await verifier.verify(ofService, {
    scopes: ['orders:read'],
    claims: { tenant: 'acme' },
  })
  t.match(claims, { client_id: service.clientId, sub: service.clientId, scope: 'orders:read' })
  t.equal(
    await codeOf(verifier.verify(ofService, { scopes: ['orders:write'] })),
    'scope_insufficient',
  )

  const user = await provider.createUser()
  const app = await provider.createClient()
  const tokens = await obtainTokens(provider, await signIn(provider), app)
  t.match(await verifier.verify(tokens.access_token), {
    claims: { sub: user.sub, client_id: app.clientId, sid: String, grant_id: String },
    header: { typ: 'at+jwt' },
  })
  t.equal(await codeOf(verifier.verify(tokens.id_token)), 'token_type', 'no ID token')
  t.equal(requests.length, 2, 'the metadata and the keys')

  clock.advance(605)
  t.equal(await codeOf(verifier.verify(tokens.access_token)), 'token_expired')
})

t.test('a key that signs from now on is known before its first token', async (t) => {
  const provider = await createTestProvider(t)
  const { issuer, clock, services } = provider
  const verifier = createVerifier({
    issuer,
    audience: issuer,
    revocations: 'off',
    now: () => clock.now().getTime(),
  })
  const service = await provider.createClient({
    redirect_uris: [],
    grant_types: ['client_credentials'],
  })
  const kids = new Set<string | undefined>()
  for (let days = 0; days < 100; days += 10) {
    const { body } = await post(provider, '/token', service, { grant_type: 'client_credentials' })
    const { header } = await verifier.verify(String(body['access_token']))
    kids.add(header.kid)
    clock.advance(10 * 86_400)
    await services.rotation.runDue()
    await services.keyring.load()
  }
  t.ok(kids.size > 1)
})
