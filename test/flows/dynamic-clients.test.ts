/** Clients register themselves by the libraries that people use, unmodified (RFC 7591). */
import { exportJWK, generateKeyPair } from 'jose'
import * as oauth from 'oauth4webapi'
import * as openid from 'openid-client'
import t from 'tap'
import { createRunningClock } from '../support/clock.ts'
import { proceed, sendRegistration } from '../support/flow.ts'
import { createTestProvider, freePort, redirectUri } from '../support/provider.ts'
import { createUserAgent } from '../support/user-agent.ts'

const insecure = { [oauth.allowInsecureRequests]: true }
const metadata = {
  client_name: 'Registered by a library',
  redirect_uris: [redirectUri],
  grant_types: ['authorization_code', 'refresh_token'],
  response_types: ['code'],
}

const { publicKey, privateKey } = await generateKeyPair('RS256')
const jwks = { keys: [{ ...(await exportJWK(publicKey)), kid: 'own', use: 'sig' }] }

const methods: [name: string, more: object, authentication?: openid.ClientAuth][] = [
  ['client_secret_basic', {}, openid.ClientSecretBasic()],
  ['client_secret_post', {}], // openid-client's own default
  ['private_key_jwt', { jwks }, openid.PrivateKeyJwt(privateKey)], // as in the plan oidcc-dynamic
  ['none', {}],
]

for (const [method, more, authentication] of methods)
  t.test(`openid-client: dynamicClientRegistration with ${method}, and the flow`, async (t) => {
    const provider = await createTestProvider(
      t,
      { CLAVIGER_REGISTRATION: 'open' },
      { clock: createRunningClock() }, // the library dates its assertions by the real one
    )
    await provider.createUser({ name: 'Alice' })
    const config = await openid.dynamicClientRegistration(
      new URL(provider.issuer),
      { ...metadata, ...more, token_endpoint_auth_method: method },
      authentication,
      { execute: [openid.allowInsecureRequests] },
    )
    const verifier = openid.randomPKCECodeVerifier()
    const [state, nonce] = [openid.randomState(), openid.randomNonce()]
    const url = openid.buildAuthorizationUrl(config, {
      redirect_uri: redirectUri,
      scope: 'openid profile offline_access',
      code_challenge: await openid.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      state,
      nonce,
    })
    const browser = createUserAgent(provider.issuer)
    const arrived = await proceed(browser, await browser.open(url.href))
    const tokens = await openid.authorizationCodeGrant(config, new URL(arrived.url), {
      pkceCodeVerifier: verifier,
      expectedState: state,
      expectedNonce: nonce,
    })
    const sub = tokens.claims()?.sub ?? ''
    t.match(await openid.fetchUserInfo(config, tokens.access_token, sub), { name: 'Alice' })
    const refreshed = await openid.refreshTokenGrant(config, tokens.refresh_token ?? '')
    t.type(refreshed.access_token, 'string')
  })

t.test('oauth4webapi: by an initial access token, at an issuer with a path', async (t) => {
  const port = String(await freePort())
  const provider = await createTestProvider(t, {
    CLAVIGER_REGISTRATION: 'token',
    PORT: port,
    ISSUER: `http://127.0.0.1:${port}/auth`,
  })
  const issuer = new URL(provider.issuer)
  const server = await oauth.processDiscoveryResponse(
    issuer,
    await oauth.discoveryRequest(issuer, insecure),
  )
  const { secret } = await provider.services.initialAccessTokens.create(
    { ttlSeconds: 60 },
    { actor: 'ada' },
  )
  const register = async (options: { initialAccessToken?: string }, redirectUris = [redirectUri]) =>
    oauth.processDynamicClientRegistrationResponse(
      await oauth.dynamicClientRegistrationRequest(
        server,
        { ...metadata, redirect_uris: redirectUris },
        { ...insecure, ...options },
      ),
    )
  const client = await register({ initialAccessToken: secret })
  t.match(client, { ...metadata, client_id: String, client_secret_expires_at: 0 })
  const url = `${provider.issuer}/register/${client.client_id}`
  t.equal(client['registration_client_uri'], url)
  const token = JSON.stringify(client['registration_access_token']).slice(1, -1)
  t.match(await sendRegistration(url, 'GET', { token }), { status: 200, body: metadata })
  await t.rejects(register({}), { cause: [{ scheme: 'bearer' }], status: 401 })
  const refused = register({ initialAccessToken: secret }, [`${redirectUri}#f`])
  const error: unknown = await refused.catch((reason: unknown) => reason)
  t.match(error, { error: 'invalid_redirect_uri', status: 400 })
})
