/** A run of a module: what its browser meets, and what its client then asks for, checked as every module checks it. */
import { randomBytes } from 'node:crypto'
import type { JWTPayload } from 'jose'
import type { Test } from 'tap'
import type { BrowserBlock } from '../conformance/plan/browser.ts'
import { encode, type Answer, type Fields } from './flow.ts'
import { createSuiteBrowser, type SuiteBrowser, type Visit } from './suite-browser.ts'
import {
  checkIdToken,
  checkJwks,
  checkResponse,
  checkTokenResponse,
  checkUserinfo,
} from './suite-checks.ts'
import type { SuiteClient } from './suite-client.ts'
import type { Suite } from './suite.ts'
import type { Page } from './user-agent.ts'

/** One run of a module, with a browser that knows nothing of the others. */
export interface Run {
  t: Test
  suite: Suite
  browser: SuiteBrowser
  /** Sends the browser to the authorization endpoint and answers what it met. */
  visit(changes?: Fields, how?: { by: 'GET' | 'POST' }): Promise<Visit>
  /** The same where no block of the plan says what the browser does then. */
  open(changes: Fields): Promise<Page>
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

export function createRun(
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

  const requestOf = (changes: Fields): Fields => ({
    client_id: client.clientId,
    redirect_uri: suite.addresses.callback,
    scope: 'openid',
    state: random(),
    nonce: random(),
    response_type: 'code',
    response_mode: responseMode,
    ...changes,
  })

  async function start(changes: Fields = {}, { by } = { by: 'GET' }) {
    const sent = requestOf(changes)
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
    open: (changes) => {
      const query = encode(requestOf(changes)).toString()
      return browser.agent.open(`${endpoint('authorization')}?${query}`)
    },

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
      const url = endpoint('token')
      const { headers, fields: credentials } = await as.present(url)
      const body = encode({ ...credentials, ...fields })
      return toAnswer(await send(url, { method: 'POST', headers, body }))
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
