/** Native HTTPS: TLS 1.2 and 1.3 only, and what a browser is told about it. */
import { once } from 'node:events'
import { request as startRequest } from 'node:https'
import { connect as connectPlainly } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { connect, type ConnectionOptions } from 'node:tls'
import t from 'tap'
import { createTestProvider, freePort, password } from '../support/provider.ts'
import { createSelfSigned } from '../support/self-signed.ts'
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

interface Answer {
  status: number | undefined
  headers: Headers
  body: string
}

/** Over TLS, with the certificate as the only one that is trusted. */
async function request(
  path: string,
  init: RequestInit & { headers?: Record<string, string> } = {},
) {
  const { method = 'GET', headers = {}, body } = init
  const outgoing = startRequest(issuer + path, { ca: cert, method, headers })
  outgoing.end(body)
  const [incoming] = await once(outgoing, 'response')
  const received = new Headers()
  for (const [name, values] of Object.entries(incoming.headersDistinct as Record<string, string[]>))
    for (const value of values) received.append(name, value)
  const answer: Answer = {
    status: incoming.statusCode,
    headers: received,
    body: await text(incoming),
  }
  return answer
}

/** The protocol and the cipher agreed on, or how the server refused. */
function handshake(options: ConnectionOptions): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', ca: cert, ...options })
    socket.once('secureConnect', () => {
      resolve(`${socket.getProtocol()} ${socket.getCipher().name}`)
      socket.destroy()
    })
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
  })
}

t.test('everything is served and named by https', async (t) => {
  const { body } = await request('/.well-known/openid-configuration')
  const document = JSON.parse(body) as Record<string, unknown>
  t.equal(document['issuer'], issuer)
  const addresses = Object.entries(document).filter(([name]) => /_endpoint$|_uri$/.test(name))
  t.ok(addresses.length > 5)
  for (const [name, address] of addresses) t.ok(String(address).startsWith(`${issuer}/`), name)
  t.equal((await request('/health/ready')).status, 200)
})

t.test(
  'TLS 1.2 and 1.3 are spoken, with forward secrecy and authenticated encryption',
  async (t) => {
    t.match(await handshake({}), /^TLSv1\.3 TLS_/)
    t.match(await handshake({ maxVersion: 'TLSv1.2' }), /^TLSv1\.2 ECDHE-ECDSA-AES\d+-GCM-/)
  },
)

t.test('TLS 1.1 and older are refused', async (t) => {
  // At this security level the client would speak them.
  const ciphers = 'DEFAULT@SECLEVEL=0'
  for (const version of ['TLSv1.1', 'TLSv1'] as const)
    t.match(
      await handshake({ minVersion: 'TLSv1', maxVersion: version, ciphers }),
      /ALERT_PROTOCOL_VERSION$/,
      version,
    )
})

t.test('ciphers without forward secrecy or authentication are refused', async (t) => {
  for (const ciphers of [
    'AES128-GCM-SHA256',
    'ECDHE-ECDSA-AES128-SHA',
    'ECDHE-ECDSA-AES256-SHA384',
  ])
    t.match(
      await handshake({ maxVersion: 'TLSv1.2', ciphers: `${ciphers}:@SECLEVEL=0` }),
      /HANDSHAKE_FAILURE$/,
      ciphers,
    )
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
    html: page.body,
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
