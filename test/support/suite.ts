/** The conformance suite as our tests play it: a provider on native TLS, provisioned by the suite's own seed, and its modules. */
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import type { JSONWebKeySet, JWTPayload } from 'jose'
import type { Test } from 'tap'
import type { Environment } from '../../src/config.ts'
import { seed } from '../../src/services/seed.ts'
import { browserFor, type BrowserBlock } from '../conformance/plan/browser.ts'
import { addressesOf, clientIds, clientSecret, seedFor } from '../conformance/plan/seed.ts'
import { encode, type Answer, type Fields } from './flow.ts'
import { createTestProvider, freePort, type TestProvider } from './provider.ts'
import { createSelfSigned } from './self-signed.ts'
import { createSuiteBrowser, type SuiteBrowser, type Visit } from './suite-browser.ts'
import {
  checkIdToken,
  checkJwks,
  checkResponse,
  checkTokenResponse,
  checkUserinfo,
} from './suite-checks.ts'
import { createTrustingFetch } from './trusting-fetch.ts'

export interface SuiteClient {
  clientId: string
  /** What it authenticates with at the token endpoint: headers, and fields of the form. */
  authenticate(): { headers: Record<string, string>; fields: Record<string, string> }
  /** id_token_signed_response_alg */
  idTokenAlg: string
}

export interface Suite {
  provider: TestProvider
  issuer: string
  metadata: Record<string, unknown>
  jwks: JSONWebKeySet
  fetch: typeof fetch
  addresses: ReturnType<typeof addressesOf>
  clients: Record<'client' | 'client2' | 'secretPost' | 'logout', SuiteClient>
  begin(t: Test, module: string, options?: { client?: SuiteClient }): Run
}

/** One run of a module, with a browser that knows nothing of the others. */
export interface Run {
  t: Test
  suite: Suite
  browser: SuiteBrowser
  /** Sends the browser to the authorization endpoint and answers what it met. */
  visit(changes?: Fields, how?: { by: 'GET' | 'POST' }): Promise<Visit>
  /** The same, when a code or an error is to arrive at the redirect URI. */
  authorize(changes?: Fields, how?: { by: 'GET' | 'POST' }): Promise<Response>
  token(fields: Fields, as?: SuiteClient): Promise<Answer>
  redeem(response: Response, changes?: Fields, as?: SuiteClient): Promise<Answer>
  userinfo(accessToken: string, how?: 'get' | 'post-header' | 'post-body'): Promise<Answer>
  /** From the authorization request to userinfo, with everything checked that is checked always. */
  flow(changes?: Fields): Promise<Flow>
}

/** What has come back, and what it answers. */
export interface Response extends Visit {
  sent: Fields
  fields: Record<string, string>
}

export interface Flow extends Response {
  tokens: Record<string, unknown>
  idToken: JWTPayload
  userinfo: Record<string, unknown>
}

export function basicClient(clientId: string, secret = clientSecret): SuiteClient {
  const basic = Buffer.from(`${clientId}:${secret}`).toString('base64')
  const headers = { authorization: `Basic ${basic}` }
  return { clientId, authenticate: () => ({ headers, fields: {} }), idTokenAlg: 'RS256' }
}

export function postClient(clientId: string, secret = clientSecret): SuiteClient {
  const fields = { client_id: clientId, client_secret: secret }
  return { clientId, authenticate: () => ({ headers: {}, fields }), idTokenAlg: 'RS256' }
}

/** `responseMode` is the variant that a plan is run with; `suite` is where clients are called back. */
export async function createSuite(
  t: Test,
  {
    responseMode,
    suite: base = 'https://suite.example',
    environment = {},
  }: { responseMode?: 'form_post'; suite?: string; environment?: Environment } = {},
): Promise<Suite> {
  const { cert, key } = createSelfSigned()
  const directory = t.testdir({ 'cert.pem': cert, 'key.pem': key })
  const port = await freePort()
  const provider = await createTestProvider(t, {
    ISSUER: `https://127.0.0.1:${port}`,
    PORT: String(port),
    TLS_CERT_FILE: join(directory, 'cert.pem'),
    TLS_KEY_FILE: join(directory, 'key.pem'),
    ...environment,
  })
  const { issuer, clock, config, database } = provider
  const address = { suite: base, alias: 'claviger' }
  await seed({ config, database, clock }, seedFor(address), { actor: 'test', reason: 'suite' })
  const send = createTrustingFetch(cert)
  const read = async (url: string) => (await send(url)).json()
  const metadata = await read(`${issuer}/.well-known/openid-configuration`)
  const { blocks, overrides } = browserFor(issuer)

  const suite: Suite = {
    provider,
    issuer,
    metadata,
    jwks: await read(metadata.jwks_uri),
    fetch: send,
    addresses: addressesOf(address),
    clients: {
      client: basicClient(clientIds.basic),
      client2: basicClient(clientIds.basic2),
      secretPost: postClient(clientIds.secretPost),
      logout: basicClient(clientIds.logout),
    },
    begin: (t, module, { client = suite.clients.client } = {}) =>
      createRun(t, suite, {
        client,
        responseMode,
        blocks: overrides[module]?.browser ?? blocks,
      }),
  }
  return suite
}

function createRun(
  t: Test,
  suite: Suite,
  {
    client,
    responseMode,
    blocks,
  }: { client: SuiteClient; responseMode: string | undefined; blocks: readonly BrowserBlock[] },
): Run {
  const { issuer, fetch: send, jwks } = suite
  const endpoint = (name: string) => String(suite.metadata[`${name}_endpoint`])
  const browser = createSuiteBrowser(issuer, send, blocks)

  async function start(changes: Fields, { by } = { by: 'GET' }) {
    const sent: Fields = {
      client_id: client.clientId,
      redirect_uri: suite.addresses.callback,
      scope: 'openid',
      state: random(),
      nonce: random(),
      response_type: 'code',
      response_mode: responseMode,
      ...changes,
    }
    const url = endpoint('authorization')
    const visit =
      by === 'POST'
        ? await browser.visit(url, { form: Object.fromEntries(encode(sent)) })
        : await browser.visit(`${url}?${encode(sent).toString()}`)
    return { sent, ...visit }
  }

  const run: Run = {
    t,
    suite,
    browser,
    visit: start,

    async authorize(changes = {}, how) {
      const visit = await start(changes, how)
      const { redirect_uri, state, response_mode } = visit.sent as Record<string, string>
      const fields = checkResponse(t, visit, {
        issuer,
        redirectUri: redirect_uri ?? '',
        state,
        responseMode: response_mode,
      })
      return { ...visit, fields }
    },

    async token(fields, as = client) {
      const { headers, fields: credentials } = as.authenticate()
      const body = encode({ ...credentials, ...fields })
      return toAnswer(await send(endpoint('token'), { method: 'POST', headers, body }))
    },

    redeem: ({ sent, fields }, changes = {}, as = client) =>
      run.token(
        {
          grant_type: 'authorization_code',
          code: fields['code'],
          redirect_uri: sent['redirect_uri'],
          ...changes,
        },
        as,
      ),

    async userinfo(accessToken, how = 'get') {
      const method = how === 'get' ? 'GET' : 'POST'
      const credential =
        how === 'post-body'
          ? { body: encode({ access_token: accessToken }) }
          : { headers: { authorization: `Bearer ${accessToken}` } }
      return toAnswer(await send(endpoint('userinfo'), { method, ...credential }))
    },

    async flow(changes = {}) {
      checkJwks(t, jwks)
      const response = await run.authorize(changes)
      const answer = await run.redeem(response)
      checkTokenResponse(t, answer)
      const idToken = await checkIdToken(t, String(answer.body['id_token']), {
        jwks,
        issuer,
        clientId: client.clientId,
        nonce: response.sent['nonce'] as string | undefined,
        alg: client.idTokenAlg,
        now: suite.provider.clock.now(),
      })
      const userinfo = await run.userinfo(String(answer.body['access_token']))
      checkUserinfo(t, userinfo, idToken.sub)
      return { ...response, tokens: answer.body, idToken, userinfo: userinfo.body }
    },
  }
  return run
}

const random = () => randomBytes(8).toString('base64url')

async function toAnswer(response: globalThis.Response): Promise<Answer> {
  const { status, headers } = response
  const text = await response.text()
  return { status, headers, body: text === '' ? {} : JSON.parse(text) }
}
