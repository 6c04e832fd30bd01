/** The main job, through a client that nobody here wrote: sign in, get tokens, verify them by discovery and JWKS alone. */
import { createRemoteJWKSet, jwtVerify } from 'jose'
import * as client from 'openid-client'
import t from 'tap'
import { createTestProvider, password, redirectUri } from '../support/provider.ts'
import { createUserAgent } from '../support/user-agent.ts'

t.test(
  'openid-client signs a person in and verifies the tokens by discovery and JWKS',
  async (t) => {
    const provider = await createTestProvider(t)
    const user = await provider.createUser({ name: 'Alice' })
    const { clientId, secret } = await provider.createClient()
    const configuration = await client.discovery(
      new URL(provider.issuer),
      clientId,
      secret,
      client.ClientSecretBasic(secret),
      { execute: [client.allowInsecureRequests] },
    )
    const verifier = client.randomPKCECodeVerifier()
    const state = client.randomState()
    const nonce = client.randomNonce()
    const url = client.buildAuthorizationUrl(configuration, {
      redirect_uri: redirectUri,
      scope: 'openid profile email offline_access',
      code_challenge: await client.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      state,
      nonce,
    })

    const browser = createUserAgent(provider.issuer)
    const login = await browser.open(url.href)
    t.match(login.url, /\/login\?request=/)
    const consent = await browser.submit(login, { username: 'alice@example.com', password })
    t.match(consent.url, /\/consent\?request=/)
    const back = await browser.submit(consent, { decision: 'allow' })
    t.ok(back.url.startsWith(`${redirectUri}?code=`), 'back at the client with a code')

    const tokens = await client.authorizationCodeGrant(configuration, new URL(back.url), {
      pkceCodeVerifier: verifier,
      expectedState: state,
      expectedNonce: nonce,
      idTokenExpected: true,
    })
    t.equal(tokens.claims()?.sub, user.sub)
    const keys = createRemoteJWKSet(new URL(`${provider.issuer}/.well-known/jwks.json`))
    const { payload, protectedHeader } = await jwtVerify(tokens.access_token, keys, {
      issuer: provider.issuer,
      audience: provider.issuer,
      typ: 'at+jwt',
    })
    t.equal(payload.sub, user.sub)
    t.equal(protectedHeader.alg, 'RS256')

    const userinfo = await client.fetchUserInfo(configuration, tokens.access_token, user.sub)
    t.equal(userinfo.name, 'Alice')
    t.equal(userinfo.email, 'alice@example.com')

    const refreshed = await client.refreshTokenGrant(configuration, tokens.refresh_token!)
    t.not(refreshed.refresh_token, tokens.refresh_token)
    const introspected = await client.tokenIntrospection(configuration, refreshed.access_token)
    t.equal(introspected.active, true)
    await client.tokenRevocation(configuration, refreshed.refresh_token!)
    const after = await client.tokenIntrospection(configuration, refreshed.access_token)
    t.equal(after.active, false)
  },
)
