/** Nearly valid requests by the hundred: never a 5xx, never a redirect to an unregistered place, never a token. */
import * as fc from 'fast-check'
import t from 'tap'
import { deviceCodeGrant, jwtBearerGrant } from '../../src/protocol/grant-types.ts'
import { authorizationUrl, obtainTokens, post, signIn } from '../support/flow.ts'
import { createTestProvider, redirectUri } from '../support/provider.ts'
import { send, type Answer } from '../support/raw-http.ts'
import { accessTokenType, exchangeGrant, jwtType } from '../support/token-exchange.ts'
import { createUserAgent, formOf } from '../support/user-agent.ts'
import { createJsonSeeds, requestOf } from './json-seeds.ts'
import { nearlyValid, nearlyValidJson, type Seed } from './near-valid.ts'
import { cookieHeader } from './routes.ts'

/** FUZZ_RUNS for a longer hunt; FUZZ_SEED and FUZZ_PATH, which fast-check prints, repeat a run that failed. */
const { FUZZ_RUNS: runs = '500', FUZZ_SEED: seed, FUZZ_PATH: path } = process.env
const settings = {
  numRuns: Number(runs),
  ...(seed !== undefined && { seed: Number(seed) }),
  ...(path !== undefined && { path }),
}

const provider = await createTestProvider(t, {
  CLAVIGER_RATE_LIMIT: 'off',
  CLAVIGER_SIGN_UP: 'on',
  CLAVIGER_REGISTRATION: 'open',
  CLAVIGER_AUTHORIZATION_DETAILS_TYPES: 'payment',
})
const { issuer } = provider
await provider.createUser()
const client = await provider.createClient({
  post_logout_redirect_uris: [redirectUri],
  scope: 'openid email offline_access reports',
  authorization_details_types: ['payment'],
  grant_types: [
    'authorization_code',
    'refresh_token',
    deviceCodeGrant,
    jwtBearerGrant,
    exchangeGrant,
  ],
  assertion_issuers: [
    { issuer, jwks: JSON.parse(provider.services.keyring.jwks().body), subject: 'sub' },
  ],
  token_exchange: { audiences: [issuer], delegation: 'allowed' },
})
const browser = await signIn(provider)
const tokens = await obtainTokens(provider, browser, client, { scope: 'openid offline_access' })
const elsewhere = await obtainTokens(provider, await signIn(provider), client)
const stranger = createUserAgent(issuer)
const login = formOf(await stranger.open(authorizationUrl(provider, client))).fields
const other = await provider.createClient({ post_logout_redirect_uris: [redirectUri] })
const consent = formOf(await browser.open(authorizationUrl(provider, other))).fields
const device = formOf(await browser.open(`${issuer}/device`)).fields
const pushed = await post(provider, '/par', other, requestOf(provider, other))
const basic = Buffer.from(`${client.clientId}:${client.secret}`).toString('base64')

/** Where each endpoint may send a browser. */
const ownPath =
  /^\/(?:authorize\?|login\?|consent\?|select-account\?|create-account\?|logged-out$|$)/

/** Requests in order, but for something that makes them worth nothing: no code, no right password, no consent. */
const seeds: Seed[] = [
  { path: '/authorize', methods: ['GET', 'POST'], parameters: requestOf(provider, client) },
  {
    path: '/authorize',
    methods: ['GET'],
    parameters: { ...requestOf(provider, other), id_token_hint: tokens.id_token, prompt: 'none' },
    headers: { cookie: cookieHeader(browser) },
  },
  {
    path: '/authorize',
    methods: ['GET', 'POST'],
    parameters: {
      client_id: other.clientId,
      request_uri: `urn:ietf:params:oauth:request_uri:${consent['request']}`,
    },
    headers: { cookie: cookieHeader(browser) },
  },
  {
    path: '/login',
    methods: ['GET', 'POST'],
    parameters: {
      ...login,
      request: String(pushed.body['request_uri']).split(':').at(-1) ?? '',
      decision: 'deny',
    },
    headers: { cookie: cookieHeader(stranger) },
  },
  {
    path: '/par',
    methods: ['POST'],
    parameters: requestOf(provider, client),
    headers: { authorization: `Basic ${basic}` },
  },
  {
    path: '/consent',
    methods: ['GET', 'POST'],
    parameters: { ...consent, csrf: 'x', decision: 'allow' },
    headers: { cookie: cookieHeader(browser) },
  },
  {
    path: '/select-account',
    methods: ['GET', 'POST'],
    parameters: { request: consent['request'] ?? '', csrf: 'x', account: 'this' },
    headers: { cookie: cookieHeader(browser) },
  },
  {
    path: '/create-account',
    methods: ['GET', 'POST'],
    parameters: { ...login, email: 'alice@example.com', name: 'A', password: 'short' },
    headers: { cookie: cookieHeader(stranger) },
  },
  {
    path: '/token',
    methods: ['POST'],
    parameters: {
      grant_type: 'authorization_code',
      code: 'unknown',
      redirect_uri: redirectUri,
      code_verifier: 'v'.repeat(43),
      refresh_token: tokens.refresh_token.replace(/.$/, ''),
      scope: 'openid',
      resource: issuer,
    },
    headers: { authorization: `Basic ${basic}` },
  },
  {
    path: '/token',
    methods: ['POST'],
    parameters: {
      grant_type: exchangeGrant,
      subject_token: tokens.access_token.replace(/.$/, ''),
      subject_token_type: jwtType,
      actor_token: tokens.access_token,
      actor_token_type: accessTokenType,
      requested_token_type: accessTokenType,
      audience: issuer,
      authorization_details: '[]',
    },
    headers: { authorization: `Basic ${basic}` },
  },
  {
    path: '/token',
    methods: ['POST'],
    parameters: { grant_type: deviceCodeGrant, device_code: 'unknown', resource: issuer },
    headers: { authorization: `Basic ${basic}` },
  },
  {
    path: '/token',
    methods: ['POST'],
    parameters: { grant_type: jwtBearerGrant, assertion: tokens.access_token, scope: 'reports' },
    headers: { authorization: `Basic ${basic}` },
  },
  {
    path: '/device_authorization',
    methods: ['POST'],
    parameters: { scope: 'openid email', resource: issuer },
    headers: { authorization: `Basic ${basic}` },
  },
  {
    path: '/device',
    methods: ['GET', 'POST'],
    parameters: { ...device, user_code: 'BCDF-GHJK' },
    headers: { cookie: cookieHeader(browser) },
  },
  {
    path: '/device',
    methods: ['GET', 'POST'],
    parameters: { ...device, user_code: 'BCDF-GHJK', decision: 'allow' },
    headers: { cookie: cookieHeader(browser) },
  },
  {
    path: '/login',
    methods: ['GET', 'POST'],
    parameters: { ...login, username: 'alice@example.com', password: 'wrong' },
    headers: { cookie: cookieHeader(stranger) },
  },
  {
    path: '/logout',
    methods: ['GET', 'POST'],
    parameters: {
      client_id: client.clientId,
      id_token_hint: elsewhere.id_token, // ends that session, not the one used here
      post_logout_redirect_uri: redirectUri,
      state: 'x',
      csrf: 'x',
      decision: 'yes',
    },
  },
  {
    path: '/introspect',
    methods: ['POST'],
    parameters: { token: tokens.access_token.replace(/.$/, ''), token_type_hint: 'access_token' },
    headers: { authorization: `Basic ${basic}` },
  },
  {
    path: '/revoke',
    methods: ['POST'],
    parameters: { token: tokens.access_token, token_type_hint: 'refresh_token' },
    headers: { authorization: `Basic ${basic}` },
  },
  {
    path: '/userinfo',
    methods: ['GET', 'POST'],
    parameters: { access_token: tokens.id_token },
    headers: { authorization: `Bearer ${tokens.id_token}` },
  },
]

const jsonSeeds = await createJsonSeeds(provider, { browser, accessToken: tokens.access_token })
const requests = fc.oneof(
  { weight: 3, arbitrary: nearlyValid(seeds) },
  { weight: 2, arbitrary: nearlyValidJson(jsonSeeds) },
)

t.test('whatever is nearly a valid request is refused in order', async (t) => {
  const statuses: Record<string, number> = {}
  await fc.assert(
    fc.asyncProperty(requests, async (request) => {
      const answer = await send(issuer, request)
      const key = `${request.path.split('?', 1)[0]} ${answer.status}`
      statuses[key] = (statuses[key] ?? 0) + 1
      const fault = findFault(answer)
      if (fault !== undefined) throw new Error(`${fault}: ${JSON.stringify({ request, answer })}`)
    }),
    settings,
  )
  t.comment(statuses)
  for (const path of new Set([...seeds, ...jsonSeeds].map(({ path }) => path)))
    t.ok(
      Object.keys(statuses).some((key) => key.startsWith(`${path} `)),
      `${path} had its share`,
    )
})

t.test('and afterwards everything is as it was', async (t) => {
  const faults = provider.logged.filter(({ level }) => Number(level) >= 50)
  t.strictSame(faults, [], 'nothing was logged as an error')
  t.equal((await send(issuer, { path: '/health/ready' })).status, 200)
  const rows = await provider.database.query<{ n: number }>(
    'select count(*) as n from refresh_families',
  )
  t.strictSame(rows, [{ n: 1 }])
})

function findFault({ status, headers, body }: Answer): string | undefined {
  const location = headers.get('location')
  const cookies = headers.getSetCookie()
  if (status >= 500) return 'a 5xx'
  if (location !== null && !ownPath.test(location) && !isClientUri(location))
    return 'a foreign redirect'
  if (location?.includes('code=') || holdsCode(location)) return 'a code'
  if (/name="code"|name="response" value="(?!ey[^"]*")/.test(body)) return 'a code in a form'
  if (/"(?:access|refresh|id)_token":"|"active":true|"sub":/.test(body)) return 'a token'
  if (cookies.some((line) => /session=[^;]/.test(line))) return 'a session'
  if (/<form[^>]* action="(?!\/|http:\/\/localhost:9999\/callback")/.test(body))
    return 'a foreign form'
  if (/\bat .+:\d+:\d+/.test(body)) return 'a stack trace'
  if (status < 400) return undefined
  const isJson = headers.get('content-type')?.startsWith('application/json') ?? false
  if (isJson && !/^\{"error":"\w+","error_description":"[^"]+"/.test(body))
    return 'an unknown shape'
  return undefined
}

/** In a signed response (JARM §2.1). */
function holdsCode(location: string | null): boolean {
  const [, payload] = /[?#&]response=[\w-]+\.([\w-]+)/.exec(location ?? '') ?? []
  return payload !== undefined && 'code' in JSON.parse(Buffer.from(payload, 'base64url').toString())
}

/** The registered one, alone or with our answer or the state behind it. */
function isClientUri(location: string): boolean {
  if (!location.startsWith(redirectUri)) return false
  return /^(?:$|[?#](?:error|state|response)=)/.test(location.slice(redirectUri.length))
}
