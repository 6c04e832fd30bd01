// The small backend of a browser app ("backend for frontend"): it signs people in and calls the API for the page, so that
// no token ever reaches JavaScript. They travel in one cookie that is httpOnly and encrypted, so this server keeps nothing.
//
//   npx claviger clients create --file examples/browser-app/client.json
//   node examples/browser-app/server.mjs        # with an API such as examples/express-api.mjs running
import cookie from '@fastify/cookie'
import fastify from 'fastify'
import { EncryptJWT, jwtDecrypt } from 'jose'
import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import * as client from 'openid-client'

const issuer = process.env.ISSUER ?? 'http://localhost:3000'
const resource = 'https://orders.example.com'
const api = process.env.API ?? 'http://127.0.0.1:4001'
const port = Number(process.env.PORT ?? 4003)
const origin = process.env.ORIGIN ?? `http://localhost:${port}`
// Shared by all processes of this backend, 32 bytes in hexadecimal. Without it people sign in again after a restart.
const cookieKey = Buffer.from(process.env.COOKIE_KEY ?? randomBytes(32).toString('hex'), 'hex')

const configuration = await client.discovery(
  new URL(issuer),
  'browser-app',
  undefined,
  client.ClientSecretBasic(
    process.env.CLIENT_SECRET ?? 'a-secret-of-at-least-thirty-two-characters',
  ),
  { execute: issuer.startsWith('http:') ? [client.allowInsecureRequests] : [] },
)

const secure = origin.startsWith('https:')
const prefix = secure ? '__Host-' : ''
const cookies = { session: `${prefix}session`, signIn: `${prefix}sign-in` }
const cookieOptions = { path: '/', httpOnly: true, secure, sameSite: 'lax' }

const app = fastify()
await app.register(cookie)

for (const [path, file, type] of [
  ['/', 'index.html', 'text/html; charset=utf-8'],
  ['/app.js', 'app.js', 'text/javascript; charset=utf-8'],
]) {
  const content = await readFile(new URL(file, import.meta.url))
  app.get(path, (request, reply) =>
    reply
      .header('content-security-policy', "default-src 'self'; frame-ancestors 'none'")
      .type(type)
      .send(content),
  )
}

app.get('/sign-in', async (request, reply) => {
  const codeVerifier = client.randomPKCECodeVerifier()
  const state = client.randomState()
  const nonce = client.randomNonce()
  const url = client.buildAuthorizationUrl(configuration, {
    redirect_uri: `${origin}/callback`,
    scope: 'openid profile offline_access orders:read',
    resource,
    code_challenge: await client.calculatePKCECodeChallenge(codeVerifier),
    code_challenge_method: 'S256',
    state,
    nonce,
  })
  url.searchParams.append('resource', issuer) // for userinfo
  await setSealed(reply, cookies.signIn, { codeVerifier, state, nonce }, 600)
  return reply.redirect(url.href)
})

app.get('/callback', async (request, reply) => {
  const pending = await readSealed(request, cookies.signIn)
  reply.clearCookie(cookies.signIn, cookieOptions)
  if (!pending) return reply.redirect('/sign-in')
  if (request.query.error === 'access_denied') return reply.redirect('/')
  const tokens = await client.authorizationCodeGrant(
    configuration,
    new URL(request.url, origin),
    {
      pkceCodeVerifier: pending.codeVerifier,
      expectedState: pending.state,
      expectedNonce: pending.nonce,
      idTokenExpected: true,
    },
    { resource: issuer }, // no token is for both: the API could ask userinfo with it
  )
  const { sub } = tokens.claims()
  const { name = sub } = await client.fetchUserInfo(configuration, tokens.access_token, sub)
  await renew({ name, sub, refreshToken: tokens.refresh_token }, reply)
  return reply.redirect('/')
})

app.get('/api/me', async (request, reply) => {
  const session = await readSession(request, reply)
  return session && { name: session.name }
})

app.get('/api/orders', async (request, reply) => {
  const session = await readSession(request, reply)
  let answer = session && (await callApi('/orders', session))
  if (answer?.status === 401) {
    // Revoked before it expired. If the person may still go on, there is a new token.
    const renewed = await renewOrEnd(session, reply)
    answer = renewed && (await callApi('/orders', renewed))
  }
  return (
    answer &&
    reply
      .code(answer.status)
      .type('application/json')
      .send(await answer.text())
  )
})

function callApi(path, { accessToken }) {
  return fetch(api + path, { headers: { authorization: `Bearer ${accessToken}` } })
}

app.post('/sign-out', async (request, reply) => {
  requireOwnPage(request)
  const session = await readSealed(request, cookies.session)
  reply.clearCookie(cookies.session, cookieOptions)
  const url = client.buildEndSessionUrl(configuration, {
    post_logout_redirect_uri: `${origin}/`,
    client_id: 'browser-app',
    ...(session && { logout_hint: session.sub }),
  })
  return { location: url.href }
})

/** The session, its access token renewed when it has expired. Answers 401, and undefined, when there is none. */
async function readSession(request, reply) {
  requireOwnPage(request)
  const session = await readSealed(request, cookies.session)
  if (session && session.expiresAt > Date.now() + 5000) return session
  return renewOrEnd(session, reply)
}

async function renewOrEnd(session, reply) {
  const renewed = session && (await renew(session, reply))
  if (renewed) return renewed
  reply.clearCookie(cookies.session, cookieOptions)
  reply.code(401).send({ error: 'signed_out' })
  return undefined
}

/** Two requests may renew at once: the provider gives both the same successor for a short while. */
async function renew(session, reply) {
  try {
    const tokens = await client.refreshTokenGrant(configuration, session.refreshToken, {
      resource,
    })
    return await startSession(reply, { ...session, tokens })
  } catch (error) {
    if (error instanceof client.ResponseBodyError) return undefined // revoked, or expired
    throw error
  }
}

async function startSession(reply, { tokens, name, sub, refreshToken }) {
  const session = {
    name,
    sub,
    accessToken: tokens.access_token,
    refreshToken: tokens.refresh_token ?? refreshToken,
    expiresAt: Date.now() + tokens.expiresIn() * 1000,
  }
  await setSealed(reply, cookies.session, session, 30 * 86_400)
  return session
}

/** A form or a link on another site cannot set a header: this keeps its requests out, whatever cookies come with them. */
function requireOwnPage(request) {
  if (request.headers['x-requested-by'] === 'browser-app') return
  throw Object.assign(new Error('Send the header X-Requested-By.'), { statusCode: 403 })
}

async function setSealed(reply, name, content, maxAge) {
  const sealed = await new EncryptJWT(content)
    .setProtectedHeader({ alg: 'dir', enc: 'A256GCM' })
    .setAudience(name)
    .setExpirationTime(`${maxAge}s`)
    .encrypt(cookieKey)
  reply.setCookie(name, sealed, { ...cookieOptions, maxAge })
}

async function readSealed(request, name) {
  const sealed = request.cookies[name]
  if (sealed === undefined) return undefined
  try {
    return (await jwtDecrypt(sealed, cookieKey, { audience: name })).payload
  } catch {
    return undefined // of another key, or expired
  }
}

await app.listen({ port, host: 'localhost' })
console.log(`The browser app is served at ${origin}`)
process.once('SIGTERM', () => void app.close())
