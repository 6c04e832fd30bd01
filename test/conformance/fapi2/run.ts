/** A run of a FAPI 2.0 module: the request is pushed, the browser brings its reference, and tokens are bound to a key. */
import { randomBytes } from 'node:crypto'
import type { JWTPayload } from 'jose'
import type { Test } from 'tap'
import { challenge, encode, verifier, type Answer, type Fields } from '../../support/flow.ts'
import type { SuiteBrowser, Visit } from '../../support/suite-browser.ts'
import {
  checkIdToken,
  checkResponse,
  checkSecret,
  checkTokenResponse,
} from '../../support/suite-checks.ts'
import type { Suite } from '../../support/suite.ts'
import { createCalls, type Calls, type How } from './calls.ts'
import type { Fapi2Client } from './client.ts'
import { openJarm } from './jarm.ts'
import type { Variant } from './variant.ts'

export interface Response extends Visit {
  sent: Fields
  fields: Record<string, string>
}

export interface Flow extends Response {
  tokens: Record<string, unknown>
  accessToken: string
  idToken: JWTPayload | undefined
}

export interface Fapi2Run extends Calls {
  t: Test
  suite: Suite
  variant: Variant
  client: Fapi2Client
  browser: SuiteBrowser
  /** The same browser and the other client, with a key of its own. */
  second(): Promise<Fapi2Run>
  seconds(ahead?: number): number
  /** The parameters of a good request; undefined leaves one out. */
  request(changes?: Fields): Fields
  /** In a request object, if the variant signs. */
  push(changes?: Fields, how?: How): Promise<Answer>
  /** The reference of a request that is in order. */
  requestUri(changes?: Fields, how?: How): Promise<string>
  /** Brings the reference, and what else is to stand beside it. */
  visit(requestUri: string, more?: Fields): Promise<Visit>
  /** Pushes, and goes on until something arrives at the redirect URI. */
  authorize(changes?: Fields, how?: How & { beside?: Fields }): Promise<Response>
  redeem(response: Response, changes?: Fields, how?: How): Promise<Answer>
  refresh(refreshToken: unknown, how?: How): Promise<Answer>
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

const random = () => randomBytes(8).toString('base64url')

export async function createFapi2Run(parts: RunParts): Promise<Fapi2Run> {
  const { t, suite, variant, clients, browser } = parts
  const { issuer, provider, jwks } = suite
  const [client, other] = clients
  const calls = await createCalls(suite, variant, client)

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
    ...calls,
    t,
    suite,
    variant,
    client,
    browser,
    second: () => createFapi2Run({ ...parts, clients: [other, client] }),
    seconds: (ahead = 0) => Math.floor(provider.clock.now().getTime() / 1000) + ahead,
    request,

    async push(changes, how = {}) {
      const sent = request(changes)
      if (!variant.signed) return calls.post('pushed_authorization_request', sent, how)
      const object = await client.sign({ ...client.objectClaims(), ...withClaims(sent) })
      return calls.post('pushed_authorization_request', { request: object }, how)
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
      // As the suite does: the redirect URI stands beside the reference, and unescaped.
      const redirect = `redirect_uri=${suite.addresses.callback}`
      return browser.visit(`${calls.endpoint('authorization')}?${redirect}&${query.toString()}`)
    },

    async authorize(changes = {}, { beside = {}, ...how } = {}) {
      const sent = request(changes)
      const visit = await run.visit(await run.requestUri(sent, how), beside)
      const opened = variant.jarm ? await openJarm(run, visit) : visit
      const { redirect_uri: redirectUri, state } = sent as Record<string, string>
      const expected = { issuer, redirectUri: redirectUri ?? '', state, responseMode: undefined }
      return { ...opened, sent, fields: checkResponse(t, opened, expected) }
    },

    redeem: ({ sent, fields }, changes = {}, how = {}) =>
      calls.token(
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
      calls.token({ grant_type: 'refresh_token', refresh_token: String(refreshToken) }, how),

    async flow(changes, how) {
      const response = await run.authorize(changes, how)
      const answer = await run.redeem(response)
      const tokenType = variant.binding === 'dpop' ? 'DPoP' : 'Bearer'
      checkTokenResponse(t, answer, { tokenType, hasIdToken: variant.openid })
      const accessToken = String(answer.body['access_token'])
      const idToken = variant.openid
        ? await checkIdToken(t, String(answer.body['id_token']), {
            jwks,
            issuer,
            clientId: client.clientId,
            nonce: response.sent['nonce'] as string | undefined,
            alg: 'ES256',
            now: provider.clock.now(),
          })
        : undefined
      const resource = await calls.resource(accessToken)
      t.equal(resource.status, 200, JSON.stringify(resource.body))
      t.ok(Date.parse(resource.headers.get('date') ?? ''), 'the resource tells the date')
      return { ...response, tokens: answer.body, accessToken, idToken }
    },
  }
  return run
}

/** In a request object it is JSON of its own, not JSON in a text (OpenID Connect Core §6.1). */
function withClaims({ claims, ...request }: Fields): object {
  return claims === undefined ? request : { ...request, claims: JSON.parse(String(claims)) }
}
