/** Pushed and signed requests and signed responses, through a client that nobody here wrote. */
import { exportJWK, generateKeyPair } from 'jose'
import * as client from 'openid-client'
import t from 'tap'
import { createRunningClock } from '../support/clock.ts'
import { createTestProvider, password, redirectUri } from '../support/provider.ts'
import { createUserAgent } from '../support/user-agent.ts'

t.test('openid-client pushes a signed request, and verifies the signed response', async (t) => {
  // The client dates what it signs by the real clock.
  const provider = await createTestProvider(t, {}, { clock: createRunningClock() })
  const user = await provider.createUser()
  const { publicKey, privateKey } = await generateKeyPair('ES256')
  const { clientId } = await provider.createClient({
    token_endpoint_auth_method: 'private_key_jwt',
    jwks: { keys: [{ ...(await exportJWK(publicKey)), kid: 'own' }] },
    require_pushed_authorization_requests: true,
    require_signed_request_object: true,
    request_object_signing_alg: 'ES256',
    authorization_signed_response_alg: 'ES256',
  })
  const key = { key: privateKey, kid: 'own' }
  const configuration = await client.discovery(
    new URL(provider.issuer),
    clientId,
    { authorization_signed_response_alg: 'ES256' },
    client.PrivateKeyJwt(key),
    { execute: [client.allowInsecureRequests, client.useJwtResponseMode] },
  )
  const verifier = client.randomPKCECodeVerifier()
  const [state, nonce] = [client.randomState(), client.randomNonce()]
  const request = {
    redirect_uri: redirectUri,
    scope: 'openid offline_access',
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state,
    nonce,
  }
  const signed = await client.buildAuthorizationUrlWithJAR(configuration, request, key)
  const pushed = await client.buildAuthorizationUrlWithPAR(configuration, signed.searchParams)
  t.strictSame(new Set(pushed.searchParams.keys()), new Set(['client_id', 'request_uri']))

  const browser = createUserAgent(provider.issuer)
  const login = await browser.open(pushed.href)
  const consent = await browser.submit(login, { username: 'alice@example.com', password })
  const back = new URL((await browser.submit(consent, { decision: 'allow' })).url)
  t.strictSame([...back.searchParams.keys()], ['response'])

  const tokens = await client.authorizationCodeGrant(configuration, back, {
    pkceCodeVerifier: verifier,
    expectedState: state,
    expectedNonce: nonce,
    idTokenExpected: true,
  })
  t.equal(tokens.claims()?.sub, user.sub)
})
