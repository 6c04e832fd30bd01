/** Services that speak for themselves (RFC 6749 §4.4), and every way in which a client authenticates, by openid-client. */
import { decodeJwt, exportJWK, generateKeyPair } from 'jose'
import * as client from 'openid-client'
import t from 'tap'
import { createRunningClock } from '../support/clock.ts'
import { authorize, introspect, post, signIn, userinfo, verifier } from '../support/flow.ts'
import { createTestProvider, redirectUri } from '../support/provider.ts'

t.test('client credentials and client authentication', async (t) => {
  // The client dates its assertions by the real clock.
  const provider = await createTestProvider(t, {}, { clock: createRunningClock() })
  const { issuer } = provider
  const service = {
    redirect_uris: [],
    grant_types: ['client_credentials'],
    scope: 'orders:read orders:write',
  }
  const es256 = await generateKeyPair('ES256', { extractable: true })
  const jwks = { keys: [{ ...(await exportJWK(es256.publicKey)), kid: 'mine', alg: 'ES256' }] }

  function discover(clientId: string, authentication: client.ClientAuth) {
    const options = { execute: [client.allowInsecureRequests] }
    return client.discovery(new URL(issuer), clientId, undefined, authentication, options)
  }
  const refusal = async (clientId: string, authentication: client.ClientAuth) =>
    client.clientCredentialsGrant(await discover(clientId, authentication)).then(
      () => 'not refused',
      (error: unknown) => error,
    )
  const token = (party: { clientId: string; secret: string }, fields = {}) =>
    post(provider, '/token', party, { grant_type: 'client_credentials', ...fields })

  t.test(
    'gives a token about the client itself, and no refresh token (RFC 6749 §4.4.3)',
    async (t) => {
      const party = await provider.createClient({ ...service, custom_claims: { tenant: 'acme' } })
      const seconds = () => Math.floor(provider.clock.now().getTime() / 1000)
      const before = seconds()
      const answer = await token(party, { scope: 'orders:read' })
      t.equal(answer.status, 200)
      t.equal(answer.headers.get('cache-control'), 'no-store')
      const { access_token: accessToken, ...rest } = answer.body
      t.strictSame(rest, { token_type: 'Bearer', expires_in: 600, scope: 'orders:read' })
      const { jti, iat = 0, ...claims } = decodeJwt(String(accessToken))
      t.ok(iat >= before && iat <= seconds())
      t.match(jti, /^[\da-f-]{36}$/)
      t.strictSame(claims, {
        tenant: 'acme',
        iss: issuer,
        sub: party.clientId,
        aud: issuer,
        exp: iat + 600,
        client_id: party.clientId,
        scope: 'orders:read',
      })
      t.match(await introspect(provider, party, String(accessToken)), {
        active: true,
        sub: party.clientId,
      })
      t.match(await userinfo(provider, String(accessToken)), {
        status: 403,
        body: { error: 'insufficient_scope' },
      })
    },
  )

  t.test('without a scope the token has none', async (t) => {
    const { body } = await token(await provider.createClient(service))
    t.notOk('scope' in body)
    t.notOk('scope' in decodeJwt(String(body['access_token'])))
  })

  t.test("refuses scopes that are not the client's or are about a user", async (t) => {
    const party = await provider.createClient({ ...service, scope: 'orders:read openid email' })
    for (const scope of ['orders:write', 'openid', 'email', 'orders:read profile', 'a"b'])
      t.match(await token(party, { scope }), { status: 400, body: { error: 'invalid_scope' } })
  })

  t.test('can be for a registered API only (RFC 8707)', async (t) => {
    const party = await provider.createClient(service)
    const resource = 'https://api.example'
    t.match(await token(party, { resource }), { status: 400, body: { error: 'invalid_target' } })
    await provider.services.resources.create({ resource, name: 'API', scopes: ['orders:read'] })
    const { body } = await token(party, { resource, scope: 'orders:read orders:write' })
    t.equal(body['scope'], 'orders:read')
    t.equal(decodeJwt(String(body['access_token'])).aud, resource)
  })

  t.test('is for clients that are registered for it', async (t) => {
    t.match(await token(await provider.createClient()), {
      status: 400,
      body: { error: 'unauthorized_client' },
    })
    const { metadata, ...unknown } = await provider.createClient(service)
    t.match(await token({ ...unknown, clientId: 'unknown' }), {
      status: 401,
      body: { error: 'invalid_client' },
    })
    t.strictSame(metadata.response_types, [])
  })

  t.test('client_secret_basic, client_secret_post and private_key_jwt', async (t) => {
    const odd = 'secret with: odd+characters%, "quotes" & more/='
    for (const [method, secret] of [
      ['client_secret_basic', undefined],
      ['client_secret_basic', odd],
      ['client_secret_post', odd],
    ] as const) {
      const metadata = { ...service, token_endpoint_auth_method: method, client_secret: secret }
      const party = await provider.createClient(metadata)
      const [right, wrong] =
        method === 'client_secret_basic'
          ? [client.ClientSecretBasic(party.secret), client.ClientSecretBasic('wrong')]
          : [client.ClientSecretPost(party.secret), client.ClientSecretPost('wrong')]
      const tokens = await client.clientCredentialsGrant(await discover(party.clientId, right))
      t.equal(tokens.token_type, 'bearer')
      t.match(await refusal(party.clientId, wrong), { status: 401 })
    }

    const metadata = { ...service, token_endpoint_auth_method: 'private_key_jwt', jwks }
    const { clientId } = await provider.createClient(metadata)
    const key = client.PrivateKeyJwt({ key: es256.privateKey, kid: 'mine' })
    t.ok(await client.clientCredentialsGrant(await discover(clientId, key)))
    const stolen = client.PrivateKeyJwt((await generateKeyPair('ES256')).privateKey)
    t.match(await refusal(clientId, stolen), { status: 401, error: 'invalid_client' })
  })

  t.test('another method than the registered one is refused', async (t) => {
    const party = await provider.createClient(service)
    const posted = client.ClientSecretPost(party.secret)
    t.match(await refusal(party.clientId, posted), { status: 401, error: 'invalid_client' })
  })

  t.test('none: a public client signs in with its client_id and PKCE alone', async (t) => {
    await provider.createUser()
    const party = await provider.createClient({
      skip_consent: true,
      token_endpoint_auth_method: 'none',
    })
    const configuration = await discover(party.clientId, client.None())
    const browser = await signIn(provider)
    const answer = await authorize(provider, browser, party)
    const tokens = await client.authorizationCodeGrant(
      configuration,
      new URL(`${redirectUri}?${new URLSearchParams(answer).toString()}`),
      { pkceCodeVerifier: verifier, expectedState: 'the state', expectedNonce: 'the nonce' },
    )
    t.equal(tokens.claims()?.aud, party.clientId)
  })

  t.test('private_key_jwt signs in a person as well', async (t) => {
    const party = await provider.createClient({
      skip_consent: true,
      token_endpoint_auth_method: 'private_key_jwt',
      jwks,
    })
    const configuration = await discover(
      party.clientId,
      client.PrivateKeyJwt({ key: es256.privateKey, kid: 'mine' }),
    )
    const answer = await authorize(provider, await signIn(provider), party)
    const tokens = await client.authorizationCodeGrant(
      configuration,
      new URL(`${redirectUri}?${new URLSearchParams(answer).toString()}`),
      { pkceCodeVerifier: verifier, expectedState: 'the state', expectedNonce: 'the nonce' },
    )
    t.match(await client.tokenIntrospection(configuration, tokens.access_token), { active: true })
    await client.tokenRevocation(configuration, tokens.access_token)
    t.match(await client.tokenIntrospection(configuration, tokens.access_token), { active: false })
  })
})
