/** The whole flow through oauth4webapi, which checks every answer to the letter and forgives nothing. */
import { createHash } from 'node:crypto'
import * as oauth from 'oauth4webapi'
import t from 'tap'
import { createTestProvider, freePort, password, redirectUri } from '../support/provider.ts'
import { createUserAgent } from '../support/user-agent.ts'

const insecure = { [oauth.allowInsecureRequests]: true }

interface Variant {
  name: string
  /** The issuer's own path. */
  path: string
  metadata: object
  algorithm: 'oidc' | 'oauth2'
}

const variants: Variant[] = [
  {
    name: 'a confidential client, discovered as OpenID',
    path: '',
    metadata: {},
    algorithm: 'oidc',
  },
  {
    name: 'an ES256 client of an issuer with a path, discovered as OAuth (RFC 8414 §3.1)',
    path: '/auth/tenant',
    metadata: { id_token_signed_response_alg: 'ES256' },
    algorithm: 'oauth2',
  },
  {
    name: 'a public client of an issuer with a path, discovered as OpenID (Discovery §4)',
    path: '/auth',
    metadata: { token_endpoint_auth_method: 'none' },
    algorithm: 'oidc',
  },
]

for (const { name, path, metadata, algorithm } of variants)
  t.test(`oauth4webapi: ${name}`, async (t) => {
    const port = await freePort()
    const provider = await createTestProvider(t, {
      PORT: String(port),
      ISSUER: `http://127.0.0.1:${port}${path}`,
    })
    const issuer = new URL(provider.issuer)
    const user = await provider.createUser({ name: 'Alice' })
    const { clientId, secret, metadata: registered } = await provider.createClient(metadata)
    const client: oauth.Client = {
      client_id: clientId,
      id_token_signed_response_alg: registered.id_token_signed_response_alg,
      require_auth_time: true,
    }
    const authentication = secret === '' ? oauth.None() : oauth.ClientSecretBasic(secret)

    const server = await oauth.processDiscoveryResponse(
      issuer,
      await oauth.discoveryRequest(issuer, { algorithm, ...insecure }),
    )
    const endpoint = (url: string | undefined) => {
      t.ok(url?.startsWith(`${provider.issuer}/`))
      return url ?? ''
    }

    const verifier = oauth.generateRandomCodeVerifier()
    const [state, nonce] = [oauth.generateRandomState(), oauth.generateRandomNonce()]
    const url = new URL(endpoint(server.authorization_endpoint))
    url.search = new URLSearchParams({
      client_id: clientId,
      redirect_uri: redirectUri,
      response_type: 'code',
      scope: 'openid profile offline_access',
      code_challenge: createHash('sha256').update(verifier).digest('base64url'),
      code_challenge_method: 'S256',
      max_age: '300',
      state,
      nonce,
    }).toString()
    const browser = createUserAgent(provider.issuer)
    const login = await browser.open(url.href)
    const consent = await browser.submit(login, { username: 'alice@example.com', password })
    const back = await browser.submit(consent, { decision: 'allow' })

    const callback = oauth.validateAuthResponse(server, client, new URL(back.url), state)
    const response = await oauth.authorizationCodeGrantRequest(
      server,
      client,
      authentication,
      callback,
      redirectUri,
      verifier,
      insecure,
    )
    const tokens = await oauth.processAuthorizationCodeResponse(server, client, response, {
      expectedNonce: nonce,
      maxAge: 300,
      requireIdToken: true,
    })
    await oauth.validateApplicationLevelSignature(server, response, insecure)
    const claims = oauth.getValidatedIdTokenClaims(tokens)
    t.equal(claims?.sub, user.sub)

    const api = new Request('https://api.example/', {
      headers: { authorization: `Bearer ${tokens.access_token}` },
    })
    const accepted = await oauth.validateJwtAccessToken(server, api, provider.issuer, insecure)
    t.equal(accepted.client_id, clientId)

    const userinfo = await oauth.processUserInfoResponse(
      server,
      client,
      user.sub,
      await oauth.userInfoRequest(server, client, tokens.access_token, insecure),
    )
    t.equal(userinfo.name, 'Alice')

    const refreshed = await oauth.processRefreshTokenResponse(
      server,
      client,
      await oauth.refreshTokenGrantRequest(
        server,
        client,
        authentication,
        tokens.refresh_token ?? '',
        insecure,
      ),
    )
    t.equal(oauth.getValidatedIdTokenClaims(refreshed)?.sub, user.sub)

    const isActive = async () => {
      const answer = await oauth.introspectionRequest(
        server,
        client,
        authentication,
        refreshed.access_token,
        insecure,
      )
      return (await oauth.processIntrospectionResponse(server, client, answer)).active
    }
    if (secret !== '') t.equal(await isActive(), true)
    await oauth.processRevocationResponse(
      await oauth.revocationRequest(
        server,
        client,
        authentication,
        refreshed.refresh_token ?? '',
        insecure,
      ),
    )
    if (secret !== '') t.equal(await isActive(), false)

    const logout = new URL(endpoint(server.end_session_endpoint))
    logout.searchParams.set('id_token_hint', refreshed.id_token ?? '')
    t.equal((await browser.open(logout.href)).url, `${provider.issuer}/logged-out`)
  })
