// Signs a person in with a stock OpenID Connect client, then verifies the tokens with nothing but the issuer's discovery
// document and JWKS. First: npx claviger clients create --file examples/client.json. Then: node examples/sign-in.mjs
import { once } from 'node:events'
import { createServer } from 'node:http'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import * as client from 'openid-client'

const issuer = process.env.ISSUER ?? 'http://localhost:3000'
const configuration = await client.discovery(new URL(issuer), 'walk', undefined, client.None(), {
  execute: issuer.startsWith('http:') ? [client.allowInsecureRequests] : [],
})

// A native app: it listens on any free port of the loopback address (RFC 8252 §7.3).
const app = createServer().listen(0, '127.0.0.1')
await once(app, 'listening')
const redirectUri = `http://127.0.0.1:${app.address().port}/callback`

const verifier = client.randomPKCECodeVerifier()
const state = client.randomState()
const url = client.buildAuthorizationUrl(configuration, {
  redirect_uri: redirectUri,
  scope: 'openid profile email offline_access',
  state,
  code_challenge: await client.calculatePKCECodeChallenge(verifier),
  code_challenge_method: 'S256',
})
console.log(`Open this in a browser and sign in:\n\n${url.href}\n`)

const [request, response] = await once(app, 'request')
response.setHeader('connection', 'close').end('Signed in. Look at the terminal.')
app.close()

const tokens = await client.authorizationCodeGrant(
  configuration,
  new URL(request.url, redirectUri),
  {
    pkceCodeVerifier: verifier,
    expectedState: state,
    idTokenExpected: true,
  },
)
console.log('ID token:', tokens.claims())

// What any service does that gets the access token.
const keys = createRemoteJWKSet(new URL(configuration.serverMetadata().jwks_uri))
const { payload, protectedHeader } = await jwtVerify(tokens.access_token, keys, {
  issuer,
  audience: issuer,
  typ: 'at+jwt',
  algorithms: ['RS256', 'ES256'],
})
console.log('Access token:', protectedHeader, payload)

console.log(
  'Userinfo:',
  await client.fetchUserInfo(configuration, tokens.access_token, payload.sub),
)

const refreshed = await client.refreshTokenGrant(configuration, tokens.refresh_token)
console.log('Refreshed: a new access token for', refreshed.expires_in, 'seconds')
