/** How each signature algorithm makes keys, signs and verifies (RFC 7518 §3, RFC 8037 §3). A new one is one entry here. */
import { constants, generateKeyPair, sign, verify } from 'node:crypto'
import type { JsonWebKey, KeyObject } from 'node:crypto'
import { promisify } from 'node:util'
import { calculateJwkThumbprint } from 'jose'
import type { SigningAlg } from '../protocol/signing-algs.ts'

export interface AlgorithmSettings {
  rsaKeyBits: number
}

/** A public key (RFC 7517 §4) without the members that say what it is for. */
export type PublicJwk =
  | { kty: 'RSA'; n: string; e: string }
  | { kty: 'EC'; crv: string; x: string; y: string }
  | { kty: 'OKP'; crv: string; x: string }

interface Algorithm {
  /** Picks the public members (RFC 7518 §6) one by one, so that no private one can ever be among them. */
  toPublicJwk(jwk: JsonWebKey): PublicJwk
  generate(settings: AlgorithmSettings): Promise<{ privateKey: KeyObject; publicKey: KeyObject }>
  sign(data: Buffer, key: KeyObject): Promise<Buffer>
  verify(data: Buffer, key: KeyObject, signature: Buffer): boolean | Promise<boolean>
}

const generate = promisify(generateKeyPair)
const ieee = { dsaEncoding: 'ieee-p1363' } as const
/** RFC 7518 §3.5: the salt is as long as the hash. */
const pss = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 } as const

export const algorithms: Record<SigningAlg, Algorithm> = {
  RS256: {
    toPublicJwk: ({ n = '', e = '' }) => ({ kty: 'RSA', n, e }),
    generate: ({ rsaKeyBits }) => generate('rsa', { modulusLength: rsaKeyBits }),
    sign: (data, key) => signOffThread('sha256', data, { key }),
    // Cheaper than the hop to the thread pool.
    verify: (data, key, signature) => verify('sha256', data, key, signature),
  },
  ES256: {
    toPublicJwk: ({ crv = '', x = '', y = '' }) => ({ kty: 'EC', crv, x, y }),
    generate: () => generate('ec', { namedCurve: 'P-256' }),
    sign: (data, key) => signOffThread('sha256', data, { key, ...ieee }),
    verify: (data, key, signature) => verifyOffThread('sha256', data, { key, ...ieee }, signature),
  },
  PS256: {
    toPublicJwk: ({ n = '', e = '' }) => ({ kty: 'RSA', n, e }),
    generate: ({ rsaKeyBits }) => generate('rsa', { modulusLength: rsaKeyBits }),
    sign: (data, key) => signOffThread('sha256', data, { key, ...pss }),
    verify: (data, key, signature) => verify('sha256', data, { key, ...pss }, signature),
  },
  EdDSA: {
    toPublicJwk: ({ crv = '', x = '' }) => ({ kty: 'OKP', crv, x }),
    generate: () => generate('ed25519', {}),
    // Ed25519 hashes by itself.
    sign: (data, key) => signOffThread(null, data, { key }),
    verify: (data, key, signature) => verifyOffThread(null, data, { key }, signature),
  },
}

export function toPublicJwk(alg: SigningAlg, key: KeyObject): PublicJwk {
  return algorithms[alg].toPublicJwk(key.export({ format: 'jwk' }))
}

/** RFC 7638: the same key has the same kid, whoever computes it. */
export function kidOf(publicJwk: PublicJwk): Promise<string> {
  return calculateJwkThumbprint(publicJwk, 'sha256')
}

type Digest = 'sha256' | null

type SignKey = Parameters<typeof sign>[2] & object
type VerifyKey = Parameters<typeof verify>[2] & object

function signOffThread(digest: Digest, data: Buffer, key: SignKey): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    sign(digest, data, key, (error, signature) => {
      if (error) reject(error)
      else resolve(signature)
    })
  })
}

function verifyOffThread(
  digest: Digest,
  data: Buffer,
  key: VerifyKey,
  signature: Buffer,
): Promise<boolean> {
  return new Promise((resolve, reject) => {
    verify(digest, data, key, signature, (error, isGood) => {
      if (error) reject(error)
      else resolve(isGood)
    })
  })
}
