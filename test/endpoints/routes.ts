/** Every route of the app with a request that is in order but for what a test adds, so that a new route needs a row here. */
import type { Test } from 'tap'
import { createAssets } from '../../src/http/assets.ts'
import { deviceCodeGrant } from '../../src/protocol/grant-types.ts'
import {
  authorizationUrl,
  obtainTokens,
  post,
  register,
  signIn,
  toTokens,
  type Party,
  type Tokens,
} from '../support/flow.ts'
import {
  createTestProvider,
  password,
  redirectUri,
  type TestProvider,
} from '../support/provider.ts'
import { formType, send, type Answer } from '../support/raw-http.ts'
import { exchangeGrant, jwtType } from '../support/token-exchange.ts'
import { createUserAgent, formOf, type UserAgent } from '../support/user-agent.ts'

const stylesheet = createAssets({ basePath: '' }).urlOf('claviger.css').replace('/assets/', '')

/** Of a person, or of a service by client_credentials. */
export type TokenKind = 'access_token' | 'refresh_token' | 'id_token' | 'service_token'

/** Where a route takes a token, and of which kinds. */
export interface Acceptance {
  /** `bearer` is the Authorization header, all others are parameters. */
  place: string
  kinds: readonly TokenKind[]
  /** What else the request has, where that is not what the row says. */
  parameters?: Record<string, string>
  /** `hasEffect`: something was written into the audit. */
  isAccepted(answer: Answer, hasEffect: boolean): boolean
}

/** All that a service may do here. */
export const serviceScope = 'global_token_revocation revocations'

export interface Route {
  /** As in the app's table: `POST /token`. */
  name: string
  /** Where the name has a parameter. */
  path?: string
  /** Where its parameters are; some have none, and so take no notice of any. */
  takes: 'query' | 'form' | 'json' | 'nothing'
  isPage: boolean
  headers?: Record<string, string>
  parameters: Record<string, string>
  /** Of a route that takes JSON. */
  body?: object
  /** Faults of these are told on our own page; of all others at the client (RFC 6749 §4.1.2.1). */
  untrusted?: string[]
  /** Every token that it looks at (revoked-tokens.test.ts). */
  accepts?: Acceptance[]
}

export interface World {
  provider: TestProvider
  client: Party
  /** Speaks for itself. */
  service: Party
  tokens: Tokens
  /** Signed in. */
  browser: UserAgent
  routes: Route[]
}

const isOk = ({ status }: Answer) => status === 200
const isRedirect = ({ status }: Answer) => status === 303

export async function createWorld(t: Test): Promise<World> {
  const provider = await createTestProvider(t, {
    CLAVIGER_REGISTRATION: 'open',
    CLAVIGER_SIGN_UP: 'on',
  })
  await provider.createUser()
  const service = await provider.createClient({
    grant_types: ['client_credentials'],
    redirect_uris: [],
    scope: serviceScope,
  })
  const client = await provider.createClient({
    post_logout_redirect_uris: [redirectUri],
    grant_types: ['authorization_code', 'refresh_token', deviceCodeGrant, exchangeGrant],
    token_exchange: {
      audiences: [provider.issuer],
      delegation: 'allowed',
      subject_clients: [service.clientId],
    },
  })
  const browser = await signIn(provider)
  const tokens = await obtainTokens(provider, browser, client, { scope: 'openid offline_access' })
  const serviceToken = await obtainServiceToken(provider, service)
  provider.clock.advance(1) // what comes now is later than the consent just given
  const url = authorizationUrl(provider, client, { prompt: 'consent' })
  const consent = formOf(await browser.open(url)).fields
  const stranger = createUserAgent(provider.issuer)
  const login = formOf(await stranger.open(authorizationUrl(provider, client))).fields
  const choosing = authorizationUrl(provider, client, { prompt: 'select_account' })
  const choice = formOf(await browser.open(choosing)).fields
  const signingUp = authorizationUrl(provider, client, { prompt: 'create' })
  const signUp = formOf(await stranger.open(signingUp)).fields
  const device = formOf(await browser.open(`${provider.issuer}/device`)).fields
  const logout = formOf(await browser.open(`${provider.issuer}/logout`)).fields

  const basic = Buffer.from(`${client.clientId}:${client.secret}`).toString('base64')
  const asClient = { authorization: `Basic ${basic}` }
  const asPerson = { cookie: cookieHeader(browser) }
  const request = Object.fromEntries(new URL(authorizationUrl(provider, client)).searchParams)
  const logoutRequest = {
    client_id: client.clientId,
    id_token_hint: tokens.id_token,
    post_logout_redirect_uri: redirectUri,
    state: 'the state',
  }
  const silent = { takes: 'nothing', parameters: {} } as const
  const page = { isPage: true }
  const json = { isPage: false }
  const untrusted = ['client_id', 'redirect_uri']
  const registration = { redirect_uris: [redirectUri] }
  const { body: registered } = await register(provider, registration)
  const ownPath = `/register/${String(registered['client_id'])}`
  const ofClient = { authorization: `Bearer ${String(registered['registration_access_token'])}` }

  const hint = { place: 'id_token_hint', kinds: ['id_token'] } as const
  const exchangeable = ['access_token', 'id_token', 'service_token'] as const
  const asBearer = { place: 'bearer', kinds: ['access_token'], isAccepted: isOk } as const

  const routes: Route[] = [
    { name: 'GET /.well-known/openid-configuration', ...silent, ...json },
    { name: 'GET /.well-known/oauth-authorization-server', ...silent, ...json },
    { name: 'GET /.well-known/jwks.json', ...silent, ...json },
    { name: 'GET /health/live', ...silent, ...json },
    { name: 'GET /health/ready', ...silent, ...json },
    { name: 'GET /assets/:file', ...silent, ...json },
    { name: 'GET /', ...silent, ...page, headers: asPerson },
    { name: 'GET /logged-out', ...silent, ...page },
    {
      name: 'GET /authorize',
      takes: 'query',
      ...page,
      parameters: request,
      untrusted,
      accepts: [
        {
          ...hint,
          isAccepted: ({ headers }) => (headers.get('location') ?? '').includes('code='),
        },
      ],
    },
    { name: 'POST /authorize', takes: 'form', ...page, parameters: request, untrusted },
    { name: 'POST /par', takes: 'form', ...json, headers: asClient, parameters: request },
    {
      name: 'POST /token',
      takes: 'form',
      ...json,
      headers: asClient,
      parameters: { grant_type: 'refresh_token', refresh_token: tokens.refresh_token },
      accepts: [
        { place: 'refresh_token', kinds: ['refresh_token'], isAccepted: isOk },
        {
          place: 'subject_token',
          kinds: exchangeable,
          parameters: { grant_type: exchangeGrant, subject_token_type: jwtType },
          isAccepted: isOk,
        },
        {
          place: 'actor_token',
          kinds: exchangeable,
          parameters: {
            grant_type: exchangeGrant,
            subject_token: tokens.access_token,
            subject_token_type: jwtType,
            actor_token_type: jwtType,
          },
          isAccepted: isOk,
        },
      ],
    },
    {
      name: 'POST /device_authorization',
      takes: 'form',
      ...json,
      headers: asClient,
      parameters: { scope: 'openid' },
    },
    {
      name: 'GET /userinfo',
      ...silent,
      ...json,
      headers: { authorization: `Bearer ${tokens.access_token}` },
      accepts: [asBearer],
    },
    {
      name: 'POST /userinfo',
      takes: 'form',
      ...json,
      parameters: { access_token: tokens.access_token },
      accepts: [
        { ...asBearer, parameters: {} },
        { ...asBearer, place: 'access_token' },
      ],
    },
    {
      name: 'POST /introspect',
      takes: 'form',
      ...json,
      headers: asClient,
      parameters: { token: tokens.access_token, token_type_hint: 'access_token' },
      accepts: [
        {
          place: 'token',
          kinds: ['access_token', 'refresh_token', 'service_token'],
          isAccepted: ({ body }) => body.startsWith('{"active":true'),
        },
      ],
    },
    {
      name: 'POST /revoke',
      takes: 'form',
      ...json,
      headers: asClient,
      parameters: { token: tokens.refresh_token, token_type_hint: 'refresh_token' },
      accepts: [
        {
          place: 'token',
          kinds: ['access_token', 'refresh_token'], // of this client
          isAccepted: (_, hasEffect) => hasEffect,
        },
      ],
    },
    {
      name: 'POST /global-token-revocation',
      takes: 'json',
      ...json,
      headers: { authorization: `Bearer ${serviceToken}` },
      parameters: {},
      body: { sub_id: { format: 'email', email: 'alice@example.com' } },
      accepts: [
        {
          place: 'bearer',
          kinds: ['service_token'],
          isAccepted: ({ status }, hasEffect) => status === 204 && hasEffect,
        },
      ],
    },
    {
      name: 'GET /revocations',
      takes: 'query',
      ...json,
      headers: { authorization: `Bearer ${serviceToken}` },
      parameters: { cursor: provider.services.revocationFeed.cursor() },
      accepts: [
        { place: 'bearer', kinds: ['service_token'], isAccepted: ({ status }) => status === 200 },
      ],
    },
    {
      name: 'POST /register',
      takes: 'json',
      ...json,
      parameters: {},
      body: registration,
    },
    { name: 'GET /register/:clientId', path: ownPath, ...silent, ...json, headers: ofClient },
    {
      name: 'PUT /register/:clientId',
      path: ownPath,
      takes: 'json',
      ...json,
      headers: ofClient,
      parameters: {},
      body: { ...registration, client_id: registered['client_id'] },
    },
    { name: 'DELETE /register/:clientId', path: ownPath, ...silent, ...json, headers: ofClient },
    { name: 'GET /login', takes: 'query', ...page, parameters: pick(login, 'request') },
    {
      name: 'POST /login',
      takes: 'form',
      ...page,
      headers: { cookie: cookieHeader(stranger) },
      parameters: { ...login, username: 'alice@example.com', password: 'wrong' },
    },
    {
      name: 'GET /select-account',
      takes: 'query',
      ...page,
      headers: asPerson,
      parameters: pick(choice, 'request'),
    },
    {
      name: 'POST /select-account',
      takes: 'form',
      ...page,
      headers: asPerson,
      parameters: { ...choice, account: 'this' },
    },
    {
      name: 'GET /create-account',
      takes: 'query',
      ...page,
      parameters: pick(signUp, 'request'),
    },
    {
      name: 'POST /create-account',
      takes: 'form',
      ...page,
      headers: { cookie: cookieHeader(stranger) },
      parameters: { ...signUp, email: 'alice@example.com', name: 'Alice', password },
    },
    {
      name: 'GET /consent',
      takes: 'query',
      ...page,
      headers: asPerson,
      parameters: pick(consent, 'request'),
    },
    {
      name: 'POST /consent',
      takes: 'form',
      ...page,
      headers: asPerson,
      parameters: { ...consent, decision: 'allow' },
    },
    {
      name: 'GET /device',
      takes: 'query',
      ...page,
      headers: asPerson,
      parameters: { user_code: 'BCDF-GHJK' },
    },
    {
      name: 'POST /device',
      takes: 'form',
      ...page,
      headers: asPerson,
      parameters: { ...device, user_code: 'BCDF-GHJK' },
    },
    {
      name: 'GET /logout',
      takes: 'query',
      ...page,
      headers: asPerson,
      parameters: logoutRequest,
      accepts: [{ ...hint, isAccepted: isRedirect }],
    },
    {
      name: 'POST /logout',
      takes: 'form',
      ...page,
      headers: asPerson,
      parameters: { ...logoutRequest, ...logout, decision: 'yes' },
      accepts: [{ ...hint, parameters: {}, isAccepted: isRedirect }],
    },
  ]
  return { provider, client, service, tokens, browser, routes }
}

export async function obtainServiceToken(provider: TestProvider, service: Party): Promise<string> {
  const form = { grant_type: 'client_credentials', scope: serviceScope }
  return toTokens(await post(provider, '/token', service, form)).access_token
}

/** `METHOD /path` of all that the app answers, HEAD left out where it goes with GET. */
export function routeNames(provider: Pick<TestProvider, 'app'>): string[] {
  const names: string[] = []
  const parents: string[] = []
  for (const line of provider.app.printRoutes({ commonPrefix: false }).split('\n')) {
    const [, indent = '', path = '', methods = ''] =
      /^((?:│ {3}| {4})*)[├└]── (\S+) \((.+)\)$/.exec(line) ?? []
    if (path === '') continue
    parents.splice(indent.length / 4)
    const parent = parents.join('') || '/'
    parents.push(path)
    const full = path.startsWith('/') ? parent.replace(/\/$/, '') + path : parent + path
    for (const method of methods.split(', ')) names.push(`${method} ${full}`)
  }
  return names.filter(
    (name) => !name.startsWith('HEAD ') || !names.includes(name.replace('HEAD', 'GET')),
  )
}

export function pathOf({ name, path }: Pick<Route, 'name' | 'path'>): string {
  return path ?? name.slice(name.indexOf(' ') + 1).replace(':file', stylesheet)
}

/** The route's request, its query or form as the test wrote it. */
export function sendTo(
  issuer: string,
  route: Route,
  { text, headers = {} }: { text: string | Buffer; headers?: Record<string, string> },
): Promise<Answer> {
  const [method = ''] = route.name.split(' ')
  const path = pathOf(route)
  const all = { ...route.headers, ...headers }
  if (route.takes === 'form')
    return send(issuer, { method, path, headers: { 'content-type': formType, ...all }, body: text })
  const query = `${path}?${text.toString()}`
  if (route.takes !== 'json') return send(issuer, { method, path: query, headers: all })
  const ofJson = { 'content-type': 'application/json', ...all }
  return send(issuer, { method, path: query, headers: ofJson, body: JSON.stringify(route.body) })
}

export function cookieHeader({ cookies }: UserAgent): string {
  return [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
}

function pick(fields: Record<string, string>, name: string): Record<string, string> {
  return { [name]: fields[name] ?? '' }
}
