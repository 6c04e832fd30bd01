/** Native HTTPS: addresses, cookies, and what a browser is told about it. Versions and ciphers: test/conformance/tls.test.ts. */
import { connect as connectPlainly } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import t from 'tap'
import { createTestProvider, freePort, password } from '../support/provider.ts'
import { createSelfSigned } from '../support/self-signed.ts'
import { createTrustingFetch } from '../support/trusting-fetch.ts'
import { formOf } from '../support/user-agent.ts'

const { cert, key } = createSelfSigned()
const directory = t.testdir({ 'cert.pem': cert, 'key.pem': key })
const port = await freePort()
const issuer = `https://127.0.0.1:${port}`
const provider = await createTestProvider(t, {
  ISSUER: issuer,
  PORT: String(port),
  TLS_CERT_FILE: join(directory, 'cert.pem'),
  TLS_KEY_FILE: join(directory, 'key.pem'),
})
await provider.createUser()

const trusting = createTrustingFetch(cert)
const request = (path: string, init?: RequestInit) => trusting(issuer + path, init)

t.test('everything is served and named by https', async (t) => {
  const answer = await request('/.well-known/openid-configuration')
  const document = (await answer.json()) as Record<string, unknown>
  t.equal(document['issuer'], issuer)
  const addresses = Object.entries(document).filter(([name]) => /_endpoint$|_uri$/.test(name))
  t.ok(addresses.length > 5)
  for (const [name, address] of addresses) t.ok(String(address).startsWith(`${issuer}/`), name)
  t.equal((await request('/health/ready')).status, 200)
})

t.test('browsers are told to stay with https (RFC 6797)', async (t) => {
  for (const path of [
    '/',
    '/login',
    '/.well-known/jwks.json',
    '/token',
    '/nothing',
    '/authorize',
  ]) {
    const { headers } = await request(path)
    const maxAge = /^max-age=(\d+)/.exec(headers.get('strict-transport-security') ?? '')?.[1]
    t.ok(Number(maxAge) >= 365 * 24 * 60 * 60, path)
  }
})

t.test('a person signs in, and every cookie is Secure and bound to this host', async (t) => {
  const page = await request('/login')
  const { fields } = formOf({
    url: `${issuer}/login`,
    html: await page.text(),
    status: 200,
    headers: page.headers,
  })
  const answer = await request('/login', {
    method: 'POST',
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      cookie: page.headers
        .getSetCookie()
        .map((line) => line.split(';')[0])
        .join('; '),
      origin: issuer,
    },
    body: new URLSearchParams({ ...fields, username: 'alice@example.com', password }).toString(),
  })
  t.equal(answer.status, 303)
  const cookies = [...page.headers.getSetCookie(), ...answer.headers.getSetCookie()]
  t.equal(cookies.length, 2)
  for (const cookie of cookies) {
    t.match(cookie, /^__Host-claviger-(?:browser|session)=[\w-]+; /)
    const attributes = cookie.split('; ').slice(1).toSorted()
    t.strictSame(attributes, ['HttpOnly', 'Path=/', 'SameSite=Lax', 'Secure'])
  }
})

t.test('plain HTTP on the same port is hung up on, and does no harm', async (t) => {
  const socket = connectPlainly(port, '127.0.0.1')
  socket.write('GET / HTTP/1.1\r\nhost: localhost\r\n\r\n')
  t.notMatch(await text(socket).catch(() => ''), '200 OK')
  t.equal((await request('/health/ready')).status, 200)
})
