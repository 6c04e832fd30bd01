/** A certificate for localhost and 127.0.0.1 that signs itself (RFC 5280), made anew, so that no key lies in the repository. */
import { generateKeyPairSync, sign } from 'node:crypto'

export interface SelfSigned {
  /** PEM */
  cert: string
  key: string
}

const oids = {
  commonName: '550403',
  subjectAltName: '551d11',
  ecdsaWithSha256: '2a8648ce3d040302',
  sha256WithRsa: '2a864886f70d01010b',
}
const [integer, bitString, octetString, nothing, oid, utf8String, utcTime, sequence, set] = [
  0x02, 0x03, 0x04, 0x05, 0x06, 0x0c, 0x17, 0x30, 0x31,
] as const
const context = (number: number, constructed: boolean) => 0x80 | (constructed ? 0x20 : 0) | number

export function createSelfSigned(type: 'ec' | 'rsa' = 'ec'): SelfSigned {
  const { publicKey, privateKey } =
    type === 'ec'
      ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
      : generateKeyPairSync('rsa', { modulusLength: 2048 })
  const algorithm =
    type === 'ec'
      ? der(sequence, named(oids.ecdsaWithSha256))
      : der(sequence, named(oids.sha256WithRsa), der(nothing))
  const name = der(
    sequence,
    der(set, der(sequence, named(oids.commonName), der(utf8String, Buffer.from('localhost')))),
  )
  const day = 24 * 60 * 60 * 1000
  const alternatives = der(
    sequence,
    der(context(2, false), Buffer.from('localhost')),
    der(context(7, false), Buffer.from([127, 0, 0, 1])),
  )
  const extension = der(sequence, named(oids.subjectAltName), der(octetString, alternatives))
  const body = der(
    sequence,
    der(context(0, true), der(integer, Buffer.from([2]))), // version 3
    der(integer, Buffer.from([1])),
    algorithm,
    name,
    der(sequence, time(Date.now() - day), time(Date.now() + day)),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(context(3, true), der(sequence, extension)),
  )
  const signature = sign('sha256', body, privateKey)
  const cert = der(sequence, body, algorithm, der(bitString, Buffer.from([0]), signature))
  return {
    cert: `-----BEGIN CERTIFICATE-----\n${cert.toString('base64')}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  }
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

function time(milliseconds: number): Buffer {
  const digits = new Date(milliseconds).toISOString().replaceAll(/\D/g, '').slice(2, 14)
  return der(utcTime, Buffer.from(`${digits}Z`))
}
