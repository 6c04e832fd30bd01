/** The gateway before a real provider: what each kind of proxy sends, and what it is answered. */
import { pino } from 'pino'
import t, { type Test } from 'tap'
import { createGatewayApp } from '../../src/gateway/app.ts'
import { readGatewaySettings } from '../../src/gateway/settings.ts'
import { createVerifier } from '../../src/verifier/verifier.ts'
import { obtainTokens, signIn } from '../support/flow.ts'
import { createTestProvider } from '../support/provider.ts'

const resource = 'https://api.example.com'
const rules = [
  { path: '/status', methods: ['GET'], public: true },
  { path: '/orders/*', methods: ['DELETE'], claims: { roles: 'admin' } },
  { path: '/orders/*', scopes: ['orders:read'] },
]

async function setUp(t: Test) {
  const provider = await createTestProvider(t)
  await provider.createUser({ claims: { roles: ['admin'] } })
  await provider.services.resources.create({
    resource,
    name: 'Orders',
    scopes: ['orders:read', 'roles'],
  })
  const client = await provider.createClient({ scope: 'openid orders:read roles' })
  const browser = await signIn(provider)
  const verifier = createVerifier({
    issuer: provider.issuer,
    audience: resource,
    revocations: 'off',
    now: () => provider.clock.now().getTime(),
  })
  const logged: Record<string, unknown>[] = []
  const settings = readGatewaySettings({
    issuer: provider.issuer,
    audience: resource,
    revocations: 'off',
    rules,
  })
  const app = createGatewayApp({
    verifier,
    ...settings,
    log: pino({}, { write: (line) => void logged.push(JSON.parse(line)) }),
  })
  t.teardown(() => app.close())
  return {
    app,
    logged,
    tokenFor: async (scope: string) =>
      (await obtainTokens(provider, browser, client, { scope, resource })).access_token,
    /** As nginx asks. */
    async ask(method: string, uri: string, headers: Record<string, string> = {}) {
      return app.inject({
        url: '/nginx',
        headers: { 'x-original-method': method, 'x-original-uri': uri, ...headers },
      })
    },
  }
}

t.test('a path passes with the scopes and claims that its rule asks for', async (t) => {
  const { ask, tokenFor } = await setUp(t)
  const reader = { authorization: `Bearer ${await tokenFor('openid orders:read')}` }
  const admin = { authorization: `Bearer ${await tokenFor('openid roles')}` }

  t.equal((await ask('GET', '/status')).statusCode, 200)
  const read = await ask('GET', '/orders/1?all=yes', reader)
  t.equal(read.statusCode, 200)
  t.equal(read.headers['x-token-scope'], 'openid orders:read')
  t.type(read.headers['x-token-sub'], 'string')
  t.equal((await ask('DELETE', '/orders/1', admin)).statusCode, 200)

  t.equal((await ask('DELETE', '/orders/1', reader)).statusCode, 403)
  t.equal((await ask('DELETE', '/Orders/1/', reader)).statusCode, 403)
  const narrow = await ask('GET', '/orders', admin)
  t.equal(narrow.statusCode, 403)
  t.match(narrow.headers['www-authenticate'], /error="insufficient_scope"/)
})

t.test('without a token, with a bad one, or without a rule nothing passes', async (t) => {
  const { ask, tokenFor } = await setUp(t)
  const good = { authorization: `Bearer ${await tokenFor('openid orders:read')}` }

  const missing = await ask('GET', '/orders')
  t.equal(missing.statusCode, 401)
  t.match(missing.headers['www-authenticate'], /^Bearer/)
  t.notMatch(missing.headers['www-authenticate'], /error=/, 'RFC 6750 §3.1')
  t.equal((await ask('GET', '/orders', { authorization: 'Bearer x.y.z' })).statusCode, 401)
  t.strictSame((await ask('GET', '/elsewhere', good)).json(), { error: 'no_rule' })
  t.strictSame((await ask('GET', '/orders/../admin', good)).json(), { error: 'path_ambiguous' })
  t.strictSame((await ask('get', '/orders', good)).json(), { error: 'method_unusual' })
  const override = { ...good, 'x-http-method-override': 'DELETE' }
  t.strictSame((await ask('GET', '/orders', override)).json(), { error: 'method_override' })
})

t.test('each kind of proxy is believed only in its own headers', async (t) => {
  const { app, tokenFor } = await setUp(t)
  const authorization = `Bearer ${await tokenFor('openid orders:read')}`
  const forwarded = { 'x-forwarded-method': 'GET', 'x-forwarded-uri': '/orders' }
  const forged = { 'x-original-method': 'GET', 'x-original-uri': '/status' }
  const statusOf = async (url: string, headers: Record<string, string>, method = 'GET' as const) =>
    (await app.inject({ method, url, headers })).statusCode

  t.equal(await statusOf('/forwarded', { ...forwarded, authorization }), 200)
  t.equal(await statusOf('/forwarded', { ...forwarded, ...forged }), 401, 'not the public path')
  t.equal(await statusOf('/forwarded', forged), 403, 'nothing was told')
  t.equal(await statusOf('/nginx', forwarded), 403)
  t.equal(await statusOf('/envoy/orders?x=1', { authorization }), 200)
  t.equal(await statusOf('/envoy/orders', { ...forged }), 401)
  t.equal(await statusOf('/envoy/status', {}), 200)
  t.equal(await statusOf('/envoy//status', {}), 403)
  const posted = await app.inject({ method: 'POST', url: '/envoy/orders', payload: 'a body' })
  t.equal(posted.statusCode, 401)
})

t.test('a public path clears the headers that the client itself may have sent', async (t) => {
  const { ask } = await setUp(t)
  const { headers } = await ask('GET', '/status', { 'x-token-sub': 'root' })
  for (const name of ['x-token-sub', 'x-token-client-id', 'x-token-scope'])
    t.equal(headers[name], '', name)
})

t.test('what is refused is logged without the token', async (t) => {
  const { ask, logged, tokenFor } = await setUp(t)
  const token = await tokenFor('openid roles')
  await ask('GET', `/orders?access_token=${token}`)
  await ask('GET', '/orders', { authorization: `Bearer ${token}` })
  t.match(logged, [
    { msg: 'refused', path: '/orders', code: 'request_malformed' },
    { msg: 'refused', path: '/orders', code: 'scope_insufficient' },
  ])
  t.notMatch(JSON.stringify(logged), token)
})

t.test('while the issuer cannot be reached it is live but not ready', async (t) => {
  const verifier = createVerifier({
    issuer: 'https://login.example.com',
    audience: resource,
    revocations: 'off',
    fetch: async () => Promise.reject(new Error('down')),
  })
  const app = createGatewayApp({
    verifier,
    rules: [],
    publicUrl: resource,
    log: pino({ enabled: false }),
  })
  t.teardown(() => app.close())
  t.equal((await app.inject('/health/live')).statusCode, 200)
  const ready = await app.inject('/health/ready')
  t.equal(ready.statusCode, 503)
  t.match(ready.json(), { keys: { count: 0, failure: /down/ } })
})

t.test('settings with faults are refused with all of them', async (t) => {
  const faulty = {
    issuer: 'login.example.com',
    audience: resource,
    revocations: 'sometimes',
    port: 'http',
    colour: 'red',
    rules: [{ path: '/a/../b' }, { path: '/c', public: true, scopes: ['c'] }, { paths: '/d' }],
  }
  for (const part of [
    /issuer: /,
    /revocations: "sometimes"/,
    /port: /,
    /"colour": /,
    /rules\[0\]: path: /,
  ])
    t.throws(() => readGatewaySettings(faulty), { message: part })
  t.throws(() => readGatewaySettings({}), {
    message: /issuer: .*audience: .*revocations: .*rules: /,
  })
  t.throws(() => readGatewaySettings([]), { message: /JSON object/ })
  const { rules: _, ...unruled } = faulty
  t.throws(() => readGatewaySettings({ ...unruled, rules: [] }), { message: /at least one rule/ })
})
