/** What a script on another origin may read: public documents, and with a registered origin the token side (CORS). */
import t from 'tap'
import { encode, obtainTokens, signIn } from '../support/flow.ts'
import { createTestProvider } from '../support/provider.ts'

const origin = 'https://spa.example'
const allowed = (response: Response) => response.headers.get('access-control-allow-origin')

t.test('CORS', async (t) => {
  const provider = await createTestProvider(t)
  const { issuer } = provider
  await provider.createUser()
  const spa = await provider.createClient({
    skip_consent: true,
    token_endpoint_auth_method: 'none',
    redirect_uris: [`${origin}/callback`, 'http://localhost:9999/callback'],
  })
  await provider.createClient({ redirect_uris: ['https://web.example/callback'] })
  const listed = 'https://listed.example:8443'
  const confidential = await provider.createClient({ allowed_cors_origins: [listed] })
  const strangers = [
    'https://evil.example',
    'https://web.example',
    `${origin}:444`,
    'http://spa.example',
    `${origin}.evil.example`,
    'null',
    issuer,
  ]
  const post = (path: string, from: string, fields = {}) =>
    fetch(issuer + path, { method: 'POST', headers: { origin: from }, body: encode(fields) })
  const preflight = (path: string, from: string, method = 'POST') =>
    fetch(issuer + path, {
      method: 'OPTIONS',
      headers: {
        origin: from,
        'access-control-request-method': method,
        'access-control-request-headers': 'authorization,content-type',
      },
    })

  t.test(
    'a registered origin may read token, userinfo, revoke and pushed requests, errors too',
    async (t) => {
      const tokens = await obtainTokens(provider, await signIn(provider), spa)
      const response = await fetch(`${issuer}/userinfo`, {
        headers: { origin, authorization: `Bearer ${tokens.access_token}` },
      })
      t.equal(response.status, 200)
      t.equal(allowed(response), origin)
      for (const path of ['/token', '/revoke', '/userinfo', '/par']) {
        const refused = await post(path, origin, { client_id: spa.clientId })
        t.ok(refused.status === 400 || refused.status === 401)
        t.equal(allowed(refused), origin, path)
        t.match(refused.headers.get('vary'), /origin/i)
        t.match(refused.headers.get('access-control-expose-headers'), /www-authenticate/i)
        t.match(refused.headers.get('access-control-expose-headers'), /dpop-nonce/i)
        t.equal(refused.headers.get('access-control-allow-credentials'), null)
      }
    },
  )

  t.test('the origins are those of public web clients, or the ones registered', async (t) => {
    t.equal(allowed(await post('/token', listed)), listed)
    for (const from of strangers) {
      t.equal(allowed(await post('/token', from)), null, from)
      t.equal(allowed(await fetch(`${issuer}/userinfo`, { headers: { origin: from } })), null)
    }
  })

  t.test('preflight: a registered origin may ask with its headers, others not', async (t) => {
    for (const [path, method] of [
      ['/token', 'POST'],
      ['/userinfo', 'GET'],
      ['/userinfo', 'POST'],
      ['/revoke', 'POST'],
    ] as const) {
      const response = await preflight(path, origin, method)
      t.equal(response.status, 204)
      t.equal(allowed(response), origin)
      t.match(response.headers.get('access-control-allow-methods'), method)
      t.match(response.headers.get('access-control-allow-headers'), /authorization/i)
      t.match(response.headers.get('access-control-allow-headers'), /content-type/i)
      t.match(response.headers.get('access-control-allow-headers'), /dpop/i)
      t.ok(Number(response.headers.get('access-control-max-age')) > 0)
      for (const from of strangers) t.equal(allowed(await preflight(path, from, method)), null)
    }
  })

  t.test('discovery and JWKS are for everybody', async (t) => {
    for (const name of ['openid-configuration', 'oauth-authorization-server', 'jwks.json']) {
      const url = `/.well-known/${name}`
      const response = await fetch(issuer + url, { headers: { origin: 'https://any.example' } })
      t.equal(allowed(response), '*')
      t.equal(response.status, 200)
      const etag = response.headers.get('etag') ?? ''
      const headers = { origin: 'https://any.example', 'if-none-match': etag }
      t.equal(allowed(await fetch(issuer + url, { headers })), '*', 'also when unchanged')
      t.equal(allowed(await preflight(url, 'https://any.example', 'GET')), '*')
    }
  })

  t.test('pages, introspection and health are for no script', async (t) => {
    for (const path of ['/', '/login', '/authorize', '/consent', '/logout', '/health/live']) {
      for (const from of [origin, 'https://evil.example']) {
        const options = { headers: { origin: from }, redirect: 'manual' } as const
        t.equal(allowed(await fetch(issuer + path, options)), null, path)
        t.equal(allowed(await preflight(path, from)), null, path)
      }
    }
    t.equal(allowed(await post('/introspect', origin)), null)
  })

  t.test('registering is for any script while it is open, and for none else', async (t) => {
    const from = 'https://any.example'
    t.equal(allowed(await post('/register', from)), null)
    t.equal(allowed(await preflight('/register', from)), null)
    const open = await createTestProvider(t, { CLAVIGER_REGISTRATION: 'open' })
    const own = (path: string, method: string, headers = {}) =>
      fetch(open.issuer + path, { method, headers: { origin: from, ...headers } })
    const refused = await own('/register', 'POST')
    t.equal(refused.status, 400)
    t.equal(allowed(refused), '*')
    t.equal(refused.headers.get('access-control-allow-credentials'), null)
    const asks = {
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'content-type',
    }
    const asked = await own('/register', 'OPTIONS', asks)
    t.equal(allowed(asked), '*')
    t.match(asked.headers.get('access-control-allow-headers'), 'content-type')
    t.equal(allowed(await own('/register/anybody', 'GET')), null)
    const byToken = await createTestProvider(t, { CLAVIGER_REGISTRATION: 'token' })
    const response = await fetch(`${byToken.issuer}/register`, {
      method: 'POST',
      headers: { origin: from },
    })
    t.equal(allowed(response), null)
  })

  t.test('a client that is gone takes its origins along', async (t) => {
    t.equal(allowed(await post('/token', listed)), listed)
    await provider.services.clients.delete(confidential.clientId)
    t.equal(allowed(await post('/token', listed)), null)
  })
})
