/** Client certificates on a port of their own (RFC 8705): who a client is, and whose a token. */
import { createPublicKey, X509Certificate } from 'node:crypto'
import { decodeJwt } from 'jose'
import { once } from 'node:events'
import { Agent, request as startRequest } from 'node:https'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import type { TLSSocket } from 'node:tls'
import t from 'tap'
import { createCertificate, type Certificate } from '../support/certificates.ts'
import { createDpopKey } from '../support/dpop.ts'
import { createTestProvider, freePort } from '../support/provider.ts'
import { createSelfSigned } from '../support/self-signed.ts'

const server = createSelfSigned()
const authority = createCertificate({ subject: [[['CN', 'An Authority']]], isAuthority: true })
const named = createCertificate({
  subject: [[['O', 'Example']], [['CN', 'pki']]],
  dns: ['pki.example'],
  issuer: authority,
})
const namesake = createCertificate({ subject: [[['O', 'Example']], [['CN', 'pki']]] })
const colleague = createCertificate({
  subject: [[['O', 'Example']], [['CN', 'other']]],
  issuer: authority,
})
const own = createCertificate({ subject: [[['CN', 'self']]] })
const stranger = createCertificate({ subject: [[['CN', 'self']]] })

const directory = t.testdir({
  'cert.pem': server.cert,
  'key.pem': server.key,
  'authorities.pem': authority.cert,
})
const [port, mtlsPort] = [await freePort(), await freePort()]
const provider = await createTestProvider(t, {
  ISSUER: `https://127.0.0.1:${port}`,
  PORT: String(port),
  CLAVIGER_MTLS_PORT: String(mtlsPort),
  TLS_CERT_FILE: join(directory, 'cert.pem'),
  TLS_KEY_FILE: join(directory, 'key.pem'),
  CLAVIGER_TLS_CLIENT_CA_FILE: join(directory, 'authorities.pem'),
})
const { issuer } = provider
const mtlsIssuer = `https://127.0.0.1:${mtlsPort}`

interface Sent {
  at?: string
  by?: Certificate | undefined
  form?: Record<string, string>
  headers?: Record<string, string>
  agent?: Agent
}

async function send(path: string, { at = mtlsIssuer, by, form, headers = {}, agent }: Sent = {}) {
  const outgoing = startRequest(at + path, {
    ca: server.cert,
    ...(by && { cert: by.cert, key: by.key }),
    ...(agent && { agent }),
    method: form ? 'POST' : 'GET',
    headers: {
      ...headers,
      ...(form && { 'content-type': 'application/x-www-form-urlencoded' }),
    },
  })
  outgoing.end(form && new URLSearchParams(form).toString())
  const [incoming] = await once(outgoing, 'response')
  const isResumed = (outgoing.socket as TLSSocket).isSessionReused()
  const received = await text(incoming)
  const body = (received.startsWith('{') ? JSON.parse(received) : {}) as Record<string, unknown>
  return { status: Number(incoming.statusCode), body, headers: incoming.headers, isResumed }
}

const scope = 'revocations'
const askFor = (client_id: string, sent: Sent = {}) =>
  send('/token', {
    ...sent,
    form: { client_id, grant_type: 'client_credentials', scope, ...sent.form },
  })
const service = { grant_types: ['client_credentials'], redirect_uris: [], scope }
const bound = { tls_client_certificate_bound_access_tokens: true }

await provider.createClient({
  ...service,
  client_id: 'pki',
  token_endpoint_auth_method: 'tls_client_auth',
  tls_client_auth_subject_dn: 'CN=pki,O=Example',
})
await provider.createClient({
  ...service,
  client_id: 'pki-by-host',
  token_endpoint_auth_method: 'tls_client_auth',
  tls_client_auth_san_dns: 'PKI.example',
})
const jwkOf = ({ cert }: Certificate) =>
  createPublicKey(
    new X509Certificate(cert).publicKey.export({ type: 'spki', format: 'pem' }),
  ).export({
    format: 'jwk',
  })
const selfSigned = {
  ...service,
  ...bound,
  token_endpoint_auth_method: 'self_signed_tls_client_auth',
}
await provider.createClient({ ...selfSigned, client_id: 'self', jwks: { keys: [jwkOf(own)] } })
const x5c = [new X509Certificate(own.cert).raw.toString('base64')]
await provider.createClient({
  ...selfSigned,
  client_id: 'self-by-certificate',
  jwks: { keys: [{ ...jwkOf(own), x5c }] },
})
const secretive = await provider.createClient({ ...service, ...bound })
const asSecretive = {
  authorization: `Basic ${btoa(`${secretive.clientId}:${secretive.secret}`)}`,
}

t.test('the metadata name the methods, the binding and the port (RFC 8705 §3.3, §5)', async (t) => {
  for (const at of [issuer, mtlsIssuer]) {
    const { body } = await send('/.well-known/openid-configuration', { at })
    t.match(body, {
      issuer,
      token_endpoint: `${issuer}/token`,
      tls_client_certificate_bound_access_tokens: true,
      mtls_endpoint_aliases: {
        token_endpoint: `${mtlsIssuer}/token`,
        userinfo_endpoint: `${mtlsIssuer}/userinfo`,
        introspection_endpoint: `${mtlsIssuer}/introspect`,
        revocation_endpoint: `${mtlsIssuer}/revoke`,
      },
    })
    const methods = body['token_endpoint_auth_methods_supported'] as string[]
    t.ok(methods.includes('tls_client_auth') && methods.includes('self_signed_tls_client_auth'))
  }
})

t.test('the other port asks nobody for a certificate', async (t) => {
  const { status, body } = await askFor('pki', { at: issuer, by: named })
  t.strictSame([status, body['error']], [401, 'invalid_client'])
  const agent = new Agent({ keepAlive: true })
  t.teardown(() => agent.destroy())
  t.equal((await askFor('pki', { by: named, agent })).status, 200)
})

t.test(
  'tls_client_auth: the certificate of a known authority, with the registered name',
  async (t) => {
    for (const [id, by, status] of [
      ['pki', named, 200],
      ['pki-by-host', named, 200],
      ['pki', namesake, 401],
      ['pki', colleague, 401],
      ['pki-by-host', colleague, 401],
      ['pki', own, 401],
      ['pki', undefined, 401],
      ['self', named, 401],
      ['nobody', named, 401],
    ] as const) {
      const answer = await askFor(id, { by })
      t.equal(answer.status, status, id)
      if (status === 401) t.equal(answer.body['error'], 'invalid_client')
    }
  },
)

t.test('self_signed_tls_client_auth: a certificate of the jwks, or with a key of it', async (t) => {
  const renewed = createCertificate({ subject: [[['CN', 'self']]] })
  for (const [id, by, status] of [
    ['self', own, 200],
    ['self-by-certificate', own, 200],
    ['self', stranger, 401],
    ['self', renewed, 401],
    ['self-by-certificate', stranger, 401],
    ['self', undefined, 401],
  ] as const) {
    const { status: actual, body } = await askFor(id, { by })
    t.equal(actual, status, id)
    if (status === 401) t.equal(body['error'], 'invalid_client')
  }
})

t.test('who authenticates wrongly is not told what was wrong', async (t) => {
  const answers = [
    await askFor('nobody', { by: named }),
    await askFor('pki', { by: namesake }),
    await askFor('pki', { by: colleague }),
    await askFor('self', { by: named }),
    await askFor(secretive.clientId, { by: named }),
  ]
  t.equal(new Set(answers.map(({ body }) => body['error_description'])).size, 1)
})

t.test('a certificate beside another method is none of it', async (t) => {
  const { status } = await send('/token', {
    by: named,
    headers: asSecretive,
    form: { grant_type: 'client_credentials', scope },
  })
  t.equal(status, 200)
  const mixed = await send('/token', {
    by: named,
    headers: asSecretive,
    form: { grant_type: 'client_credentials', scope, client_id: 'pki' },
  })
  t.strictSame([mixed.status, mixed.body['error']], [401, 'invalid_client'])
})

t.test(
  'a token is bound to the certificate that it was asked for with (RFC 8705 §3)',
  async (t) => {
    const { body } = await askFor('self', { by: own })
    const token = String(body['access_token'])
    const thumbprint = Buffer.from(
      new X509Certificate(own.cert).fingerprint256.replaceAll(':', ''),
      'hex',
    ).toString('base64url')
    t.strictSame(decodeJwt(token)['cnf'], { 'x5t#S256': thumbprint })
    t.equal(body['token_type'], 'Bearer')
    const headers = { authorization: `Bearer ${token}` }
    t.equal((await send('/revocations', { by: own, headers })).status, 200)
    for (const [at, by] of [
      [mtlsIssuer, stranger],
      [mtlsIssuer, undefined],
      [issuer, undefined],
      [issuer, own],
    ] as const) {
      const refused = await send('/revocations', { at, by, headers })
      t.strictSame([refused.status, refused.body['error']], [401, 'invalid_token'])
      t.match(
        refused.headers['www-authenticate'],
        /^Bearer realm="claviger", error="invalid_token"/,
      )
    }
    const { body: unbound } = await askFor('pki', { by: named })
    t.equal(decodeJwt(String(unbound['access_token']))['cnf'], undefined)
  },
)

t.test('no certificate, no bound token', async (t) => {
  const { status, body } = await send('/token', {
    headers: asSecretive,
    form: { grant_type: 'client_credentials', scope },
  })
  t.strictSame([status, body['error']], [400, 'invalid_request'])
})

t.test('a resumed TLS session has the certificate as well', async (t) => {
  const agent = new Agent({ keepAlive: false, maxCachedSessions: 10 })
  t.teardown(() => agent.destroy())
  for (const isResumed of [false, true, true])
    t.match(await askFor('self', { by: own, agent }), { status: 200, isResumed })
})

t.test('a DPoP proof may be for the alias too (RFC 9449 §4.3)', async (t) => {
  const key = await createDpopKey(provider)
  for (const base of [issuer, mtlsIssuer]) {
    const dpop = await key.prove('POST /token', { url: `${base}/token` })
    t.equal((await askFor('pki', { by: named, headers: { dpop } })).status, 200, base)
  }
  const url = `https://127.0.0.1:${await freePort()}/token`
  const { status } = await askFor('pki', {
    by: named,
    headers: { dpop: await key.prove('POST /token', { url }) },
  })
  t.equal(status, 400)
})
