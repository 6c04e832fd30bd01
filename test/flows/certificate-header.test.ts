/** Client certificates that a proxy tells of, believed only when it is one that is trusted by name (RFC 8705 §6.5). */
import { X509Certificate } from 'node:crypto'
import { decodeJwt } from 'jose'
import t from 'tap'
import { createCertificate } from '../support/certificates.ts'
import { authorize, post, redeem, refresh, signIn, toTokens } from '../support/flow.ts'
import { createTestProvider } from '../support/provider.ts'

const authority = createCertificate({ subject: [[['CN', 'An Authority']]], isAuthority: true })
const { cert } = createCertificate({ subject: [[['CN', 'pki']]], issuer: authority })
const { cert: otherCert } = createCertificate()
const base64 = (pem: string) => new X509Certificate(pem).raw.toString('base64')
const directory = t.testdir({ 'authorities.pem': authority.cert })
const environment = {
  CLAVIGER_CLIENT_CERT_HEADER: 'Client-Cert',
  CLAVIGER_MTLS_ISSUER: 'https://mtls.example',
  CLAVIGER_TLS_CLIENT_CA_FILE: `${directory}/authorities.pem`,
}
const provider = await createTestProvider(t, { ...environment, TRUST_PROXY: '127.0.0.1' })
/** Its proxy stands elsewhere, so the tests are strangers to it. */
const stern = await createTestProvider(
  t,
  { ...environment, TRUST_PROXY: '192.0.2.0/24,2001:db8::/32' },
  { beside: provider },
)
const { issuer } = provider
const sternUrl = `http://127.0.0.1:${stern.config.port}`

await provider.createUser()
const service = await provider.createClient({
  client_id: 'pki',
  grant_types: ['client_credentials'],
  redirect_uris: [],
  scope: 'revocations',
  token_endpoint_auth_method: 'tls_client_auth',
  tls_client_auth_subject_dn: 'CN=pki',
})
const spa = await provider.createClient({
  skip_consent: true,
  token_endpoint_auth_method: 'none',
  tls_client_certificate_bound_access_tokens: true,
})

const askWith = (header: string | undefined, at = issuer) =>
  post(
    { issuer: at },
    '/token',
    service,
    { grant_type: 'client_credentials' },
    header === undefined ? {} : { 'client-cert': header },
  )

const by = (pem: string | undefined): Record<string, string> =>
  pem === undefined ? {} : { 'client-cert': `:${base64(pem)}:` }

t.test('a certificate is read as proxies write it', async (t) => {
  for (const [name, header] of [
    ['nginx: percent-encoded PEM', encodeURIComponent(cert)],
    ['RFC 9440', `:${base64(cert)}:`],
    ['base64 of the DER', base64(cert)],
    ['percent-encoded base64', encodeURIComponent(base64(cert))],
  ] as const)
    t.equal((await askWith(header)).status, 200, name)
})

t.test('what cannot be read, or may be of several, is refused', async (t) => {
  const good = `:${base64(cert)}:`
  for (const header of [
    'x',
    ':',
    '::',
    ':AAAA:',
    '%',
    '%ff',
    `${good}, ${good}`,
    `${good}, :${base64(otherCert)}:`,
    `${encodeURIComponent(cert)},${encodeURIComponent(otherCert)}`,
    encodeURIComponent(cert + otherCert),
  ]) {
    const { status, body } = await askWith(header)
    t.strictSame([status, body['error']], [400, 'invalid_request'], header.slice(0, 40))
  }
})

t.test('without one, or with that of somebody else, nobody is authenticated', async (t) => {
  for (const header of [undefined, '', `:${base64(otherCert)}:`]) {
    const { status, body } = await askWith(header)
    t.strictSame([status, body['error']], [401, 'invalid_client'])
  }
})

t.test(
  'who is no trusted proxy is not believed, whomever it says that it speaks for',
  async (t) => {
    for (const headers of [
      {},
      { 'x-forwarded-for': '192.0.2.1' },
      { forwarded: 'for=192.0.2.1' },
    ]) {
      const { status, body } = await post(
        { issuer: sternUrl },
        '/token',
        service,
        { grant_type: 'client_credentials' },
        { ...headers, 'client-cert': `:${base64(cert)}:` },
      )
      t.strictSame([status, body['error']], [401, 'invalid_client'])
    }
    t.equal((await askWith('not even read', sternUrl)).status, 401)
  },
)

t.test("a public client's tokens, refresh tokens too, are bound to it (RFC 8705 §4)", async (t) => {
  const browser = await signIn(provider)
  const { code } = await authorize(provider, browser, spa, { scope: 'openid offline_access' })
  const without = await redeem(provider, spa, code)
  t.strictSame([without.status, without.body['error']], [400, 'invalid_request'])
  const { access_token: token, refresh_token } = toTokens(
    await redeem(provider, spa, code, {}, by(cert)),
  )
  t.match(decodeJwt(token)['cnf'], { 'x5t#S256': /^[\w-]{43}$/ })

  const userinfo = async (pem: string | undefined) => {
    const headers = { authorization: `Bearer ${token}`, ...by(pem) }
    return (await fetch(`${issuer}/userinfo`, { headers })).status
  }
  t.strictSame(
    [await userinfo(cert), await userinfo(otherCert), await userinfo(undefined)],
    [200, 401, 401],
  )

  const stolen = await refresh(provider, spa, refresh_token, {}, by(otherCert))
  t.strictSame([stolen.status, stolen.body['error']], [400, 'invalid_grant'])
  t.equal((await refresh(provider, spa, refresh_token, {}, by(cert))).status, 200)
})

t.test('the aliases are those of CLAVIGER_MTLS_ISSUER', async (t) => {
  const response = await fetch(`${issuer}/.well-known/openid-configuration`)
  t.match(await response.json(), {
    tls_client_certificate_bound_access_tokens: true,
    mtls_endpoint_aliases: { token_endpoint: 'https://mtls.example/token' },
  })
})
