/** Certificates (RFC 5280) as a test wants them, made anew, so that no key lies in the repository. */
import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto'
import { isIPv4 } from 'node:net'

export interface Certificate {
  /** PEM */
  cert: string
  key: string
  issues: { subject: Buffer; privateKey: KeyObject }
}

/** Relative names, the most general first; an attribute is a name below and its value. */
type Names = readonly (readonly (readonly [type: keyof typeof attributeTypes, value: string])[])[]

export interface CertificateOptions {
  keyType?: 'ec' | 'rsa'
  subject?: Names
  dns?: readonly string[]
  uris?: readonly string[]
  emails?: readonly string[]
  ips?: readonly string[]
  isAuthority?: boolean
  /** Extended key usage: for servers only. */
  isForServers?: boolean
  validFrom?: Date
  validTo?: Date
  /** Absent: it signs itself. */
  issuer?: Certificate
}

const day = 24 * 60 * 60 * 1000
const ecdsaWithSha256 = '2a8648ce3d040302'
const sha256WithRsa = '2a864886f70d01010b'
const attributeTypes = {
  CN: '550403',
  C: '550406',
  O: '55040a',
  OU: '55040b',
  emailAddress: '2a864886f70d010901',
} as const
const [boolean, integer, bitString, octetString, nothing, oid, utf8String, utcTime, sequence, set] =
  [0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x0c, 0x17, 0x30, 0x31] as const
const context = (number: number, constructed: boolean) => 0x80 | (constructed ? 0x20 : 0) | number
let serial = 0

export function createCertificate({
  keyType = 'ec',
  subject = [[['CN', 'localhost']]],
  dns = [],
  uris = [],
  emails = [],
  ips = [],
  isAuthority = false,
  isForServers = false,
  validFrom = new Date(Date.now() - day),
  validTo = new Date(Date.now() + day),
  issuer,
}: CertificateOptions = {}): Certificate {
  const { publicKey, privateKey } =
    keyType === 'ec'
      ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
      : generateKeyPairSync('rsa', { modulusLength: 2048 })
  const name = der(sequence, ...subject.map((attributes) => der(set, ...attributes.map(attribute))))
  const by = issuer?.issues ?? { subject: name, privateKey }
  const algorithm =
    by.privateKey.asymmetricKeyType === 'ec'
      ? der(sequence, named(ecdsaWithSha256))
      : der(sequence, named(sha256WithRsa), der(nothing))
  const alternatives = [
    ...emails.map((email) => der(context(1, false), Buffer.from(email))),
    ...dns.map((host) => der(context(2, false), Buffer.from(host))),
    ...uris.map((uri) => der(context(6, false), Buffer.from(uri))),
    ...ips.map((ip) => der(context(7, false), octetsOf(ip))),
  ]
  const extensions = [
    ...(alternatives.length > 0 ? [extension('551d11', der(sequence, ...alternatives))] : []),
    ...(isAuthority ? [extension('551d13', der(sequence, der(boolean, Buffer.from([0xff]))))] : []),
    ...(isForServers ? [extension('551d25', der(sequence, named('2b06010505070301')))] : []),
  ]
  serial += 1
  const body = der(
    sequence,
    der(context(0, true), der(integer, Buffer.from([2]))), // version 3
    der(integer, Buffer.from([serial])),
    algorithm,
    by.subject,
    der(sequence, time(validFrom), time(validTo)),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    ...(extensions.length > 0 ? [der(context(3, true), der(sequence, ...extensions))] : []),
  )
  const signature = sign('sha256', body, by.privateKey)
  const cert = der(sequence, body, algorithm, der(bitString, Buffer.from([0]), signature))
  return {
    cert: `-----BEGIN CERTIFICATE-----\n${cert.toString('base64')}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    issues: { subject: name, privateKey },
  }
}

function attribute([type, value]: readonly [keyof typeof attributeTypes, string]): Buffer {
  return der(sequence, named(attributeTypes[type]), der(utf8String, Buffer.from(value)))
}

function extension(id: string, content: Buffer): Buffer {
  return der(sequence, named(id), der(octetString, content))
}

function octetsOf(ip: string): Buffer {
  return isIPv4(ip)
    ? Buffer.from(ip.split('.').map(Number))
    : Buffer.from(
        ip
          .split(':')
          .map((group) => group.padStart(4, '0'))
          .join(''),
        'hex',
      )
}

function der(tag: number, ...contents: Buffer[]): Buffer {
  const content = Buffer.concat(contents)
  const { length } = content
  const size =
    length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from([tag, ...size]), content])
}

function named(hex: string): Buffer {
  return der(oid, Buffer.from(hex, 'hex'))
}

function time(instant: Date): Buffer {
  const digits = instant.toISOString().replaceAll(/\D/g, '').slice(2, 14)
  return der(utcTime, Buffer.from(`${digits}Z`))
}
