/** The seeds of the fuzz test that have JSON: registrations, request objects, claims, authorization details, and proofs. */
import { exportJWK, generateKeyPair } from 'jose'
import { createHash, sign, type KeyObject } from 'node:crypto'
import { authorizationUrl, register, type Party } from '../support/flow.ts'
import { redirectUri, type TestProvider } from '../support/provider.ts'
import type { UserAgent } from '../support/user-agent.ts'
import type { JsonSeed } from './near-valid.ts'
import { cookieHeader } from './routes.ts'

const encode = (text: string) => Buffer.from(text).toString('base64url')

export async function createJsonSeeds(
  provider: TestProvider,
  { browser, accessToken }: { browser: UserAgent; accessToken: string },
): Promise<JsonSeed[]> {
  const { issuer } = provider
  const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true })
  const jwk = { ...(await exportJWK(publicKey)), kid: 'signing', alg: 'ES256' }
  const client = await provider.createClient({
    scope: 'openid email offline_access',
    authorization_details_types: ['payment'],
    jwks: { keys: [jwk] },
  })
  const { body: registered } = await register(provider, { redirect_uris: [redirectUri] })
  const basic = Buffer.from(`${client.clientId}:${client.secret}`).toString('base64')
  const asClient = { authorization: `Basic ${basic}` }
  // Nobody has allowed this client anything: a request in order ends at the consent page.
  const asPerson = { cookie: cookieHeader(browser) }
  const request = requestOf(provider, client)

  /** Whatever the text is: only a request that is in order in all else gets to it. */
  const toJwt = (header: object, text: string) => {
    const signed = `${encode(JSON.stringify(header))}.${encode(text)}`
    const key = privateKey as unknown as KeyObject
    const options = { key, dsaEncoding: 'ieee-p1363' } as const
    return `${signed}.${sign('sha256', Buffer.from(signed), options).toString('base64url')}`
  }
  const asObject = (text: string) => toJwt({ alg: 'ES256', kid: 'signing' }, text)
  const seconds = Math.floor(provider.clock.now().getTime() / 1000)
  const object = {
    ...request,
    iss: client.clientId,
    aud: issuer,
    exp: seconds + 300,
    nbf: seconds,
    claims: { userinfo: { email: { essential: true } }, id_token: { sub: { value: 'x' } } },
    authorization_details: [{ type: 'payment', actions: ['pay'] }],
    max_age: 3600,
  }
  const claims = {
    userinfo: { email: { essential: true }, name: null },
    id_token: { acr: { values: ['1'] }, auth_time: { essential: true } },
  }
  const detail = { type: 'payment', locations: [issuer], actions: ['pay'], amount: { is: 1 } }
  const metadata = {
    redirect_uris: [redirectUri],
    client_name: 'Fuzz',
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    token_endpoint_auth_method: 'private_key_jwt',
    token_endpoint_auth_signing_alg: 'ES256',
    jwks: { keys: [jwk] },
    contacts: ['a@example.com'],
    scope: 'openid email',
    default_max_age: 60,
    default_acr_values: ['1'],
    initiate_login_uri: 'https://app.example/login',
    logo_uri: 'https://app.example/logo.png',
    backchannel_logout_uri: 'https://app.example/logout',
  }
  const proofHeader = { typ: 'dpop+jwt', alg: 'ES256', jwk }
  const prove = (text: string) => ({ headers: { dpop: toJwt(proofHeader, text) } })
  const ath = createHash('sha256').update(accessToken).digest('base64url')
  const proof = (htm: string, path: string) => ({
    jti: 'a-jti',
    htm,
    htu: issuer + path,
    iat: seconds,
    ath,
  })

  return [
    { path: '/register', methods: ['POST'], json: metadata },
    {
      path: `/register/${String(registered['client_id'])}`,
      methods: ['PUT'],
      json: { ...metadata, client_id: registered['client_id'] },
      headers: { authorization: `Bearer ${String(registered['registration_access_token'])}` },
    },
    {
      path: '/authorize',
      methods: ['GET', 'POST'],
      json: object,
      place: (text) => ({
        parameters: { client_id: client.clientId, request: asObject(text) },
      }),
      headers: asPerson,
    },
    {
      path: '/par',
      methods: ['POST'],
      json: object,
      place: (text) => ({ parameters: { request: asObject(text) } }),
      headers: asClient,
    },
    ...(['/authorize', '/par'] as const).flatMap((path): JsonSeed[] =>
      [
        { json: claims, place: (text: string) => ({ ...request, claims: text }) },
        {
          json: detail,
          place: (text: string) => ({ ...request, authorization_details: `[${text}]` }),
        },
      ].map(({ json, place }) => ({
        path,
        methods: path === '/par' ? ['POST'] : ['GET'],
        json,
        place: (text) => ({ parameters: place(text) }),
        headers: path === '/par' ? asClient : asPerson,
      })),
    ),
    {
      path: '/par',
      methods: ['POST'],
      json: proof('POST', '/par'),
      place: (text) => ({ parameters: request, ...prove(text) }),
      headers: asClient,
    },
    {
      path: '/token',
      methods: ['POST'],
      json: proof('POST', '/token'),
      place: (text) => ({
        parameters: { grant_type: 'authorization_code', code: 'unknown' },
        ...prove(text),
      }),
      headers: asClient,
    },
    {
      path: '/userinfo',
      methods: ['GET', 'POST'],
      json: proof('GET', '/userinfo'),
      place: prove,
      headers: { authorization: `DPoP ${accessToken}` }, // which is bound to no key
    },
  ]
}

export function requestOf(provider: TestProvider, party: Party): Record<string, string> {
  return Object.fromEntries(new URL(authorizationUrl(provider, party)).searchParams)
}
