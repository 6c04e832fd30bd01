/**
 * The metadata is the truth: whatever it names works, and whatever works is named (OpenID Connect Discovery §3, RFC 8414 §2).
 * Lists that clients register by are compared with what registration takes; the others are gone through one by one.
 */
import { decodeJwt } from 'jose'
import t from 'tap'
import { Refusal } from '../../src/protocol/refusal.ts'
import { createCertificate } from '../support/certificates.ts'
import { createDpopKey } from '../support/dpop.ts'
import {
  authorizationUrl,
  authorize,
  obtainTokens,
  post,
  proceed,
  startSession,
  userinfo,
} from '../support/flow.ts'
import { createTestProvider, redirectUri, type TestProvider } from '../support/provider.ts'
import { routeNames } from '../endpoints/routes.ts'
import { seedFor } from '../conformance/plan/seed.ts'
import { formOf, createUserAgent } from '../support/user-agent.ts'

type List =
  | 'scopes'
  | 'claims'
  | 'acr_values'
  | 'grant_types'
  | 'response_modes'
  | 'prompt_values'
  | 'ui_locales'
  | 'display_values'
  | 'code_challenge_methods'
  | 'dpop_signing_alg_values'
  | 'token_endpoint_auth_methods'
  | 'introspection_endpoint_auth_methods'
  | 'revocation_endpoint_auth_methods'
type Metadata = Record<string, unknown> & Record<`${List}_supported`, string[]>

const { cert } = createCertificate({ isAuthority: true })
const directory = t.testdir({ 'authorities.pem': cert })
const full = await createTestProvider(t, {
  TRUST_PROXY: '127.0.0.1',
  CLAVIGER_CLIENT_CERT_HEADER: 'Client-Cert',
  CLAVIGER_MTLS_ISSUER: 'https://mtls.example',
  CLAVIGER_TLS_CLIENT_CA_FILE: `${directory}/authorities.pem`,
  CLAVIGER_REGISTRATION: 'open',
  CLAVIGER_SIGN_UP: 'on',
  CLAVIGER_CLIENT_ID_METADATA_DOCUMENTS: 'on',
  CLAVIGER_AUTHORIZATION_DETAILS_TYPES: 'payment,account',
  CLAVIGER_SIGNING_ALGS: 'RS256,ES256,PS256,EdDSA',
})
const bare = await createTestProvider(t, { CLAVIGER_REVOCATION_FEED: 'off' })
const metadata = await metadataOf(full)
const [person] = seedFor({ suite: 'https://suite.example', alias: 'a' }).users
const { sub } = await full.services.accounts.create({ ...person })
const allScopes = metadata.scopes_supported.join(' ')
const client = await full.createClient({ scope: allScopes, initiate_login_uri: redirectUri })
const service = await full.createClient({
  grant_types: ['client_credentials'],
  redirect_uris: [],
  scope: 'revocations',
})

t.test(
  'each endpoint is a route, and each route that clients are to find an endpoint',
  async (t) => {
    const elsewhere = new Set([
      // Where discovery begins, what only its own answers name, and what is for people and machines that run it.
      '/.well-known/openid-configuration',
      '/.well-known/oauth-authorization-server',
      '/register/:clientId',
      '/device',
      '/login',
      '/consent',
      '/select-account',
      '/create-account',
      '/logged-out',
      '/',
      '/assets/:file',
      '/health/live',
      '/health/ready',
      '/*', // CORS
    ])
    for (const provider of [full, bare]) {
      const routes = routeNames(provider).map((name) => name.slice(name.indexOf(' ') + 1))
      const found = routes.filter((path) => !elsewhere.has(path))
      const named = endpointsOf(await metadataOf(provider)).map(([, url]) => new URL(url).pathname)
      // Whoever asks there while registration is off is told so.
      const off = provider === bare ? ['/register'] : []
      t.strictSame([...new Set(found)].toSorted(), [...named, ...off].toSorted())
    }
  },
)

t.test(
  'mtls_endpoint_aliases has each endpoint but those of browsers, keys and registration',
  async (t) => {
    const endpoints = endpointsOf(metadata).map(([name]) => name)
    const plain = new Set([
      'authorization_endpoint',
      'end_session_endpoint',
      'registration_endpoint',
      'jwks_uri',
    ])
    t.strictSame(
      Object.keys(metadata['mtls_endpoint_aliases'] as object).toSorted(),
      endpoints.filter((name) => !plain.has(name)).toSorted(),
    )
    for (const [name, url] of endpointsOf(metadata['mtls_endpoint_aliases'] as Metadata))
      t.equal(url, String(metadata[name]).replace(full.issuer, 'https://mtls.example'))
  },
)

t.test('what a setting switches on is named only then', async (t) => {
  const names = new Set(Object.keys(await metadataOf(bare)))
  t.strictSame(
    Object.keys(metadata).filter((name) => !names.has(name)),
    [
      'registration_endpoint',
      'revocation_feed_endpoint',
      'authorization_details_types_supported',
      'tls_client_certificate_bound_access_tokens',
      'client_id_metadata_document_supported',
      'mtls_endpoint_aliases',
    ],
  )
  t.strictSame(metadata['authorization_details_types_supported'], ['payment', 'account'])
})

t.test('registration takes what is named, and nothing else', async (t) => {
  const lists: Record<string, string[]> = {
    grant_types_supported: ['grant_types'],
    response_types_supported: ['response_types'],
    subject_types_supported: ['subject_type'],
    token_endpoint_auth_methods_supported: ['token_endpoint_auth_method'],
    token_endpoint_auth_signing_alg_values_supported: ['token_endpoint_auth_signing_alg'],
    request_object_signing_alg_values_supported: ['request_object_signing_alg'],
    id_token_signing_alg_values_supported: ['id_token_signed_response_alg'],
    userinfo_signing_alg_values_supported: ['userinfo_signed_response_alg'],
    introspection_signing_alg_values_supported: ['introspection_signed_response_alg'],
    authorization_signing_alg_values_supported: ['authorization_signed_response_alg'],
    ...encryptionOf('id_token'),
    ...encryptionOf('userinfo'),
    ...encryptionOf('introspection'),
  }
  for (const provider of [full, bare]) {
    const named = await metadataOf(provider)
    for (const [list, [member = '']] of Object.entries(lists)) {
      const given = { [member]: member.endsWith('_types') ? ['?'] : '?' }
      const { message } = await refusalOf(provider, given)
      t.match(message, `"?" is not supported. Use ${(named[list] as string[]).join(', ')}.`, list)
    }
  }
})

t.test(
  'clients authenticate elsewhere as at the token endpoint, but not unnamed to introspect',
  async (t) => {
    for (const provider of [full, bare]) {
      const named = await metadataOf(provider)
      const methods = named.token_endpoint_auth_methods_supported
      t.strictSame(named.revocation_endpoint_auth_methods_supported, methods)
      t.strictSame(
        named.introspection_endpoint_auth_methods_supported,
        methods.filter((method) => method !== 'none'),
      )
    }
  },
)

t.test('each grant type is known at the token endpoint', async (t) => {
  const { body } = await post(full, '/token', service, { grant_type: 'password' })
  t.match(body['error_description'], `Use one of: ${metadata.grant_types_supported.join(', ')}.`)
})

t.test('each response mode brings the code, in its own way', async (t) => {
  const browser = await startSession(full, sub)
  const arrivals: Record<string, string | undefined> = {}
  for (const mode of metadata.response_modes_supported) {
    const url = authorizationUrl(full, client, { response_mode: mode })
    const page = await proceed(browser, await browser.open(url))
    const { search, hash } = new URL(page.url)
    const inQuery = new URLSearchParams(search)
    const inFragment = new URLSearchParams(hash.slice(1))
    const name = mode.endsWith('jwt') ? 'response' : 'code'
    if (page.url.startsWith(full.issuer)) arrivals[mode] = formOf(page).fields[name] && 'form'
    else if (inFragment.has(name)) arrivals[mode] = 'fragment'
    else arrivals[mode] = inQuery.has(name) ? 'query' : undefined
  }
  t.strictSame(arrivals, {
    query: 'query',
    fragment: 'fragment',
    form_post: 'form',
    jwt: 'query',
    'query.jwt': 'query',
    'fragment.jwt': 'fragment',
    'form_post.jwt': 'form',
  })
  const url = authorizationUrl(full, client, { response_mode: 'web_message' })
  const refused = new URL((await browser.open(url)).url).searchParams.get('error_description')
  t.match(refused, `Use one of: ${metadata.response_modes_supported.join(', ')}.`)
})

t.test('each prompt leads to its page; create only where people may', async (t) => {
  const places: Record<string, string> = {}
  for (const prompt of metadata.prompt_values_supported) {
    const browser = await startSession(full, sub)
    const { url } = await browser.open(authorizationUrl(full, client, { prompt }))
    places[prompt] = url.startsWith(full.issuer) ? new URL(url).pathname : 'the client'
  }
  t.strictSame(places, {
    none: 'the client',
    login: '/login',
    consent: '/consent',
    select_account: '/select-account',
    create: '/create-account',
  })
  t.strictSame((await metadataOf(bare)).prompt_values_supported, [
    'none',
    'login',
    'consent',
    'select_account',
  ])
  const browser = createUserAgent(bare.issuer)
  const stranger = await bare.createClient()
  const { url } = await browser.open(authorizationUrl(bare, stranger, { prompt: 'create' }))
  t.equal(new URL(url).searchParams.get('error'), 'invalid_request')
})

t.test('all claims arrive, and no others; so does the acr; and all scopes are given', async (t) => {
  const browser = await startSession(full, sub)
  const tokens = await obtainTokens(full, browser, client, { scope: allScopes })
  t.strictSame(tokens.scope.split(' '), metadata.scopes_supported)
  const idToken = decodeJwt(tokens.id_token)
  const { body } = await userinfo(full, tokens.access_token)
  const claims = new Set([...Object.keys(idToken), ...Object.keys(body)])
  t.strictSame([...claims].toSorted(), metadata.claims_supported.toSorted())
  t.strictSame([idToken['acr']], metadata.acr_values_supported)
})

t.test('pages are in the language and the display that are named, whatever is asked', async (t) => {
  const asked = { ui_locales: 'fr-CA fr', display: 'popup' }
  const { html } = await createUserAgent(full.issuer).open(authorizationUrl(full, client, asked))
  t.match(html, `<html lang="${metadata.ui_locales_supported.join()}">`)
  t.strictSame(metadata.display_values_supported, ['page'])
})

t.test('DPoP proofs count with each algorithm that is named, and with no other', async (t) => {
  const verdicts: Record<string, unknown> = {}
  for (const alg of [...metadata.dpop_signing_alg_values_supported, 'RS256', 'ES384', 'PS384']) {
    const key = await createDpopKey(full, alg)
    const proof = { DPoP: await key.prove('POST /token') }
    const form = { grant_type: 'client_credentials' }
    const { body } = await post(full, '/token', service, form, proof)
    verdicts[alg] = body['token_type'] ?? body['error']
  }
  t.strictSame(verdicts, {
    ...Object.fromEntries(metadata.dpop_signing_alg_values_supported.map((alg) => [alg, 'DPoP'])),
    RS256: 'invalid_dpop_proof',
    ES384: 'invalid_dpop_proof',
    PS384: 'invalid_dpop_proof',
  })
})

t.test('a code challenge by a method that is not named is refused', async (t) => {
  t.strictSame(metadata.code_challenge_methods_supported, ['S256'])
  const browser = await startSession(full, sub)
  const answer = await authorize(full, browser, client, { code_challenge_method: 'plain' })
  t.equal(answer['error'], 'invalid_request')
})

async function metadataOf({ issuer }: TestProvider): Promise<Metadata> {
  const response = await fetch(`${issuer}/.well-known/openid-configuration`)
  return (await response.json()) as Metadata
}

function endpointsOf(of: Metadata): [string, string][] {
  return Object.entries(of).flatMap(([name, url]) =>
    /_(endpoint|uri)$/.test(name) ? [[name, String(url)]] : [],
  )
}

function encryptionOf(answer: string): Record<string, string[]> {
  return {
    [`${answer}_encryption_alg_values_supported`]: [`${answer}_encrypted_response_alg`],
    [`${answer}_encryption_enc_values_supported`]: [`${answer}_encrypted_response_enc`],
  }
}

async function refusalOf(provider: TestProvider, given: object): Promise<Refusal> {
  const refusal = await provider.createClient(given).catch((error: unknown) => error)
  if (refusal instanceof Refusal) return refusal
  throw new Error(`Taken: ${JSON.stringify(given)}`)
}
