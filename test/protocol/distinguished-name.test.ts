import { X509Certificate } from 'node:crypto'
import t from 'tap'
import { hasSubject, parseDistinguishedName } from '../../src/protocol/distinguished-name.ts'
import { createCertificate, type CertificateOptions } from '../support/certificates.ts'

const withSubject = (subject: CertificateOptions['subject'] & object) =>
  new X509Certificate(createCertificate({ subject }).cert)

t.test('a subject is the one that is written, most specific first (RFC 4514 §2.1)', async (t) => {
  const certificate = withSubject([[['C', 'DE']], [['O', 'Example, Ltd.']], [['CN', 'client']]])
  for (const name of [
    String.raw`CN=client,O=Example\, Ltd.,C=DE`,
    String.raw`cn=client, o=Example\2C Ltd. , C = DE`,
    String.raw`2.5.4.3=client,OID.2.5.4.10=\45xample\, Ltd.,2.5.4.6=DE`,
  ])
    t.equal(hasSubject(certificate, name), true, name)
  for (const name of [
    String.raw`C=DE,O=Example\, Ltd.,CN=client`,
    String.raw`CN=Client,O=Example\, Ltd.,C=DE`,
    String.raw`CN=client,O=Example\, Ltd.`,
    String.raw`O=Example\, Ltd.,C=DE`,
    String.raw`CN=client,O=Example\, Ltd.,C=DE,DC=x`,
    String.raw`CN=client+O=Example\, Ltd.,C=DE`,
    'CN=client,O=Example, Ltd.,C=DE',
    '',
  ])
    t.equal(hasSubject(certificate, name), false, name)
})

t.test('no value can pass for several names', async (t) => {
  const tricks: [value: string, name: string][] = [
    ['client,O=Example', 'CN=client,O=Example'],
    ['client\nO=Example', 'O=Example,CN=client'],
    ['client\nO=Example', 'CN=client,O=Example'],
    ['client + O=Example', 'CN=client+O=Example'],
    [String.raw`client\, O=Example`, String.raw`CN=client\, O=Example`],
  ]
  for (const [value, name] of tricks)
    t.equal(hasSubject(withSubject([[['CN', value]]]), name), false, JSON.stringify(value))
})

t.test('what is special is escaped (RFC 4514 §2.4)', async (t) => {
  const values: [value: string, name: string][] = [
    ['a,b', String.raw`CN=a\,b`],
    ['a+b=c', String.raw`CN=a\+b=c`],
    ['"q"', String.raw`CN=\"q\"`],
    ['back\\slash', String.raw`CN=back\\slash`],
    ['a;<b>', String.raw`CN=a\;\<b\>`],
    ['#hash', String.raw`CN=\#hash`],
    [' space ', String.raw`CN=\ space\ `],
    ['back\\ ', String.raw`CN=back\\\ `],
    ['Lučić', String.raw`CN=Lu\C4\8Di\C4\87`],
    ['日本 🗝', 'CN=日本 🗝'],
    ['line\nfeed', String.raw`CN=line\0Afeed`],
  ]
  for (const [value, name] of values)
    t.equal(hasSubject(withSubject([[['CN', value]]]), name), true, name)
})

t.test('the attributes of one relative name have no order', async (t) => {
  const certificate = withSubject([
    [['C', 'DE']],
    [
      ['CN', 'client'],
      ['OU', 'a + b'],
    ],
  ])
  for (const name of [String.raw`CN=client+OU=a \+ b,C=DE`, String.raw`OU=a \+ b + CN=client,C=DE`])
    t.equal(hasSubject(certificate, name), true, name)
  t.equal(hasSubject(certificate, String.raw`CN=client,OU=a \+ b,C=DE`), false)
})

t.test('an e-mail address goes by each of its names', async (t) => {
  const certificate = withSubject([[['emailAddress', 'a@b.example']]])
  for (const type of ['E', 'emailAddress', '1.2.840.113549.1.9.1'])
    t.equal(hasSubject(certificate, `${type}=a@b.example`), true, type)
})

t.test('a certificate without a subject has none', async (t) => {
  for (const name of ['', 'CN=', 'CN=undefined', 'CN=x'])
    t.equal(hasSubject(withSubject([]), name), false)
})

t.test('what is no distinguished name is undefined', async (t) => {
  for (const text of [
    '',
    ',',
    'CN',
    '=x',
    'CN=a,',
    ',CN=a',
    'CN=a,,O=b',
    'CN=a\\',
    'CN=#0401',
    'CN=a+',
    'O="x, y"',
  ])
    t.equal(parseDistinguishedName(text), undefined, text)
})
