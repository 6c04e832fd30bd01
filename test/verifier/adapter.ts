/** What every adapter must do, over HTTP: an API with orders, in whichever framework. */
import type { Test } from 'tap'
import { proofAlgorithms } from '../../src/verifier/dpop-proof.ts'
import type { AdapterOptions } from '../../src/verifier/node-request.ts'
import type { Verifier } from '../../src/verifier/verifier.ts'
import { send } from '../support/raw-http.ts'
import type { SelfSigned } from '../support/self-signed.ts'
import { audience as resource, createTestTokens } from './holder.ts'

/**
 * Serves, behind the adapter: GET and HEAD /v1/orders for `orders:read`, DELETE /v1/orders/7 for the role admin; both
 * answer the sub. OPTIONS is answered 204 wherever the adapter lets it through. With a `resource` the metadata are served,
 * and all else is behind the adapter as a whole, too.
 * Errors that are passed on are answered with the status that is set, and `passed:` before their code.
 */
export type ServeApi = (
  t: Test,
  verifier: Verifier,
  options: AdapterOptions,
  tls?: SelfSigned,
) => Promise<string>

const algs = `algs="${proofAlgorithms.join(' ')}"`
const metadataUrl = 'https://api.example.com/.well-known/oauth-protected-resource/v1'
const fail = () => {
  throw new Error('a fault')
}

export const bearer = (token: string) => ({ authorization: `Bearer ${token}` })

export function getOrders(
  url: string,
  headers: Record<string, string> = {},
  method = 'GET',
): Promise<Response> {
  return fetch(`${url}/v1/orders`, { method, headers })
}

export async function testAdapter(t: Test, serve: ServeApi): Promise<void> {
  const tokens = await createTestTokens(t)
  const verifier = tokens.createVerifier()
  const token = await tokens.issue()

  t.test('a good token lets through, and tells who it is', async (t) => {
    const url = await serve(t, verifier, {})
    const response = await getOrders(url, bearer(token))
    t.equal(response.status, 200)
    t.equal(await response.text(), 'alice')
    t.equal((await getOrders(url, bearer(token), 'HEAD')).status, 200)
  })

  t.test('without a token: 401 and a bare challenge (RFC 6750 §3.1)', async (t) => {
    const url = await serve(t, verifier, {})
    const response = await getOrders(url)
    t.equal(response.status, 401)
    t.equal(response.headers.get('www-authenticate'), 'Bearer scope="orders:read"')
    t.equal(response.headers.get('cache-control'), 'no-store')
    t.match(response.headers.get('content-type'), /^application\/json/)
    t.hasStrict(await response.json(), { code: 'token_missing' })
    t.equal((await getOrders(url, {}, 'HEAD')).status, 401)
  })

  t.test('with a bad one: 401 and why (RFC 6750 §3)', async (t) => {
    const url = await serve(t, verifier, {})
    const response = await getOrders(url, bearer(`${token.slice(0, -6)}AAAAAA`))
    t.equal(response.status, 401)
    t.match(
      response.headers.get('www-authenticate'),
      /^Bearer scope="orders:read", error="invalid_token", error_description="[^"]+"$/,
    )
    t.hasStrict(await response.json(), { code: 'signature_invalid' })
  })

  t.test('with too little scope: 403 and what is enough (RFC 6750 §3.1)', async (t) => {
    const url = await serve(t, verifier, {})
    const response = await getOrders(url, bearer(await tokens.issue({ scope: 'openid' })))
    t.equal(response.status, 403)
    t.match(
      response.headers.get('www-authenticate'),
      /^Bearer scope="orders:read", error="insufficient_scope", /,
    )
  })

  t.test('a route can need claims', async (t) => {
    const url = await serve(t, verifier, {})
    const remove = async (claims: Record<string, unknown>) =>
      fetch(`${url}/v1/orders/7`, {
        method: 'DELETE',
        headers: bearer(await tokens.issue(claims)),
      })
    t.equal((await remove({ roles: ['admin'] })).status, 200)
    const response = await remove({ roles: ['user'] })
    t.hasStrict(await response.json(), { code: 'claim_mismatch' })
  })

  t.test('a token that comes twice, or in the URL: 400 (RFC 6750 §2)', async (t) => {
    const url = await serve(t, verifier, {})
    const authorization = `Bearer ${token}`
    const twice = await send(url, {
      path: '/v1/orders',
      headers: { authorization, Authorization: authorization },
    })
    t.equal(twice.status, 400)
    t.match(twice.headers.get('www-authenticate'), /error="invalid_request"/)
    const inUrl = await fetch(`${url}/v1/orders?access_token=${token}`, {
      headers: { authorization },
    })
    t.equal(inUrl.status, 400)
    const whole = await send(url, {
      path: 'http://elsewhere.example/v1/orders',
      headers: { authorization },
    })
    t.not(whole.status, 401, 'a whole URL as the target (RFC 9112 §3.2.2)')
  })

  t.test('without keys: 503 and when to come back', async (t) => {
    const outage = tokens.createVerifier({ fetch: async () => Promise.reject(new Error('down')) })
    const response = await getOrders(await serve(t, outage, {}), bearer(token))
    t.equal(response.status, 503)
    t.equal(response.headers.get('retry-after'), '5')
    t.equal(response.headers.get('www-authenticate'), null)
    t.hasStrict(await response.json(), { code: 'keys_unavailable' })
  })

  t.test('OPTIONS needs a token as all do, also where it looks like a preflight', async (t) => {
    const url = await serve(t, verifier, {})
    const preflight = { origin: 'https://app.example', 'access-control-request-method': 'DELETE' }
    const options = async (headers: Record<string, string>) =>
      (await send(url, { method: 'OPTIONS', path: '/v1/orders', headers })).status
    t.equal(await options({}), 401)
    t.equal(await options(preflight), 401)
    t.equal(await options({ ...preflight, ...bearer(token) }), 204)
    t.equal(await options({ ...preflight, ...bearer('bad') }), 401)
  })

  t.test(
    'the metadata are served to anyone, and challenges lead there (RFC 9728 §3, §5.1)',
    async (t) => {
      const url = await serve(t, verifier, { resource })
      const { pathname } = new URL(metadataUrl)
      const response = await fetch(`${url}${pathname}?x`)
      t.equal(response.status, 200)
      t.match(response.headers.get('content-type'), /^application\/json/)
      t.equal(response.headers.get('access-control-allow-origin'), '*')
      t.strictSame(await response.json(), {
        resource,
        authorization_servers: [tokens.issuer],
        bearer_methods_supported: ['header'],
        dpop_signing_alg_values_supported: proofAlgorithms,
      })
      t.equal((await fetch(`${url}${pathname}`, { method: 'HEAD' })).status, 200)
      t.equal((await fetch(`${url}${pathname}/more`)).status, 401)
      const found = `resource_metadata="${metadataUrl}"`
      t.equal(
        (await getOrders(url)).headers.get('www-authenticate'),
        `Bearer ${found}, DPoP ${algs}, ${found}`,
      )
    },
  )

  t.test('options that cannot work are refused at once', async (t) => {
    for (const options of [
      { schemes: ['DPoP'] as const },
      { baseUrl: 'api.example.com' },
      { baseUrl: 'https://api.example.com/?a' },
      { resource: 'orders' },
    ])
      await t.rejects(serve(t, verifier, options), TypeError, JSON.stringify(options))
  })

  t.test("refusals can be left to the application's error handler", async (t) => {
    const url = await serve(t, verifier, { passErrors: true })
    const response = await getOrders(url)
    t.equal(response.status, 401)
    t.equal(response.headers.get('www-authenticate'), 'Bearer scope="orders:read"')
    t.equal(await response.text(), 'passed: token_missing')
    t.equal((await getOrders(url, bearer(token))).status, 200)
  })

  t.test('a fault that is no refusal goes to the error handler, and lets no one in', async (t) => {
    const url = await serve(t, verifier, { clientCertificate: fail })
    const response = await getOrders(url, bearer(token))
    t.equal(response.status, 500)
    t.equal(await response.text(), 'passed: a fault')
  })
}
