/** Whose certificates count, and by which of their names (RFC 8705 §2.1). */
import { X509Certificate } from 'node:crypto'
import t from 'tap'
import { hasAlternativeName } from '../../src/client-auth/alternative-names.ts'
import { isIssuedByOneOf, readAuthorities } from '../../src/client-auth/authorities.ts'
import { createCertificate, type CertificateOptions } from '../support/certificates.ts'

const parse = (options: CertificateOptions) => new X509Certificate(createCertificate(options).cert)
const day = 24 * 60 * 60 * 1000
const inDays = (days: number) => new Date(Date.now() + days * day)

t.test('alternative names are compared by type, hosts in any case', async (t) => {
  const certificate = parse({
    dns: ['client.example.com', 'a, DNS:trick.example.com'],
    uris: ['https://client.example.com/a,b', 'urn:x, URI:urn:trick'],
    emails: ['client@example.com'],
    ips: ['192.0.2.1', '2001:db8:0:0:0:0:0:1'],
  })
  const names = [
    ['DNS', 'client.example.com', true],
    ['DNS', 'CLIENT.example.com', true],
    ['URI', 'https://client.example.com/a,b', true],
    ['email', 'client@example.com', true],
    ['IP Address', '192.0.2.1', true],
    ['IP Address', '2001:db8::1', true],
    ['DNS', 'example.com', false],
    ['DNS', 'trick.example.com', false],
    ['URI', 'urn:trick', false],
    ['URI', 'client.example.com', false],
    ['email', 'Client@example.com', false],
    ['IP Address', '192.0.2.10', false],
    ['DNS', '', false],
  ] as const
  for (const [type, name, expected] of names)
    t.equal(hasAlternativeName(certificate, type, name), expected, `${type}:${name}`)
  t.equal(hasAlternativeName(parse({}), 'DNS', 'localhost'), false, 'not the common name')
})

t.test(
  'a certificate counts that an authority has issued for clients, while both are valid',
  async (t) => {
    const subject = [[['CN', 'An Authority']]] as const
    const authority = createCertificate({ subject, isAuthority: true })
    const namesake = createCertificate({ subject, isAuthority: true })
    const old = createCertificate({ subject, isAuthority: true, validTo: inDays(-0.5) })
    const leaf = createCertificate({ issuer: authority })
    const known = readAuthorities(authority.cert + old.cert)
    const judge = (options: CertificateOptions) =>
      isIssuedByOneOf(known, parse(options), new Date())
    t.equal(judge({ issuer: authority }), true)
    t.equal(judge({}), false, 'self-signed')
    t.equal(judge({ issuer: namesake }), false, 'of an authority of the same name')
    t.equal(judge({ issuer: old }), false, 'of an authority that has expired')
    t.equal(judge({ issuer: leaf }), false, 'of somebody whom the authority knows')
    t.equal(judge({ issuer: authority, isForServers: true }), false, 'for servers')
    t.equal(judge({ issuer: authority, validTo: inDays(-0.5) }), false, 'expired')
    t.equal(judge({ issuer: authority, validFrom: inDays(0.5) }), false, 'not valid yet')
    t.equal(isIssuedByOneOf([], parse({ issuer: authority }), new Date()), false, 'nobody is known')
  },
)

t.test('a file of authorities without any, or with something else, stops the start', async (t) => {
  const { cert, key } = createCertificate()
  for (const pem of ['', 'x', cert, key, cert.replace('MI', 'XX')])
    t.throws(() => readAuthorities(pem), /CLAVIGER_TLS_CLIENT_CA_FILE/)
})
