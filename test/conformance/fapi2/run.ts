/** A run of a FAPI 2.0 module: the request is pushed, the browser brings its reference, and tokens are bound to a key. */
import { randomBytes } from 'node:crypto'
import type { JWTPayload } from 'jose'
import type { Test } from 'tap'
import { createDpopKey, type DpopKey } from '../../support/dpop.ts'
import { challenge, encode, verifier, type Answer, type Fields } from '../../support/flow.ts'
import type { SuiteBrowser, Visit } from '../../support/suite-browser.ts'
import {
  checkIdToken,
  checkResponse,
  checkSecret,
  checkTokenResponse,
} from '../../support/suite-checks.ts'
import type { Suite } from '../../support/suite.ts'
import type { Proof } from '../../verifier/holder.ts'
import type { Fapi2Client } from './client.ts'
import { openJarm } from './jarm.ts'
import type { Variant } from './variant.ts'

/** Who sends something, and with what; the client itself with all that it needs, unless it says otherwise. */
export interface How {
  as?: Fapi2Client
  assertion?: string
  /** undefined: none. */
  dpop?: string | undefined
}

export interface Response extends Visit {
  sent: Fields
  fields: Record<string, string>
}

export interface Flow extends Response {
  tokens: Record<string, unknown>
  accessToken: string
  idToken: JWTPayload | undefined
}

export interface Fapi2Run {
  t: Test
  suite: Suite
  variant: Variant
  client: Fapi2Client
  browser: SuiteBrowser
  /** Its DPoP key, and one that is nobody's. */
  key: DpopKey
  otherKey: DpopKey
  /** The same browser and the other client, with a key of its own. */
  second(): Promise<Fapi2Run>
  seconds(ahead?: number): number
  endpoint(name: string): string
  resourceUrl: string
  request(changes?: Fields): Fields
  /** In a request object, if the variant signs. */
  push(changes?: Fields, how?: How): Promise<Answer>
  post(endpoint: string, fields: Fields, how?: How): Promise<Answer>
  /** The reference of a request that is in order. */
  requestUri(changes?: Fields, how?: How): Promise<string>
  /** Brings the reference; what else stands beside it, and whose name. */
  visit(requestUri: string, more?: Fields): Promise<Visit>
  /** Pushes, and goes on until something arrives at the redirect URI. */
  authorize(changes?: Fields, how?: How & { beside?: Fields }): Promise<Response>
  token(fields: Fields, how?: How): Promise<Answer>
  redeem(response: Response, changes?: Fields, how?: How): Promise<Answer>
  refresh(refreshToken: unknown, how?: How): Promise<Answer>
  /** A proof for an endpoint by its name, or for the resource. */
  prove(target: string, proof?: Proof & { by?: DpopKey }): Promise<string>
  /** The headers of a good request for the resource. */
  authorization(token: string): Promise<Record<string, string>>
  /** Asks the protected resource; `headers` are instead of those that a good request has. */
  resource(
    token: string,
    headers?: Record<string, string>,
    how?: { as?: Fapi2Client },
  ): Promise<Answer>
  /** From the pushed request to the resource, with everything checked that is checked always. */
  flow(changes?: Fields, how?: How): Promise<Flow>
}

export interface RunParts {
  t: Test
  suite: Suite
  variant: Variant
  clients: readonly [Fapi2Client, Fapi2Client]
  browser: SuiteBrowser
}

const random = (bytes = 8) => randomBytes(bytes).toString('base64url')

export async function createFapi2Run(parts: RunParts): Promise<Fapi2Run> {
  const { t, suite, variant, clients, browser } = parts
  const { issuer, provider, metadata, jwks } = suite
  const [client, other] = clients
  const [key, otherKey] = [await createDpopKey(provider), await createDpopKey(provider)]
  const aliases = (metadata['mtls_endpoint_aliases'] ?? {}) as Record<string, string>

  function endpoint(name: string): string {
    const member = `${name}_endpoint`
    return (variant.usesCertificates ? aliases[member] : undefined) ?? String(metadata[member])
  }
  const resourceUrl = variant.resource ?? endpoint('userinfo')

  const request = (changes: Fields = {}): Fields => ({
    response_type: 'code',
    client_id: client.clientId,
    redirect_uri: suite.addresses.callback,
    scope: client.scope,
    state: random(),
    ...(variant.openid && { nonce: random() }),
    code_challenge: challenge,
    code_challenge_method: 'S256',
    ...(variant.jarm && { response_mode: 'jwt' }),
    ...changes,
  })

  const run: Fapi2Run = {
    t,
    suite,
    variant,
    client,
    browser,
    key,
    otherKey,
    second: () => createFapi2Run({ ...parts, clients: [other, client] }),
    seconds: (ahead = 0) => Math.floor(provider.clock.now().getTime() / 1000) + ahead,
    endpoint,
    resourceUrl,
    request,

    async push(changes, how = {}) {
      const sent = request(changes)
      if (!variant.signed) return run.post('pushed_authorization_request', sent, how)
      const object = await client.sign({ ...client.objectClaims(), ...withClaims(sent) })
      return run.post('pushed_authorization_request', { request: object }, how)
    },

    async post(name, fields, { as = client, assertion, dpop } = {}) {
      const response = await as.fetch(endpoint(name), {
        method: 'POST',
        headers: dpop === undefined ? {} : { dpop },
        body: encode({ ...(await as.identity(assertion)), ...fields }),
      })
      return toAnswer(response)
    },

    async requestUri(changes, how) {
      const answer = await run.push(changes, how)
      t.equal(answer.status, 201, JSON.stringify(answer.body))
      t.match(answer.headers.get('content-type'), /^application\/json\b/)
      const { request_uri: requestUri, expires_in: expiresIn } = answer.body
      checkSecret(t, String(requestUri).slice('urn:ietf:params:oauth:request_uri:'.length))
      t.ok(Number(expiresIn) >= 60 && Number(expiresIn) <= 90)
      return String(requestUri)
    },

    visit(request_uri, more = {}) {
      const query = encode({ client_id: client.clientId, request_uri, ...more })
      return browser.visit(`${endpoint('authorization')}?${query.toString()}`)
    },

    async authorize(changes = {}, { beside = {}, ...how } = {}) {
      const sent = request(changes)
      const visit = await run.visit(await run.requestUri(sent, how), beside)
      const opened = variant.jarm ? await openJarm(run, visit) : visit
      const { redirect_uri: redirectUri, state } = sent as Record<string, string>
      const expected = { issuer, redirectUri: redirectUri ?? '', state, responseMode: undefined }
      return { ...opened, sent, fields: checkResponse(t, opened, expected) }
    },

    async token(fields, how = {}) {
      const proof = variant.binding === 'dpop' ? await run.prove('token') : undefined
      return run.post('token', fields, { dpop: proof, ...how })
    },

    redeem: ({ sent, fields }, changes = {}, how = {}) =>
      run.token(
        {
          grant_type: 'authorization_code',
          code: fields['code'],
          redirect_uri: sent['redirect_uri'],
          code_verifier: verifier,
          ...changes,
        },
        how,
      ),

    refresh: (refreshToken, how) =>
      run.token({ grant_type: 'refresh_token', refresh_token: String(refreshToken) }, how),

    prove(target, { by = key, ...proof } = {}) {
      const isResource = target === 'resource'
      const url = isResource ? resourceUrl : endpoint(target)
      return by.prove(isResource ? 'GET ' : 'POST ', { url, ...proof })
    },

    async authorization(token) {
      if (variant.binding === 'mtls') return { authorization: `Bearer ${token}` }
      return { authorization: `DPoP ${token}`, dpop: await run.prove('resource', { token }) }
    },

    async resource(token, headers, { as = client } = {}) {
      const shown = headers ?? (await run.authorization(token))
      return toAnswer(await as.fetch(resourceUrl, { headers: shown }))
    },

    async flow(changes, how) {
      const response = await run.authorize(changes, how)
      const answer = await run.redeem(response)
      const tokenType = variant.binding === 'dpop' ? 'DPoP' : 'Bearer'
      checkTokenResponse(t, answer, { tokenType, hasIdToken: variant.openid })
      const { access_token: accessToken, id_token: signed } = answer.body
      const idToken =
        signed === undefined
          ? undefined
          : await checkIdToken(t, String(signed), {
              jwks,
              issuer,
              clientId: client.clientId,
              nonce: response.sent['nonce'] as string | undefined,
              alg: 'ES256',
              now: provider.clock.now(),
            })
      const resource = await run.resource(String(accessToken))
      t.equal(resource.status, 200, JSON.stringify(resource.body))
      t.ok(Date.parse(resource.headers.get('date') ?? ''), 'the resource tells the date')
      return { ...response, tokens: answer.body, accessToken: String(accessToken), idToken }
    },
  }
  return run
}

/** In a request object it is JSON of its own, not JSON in a text (OpenID Connect Core §6.1). */
function withClaims({ claims, ...request }: Fields): object {
  return claims === undefined ? request : { ...request, claims: JSON.parse(String(claims)) }
}

async function toAnswer(response: globalThis.Response): Promise<Answer> {
  const { status, headers } = response
  const text = await response.text()
  const isJson = /^application\/json\b/.test(headers.get('content-type') ?? '')
  return { status, headers, body: isJson ? JSON.parse(text) : {} }
}
