/** Every kind of JWT that we sign, at every place that takes one: none passes for another (RFC 8725 §2.8, §3.11, §3.12). */
import { randomUUID } from 'node:crypto'
import { decodeProtectedHeader } from 'jose'
import t from 'tap'
import { jwtBearerGrant } from '../../src/protocol/grant-types.ts'
import { createVerifier } from '../../src/verifier/verifier.ts'
import {
  authorizationUrl,
  authorize,
  encode,
  obtainTokens,
  post,
  startSession,
  toTokens,
  type Fields,
  type Party,
} from '../support/flow.ts'
import { createDeliveringNode, createLogoutReceiver } from '../support/logout-receiver.ts'
import { createTestProvider, redirectUri } from '../support/provider.ts'
import {
  accessTokenType,
  exchange,
  exchangeGrant,
  idTokenType,
  jwtType,
} from '../support/token-exchange.ts'
import { serviceScope } from './routes.ts'

const provider = await createTestProvider(t)
const { issuer, services, database, clock } = provider
const { sub } = await provider.createUser()
const receiver = await createLogoutReceiver(t)
const ownKeys = await (await fetch(`${issuer}/.well-known/jwks.json`)).json()

const service = await provider.createClient({
  redirect_uris: [],
  grant_types: ['client_credentials'],
  scope: serviceScope,
})
const client = await provider.createClient({
  skip_consent: true,
  grant_types: ['authorization_code', 'refresh_token', exchangeGrant],
  post_logout_redirect_uris: [redirectUri],
  backchannel_logout_uri: receiver.uri,
  userinfo_signed_response_alg: 'RS256',
  token_exchange: {
    audiences: [issuer],
    delegation: 'allowed',
    subject_clients: [service.clientId],
  },
})
/** Clients for whom our own keys are those of others, as an administrator may have it by mistake. */
const partner = await provider.createClient({
  redirect_uris: [],
  grant_types: [jwtBearerGrant],
  assertion_issuers: [{ issuer, jwks: ownKeys, subject: 'sub' }],
})
const impostor = await provider.createClient({
  token_endpoint_auth_method: 'private_key_jwt',
  jwks: ownKeys,
})
const browser = await startSession(provider, sub)

async function readText(path: string, init: RequestInit): Promise<string> {
  return (await fetch(issuer + path, init)).text()
}

async function makeLogoutToken(): Promise<string> {
  const other = await startSession(provider, sub)
  const { id_token: hint } = await obtainTokens(provider, other, client)
  await other.open(`${issuer}/logout?${encode({ id_token_hint: hint }).toString()}`)
  await createDeliveringNode(provider, services).run()
  return receiver.received[0]?.fields['logout_token'] ?? ''
}

async function makeKinds() {
  const tokens = await obtainTokens(provider, browser, client)
  const { access_token } = tokens
  const credentials = { grant_type: 'client_credentials', scope: serviceScope }
  const basic = Buffer.from(`${client.clientId}:${client.secret}`).toString('base64')
  const { response = '' } = await authorize(provider, browser, client, {
    response_mode: 'query.jwt',
  })
  return {
    'exchanged token': toTokens(await exchange(provider, client, { subject_token: access_token }))
      .access_token,
    'access token': access_token, // after what is revoked with it
    "a service's token": toTokens(await post(provider, '/token', service, credentials))
      .access_token,
    'ID token': tokens.id_token,
    'logout token': await makeLogoutToken(),
    'signed userinfo': await readText('/userinfo', {
      headers: { authorization: `Bearer ${access_token}` },
    }),
    'signed introspection': await readText('/introspect', {
      method: 'POST',
      headers: {
        authorization: `Basic ${basic}`,
        accept: 'application/token-introspection+jwt',
      },
      body: encode({ token: access_token }),
    }),
    'signed authorization response': response,
  }
}

type Kind = keyof Awaited<ReturnType<typeof makeKinds>>

interface Place {
  accepts: Kind[]
  isAccepted(token: string): Promise<boolean>
}

async function ofBearer(path: string, token: string, body?: object): Promise<boolean> {
  const { ok } = await fetch(issuer + path, {
    method: body ? 'POST' : 'GET',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    ...(body && { body: JSON.stringify(body) }),
  })
  return ok
}

const isIssued = async (party: Party, fields: Fields) =>
  (await post(provider, '/token', party, fields)).status === 200

async function exchanges(changes: Fields): Promise<boolean> {
  return (await exchange(provider, client, changes)).status === 200
}

const accessTokens: Kind[] = ['access token', 'exchanged token', "a service's token"]
const { access_token: subject } = await obtainTokens(provider, browser, client)
const actFor = (actor_token_type: string) => (actor_token: string) =>
  exchanges({ subject_token: subject, actor_token, actor_token_type })

async function countRevocations(): Promise<number> {
  const [row] = await database.query<{ n: number }>(
    'select count(*)::integer as n from revocations',
  )
  return row!.n
}

async function location(url: string, cookies = new Map<string, string>()): Promise<string> {
  const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
  const { headers } = await fetch(url, { redirect: 'manual', headers: { cookie } })
  return headers.get('location') ?? ''
}

const verifier = createVerifier({
  issuer,
  audience: issuer,
  revocations: 'off',
  now: () => clock.now().getTime(),
})

const places: Record<string, Place> = {
  'GET /userinfo': {
    accepts: ['access token'],
    isAccepted: (token) => ofBearer('/userinfo', token),
  },
  'access_token at POST /userinfo': {
    accepts: ['access token'],
    isAccepted: async (access_token) =>
      (await fetch(`${issuer}/userinfo`, { method: 'POST', body: encode({ access_token }) })).ok,
  },
  'GET /revocations': {
    accepts: ["a service's token"],
    isAccepted: (token) => ofBearer('/revocations', token),
  },
  'POST /global-token-revocation': {
    accepts: ["a service's token"],
    isAccepted: (token) =>
      ofBearer('/global-token-revocation', token, { sub_id: { format: 'opaque', id: bob.sub } }),
  },
  'token at POST /introspect': {
    accepts: accessTokens,
    async isAccepted(token) {
      const { body } = await post(provider, '/introspect', client, { token })
      return body['active'] === true
    },
  },
  'id_token_hint at GET /authorize': {
    accepts: ['ID token'],
    isAccepted: async (id_token_hint) =>
      (
        await location(authorizationUrl(provider, client, { id_token_hint }), browser.cookies)
      ).includes('code='),
  },
  'subject_token, an access token': {
    accepts: accessTokens,
    isAccepted: (subject_token) => exchanges({ subject_token }),
  },
  'subject_token, an ID token': {
    accepts: ['ID token'],
    isAccepted: (subject_token) => exchanges({ subject_token, subject_token_type: idTokenType }),
  },
  'subject_token, a JWT': {
    accepts: [...accessTokens, 'ID token'],
    isAccepted: (subject_token) => exchanges({ subject_token, subject_token_type: jwtType }),
  },
  'actor_token, an access token': { accepts: accessTokens, isAccepted: actFor(accessTokenType) },
  'actor_token, an ID token': { accepts: ['ID token'], isAccepted: actFor(idTokenType) },
  'assertion, where we are the issuer that the client trusts': {
    accepts: [],
    isAccepted: (assertion) => isIssued(partner, { grant_type: jwtBearerGrant, assertion }),
  },
  'client_assertion, with keys that are ours': {
    accepts: [],
    async isAccepted(client_assertion) {
      const client_assertion_type = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
      const form = { client_assertion, client_assertion_type, token: randomUUID() }
      return (await fetch(`${issuer}/revoke`, { method: 'POST', body: encode(form) })).ok
    },
  },
  'request at GET /authorize, with keys that are ours': {
    accepts: [],
    async isAccepted(request) {
      const url = authorizationUrl(provider, impostor, { request })
      return (await location(url, browser.cookies)) !== ''
    },
  },
  'a DPoP proof': {
    accepts: [],
    isAccepted: async (dpop) => {
      const form = { grant_type: 'client_credentials' }
      return (await post(provider, '/token', service, form, { dpop })).status === 200
    },
  },
  'the verifier': {
    accepts: accessTokens,
    isAccepted: (token) =>
      verifier.verify(token).then(
        () => true,
        () => false,
      ),
  },
  // The last two end what they take.
  'token at POST /revoke': {
    accepts: accessTokens,
    async isAccepted(token) {
      const before = await countRevocations()
      for (const one of [client, service]) await post(provider, '/revoke', one, { token })
      return (await countRevocations()) > before
    },
  },
  'id_token_hint at GET /logout': {
    accepts: ['ID token'],
    async isAccepted(id_token_hint) {
      const query = encode({ id_token_hint, post_logout_redirect_uri: redirectUri })
      return (await location(`${issuer}/logout?${query.toString()}`)).startsWith(redirectUri)
    },
  },
}

const bob = await provider.createUser({ email: 'bob@example.com' })
const kinds = await makeKinds()

t.test('each kind was issued, and its typ tells what it is where that is enough', async (t) => {
  const types = Object.values(kinds).map((token) => String(decodeProtectedHeader(token).typ))
  t.strictSame(types.toSorted(), [
    'JWT',
    'JWT',
    'JWT',
    'at+jwt',
    'at+jwt',
    'at+jwt',
    'logout+jwt',
    'token-introspection+jwt',
  ])
})

for (const [name, { accepts, isAccepted }] of Object.entries(places))
  t.test(`${name}: ${accepts.join(', ') || 'none of ours'}`, async (t) => {
    const accepted: string[] = []
    for (const [kind, token] of Object.entries(kinds))
      if (await isAccepted(token)) accepted.push(kind)
    t.strictSame(accepted.toSorted(), accepts.toSorted())
  })
