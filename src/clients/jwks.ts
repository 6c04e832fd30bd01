/** The public keys with which a client signs (RFC 7591 §2 jwks and jwks_uri, RFC 7517). */
import { createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto'
import type { JWK } from 'jose'
import { isPlainObject, type JsonObject } from '../protocol/json.ts'
import type { Rule } from './rules.ts'

/** What a client may sign its assertions with: asymmetric, and never none. */
export const assertionAlgorithms: readonly string[] = ['RS256', 'PS256', 'ES256', 'EdDSA']

const maxKeys = 20
const minRsaBits = 2048
const privateMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'priv']

export const publicKeySet: Rule = (name, value) => {
  const keys = isPlainObject(value) ? value.keys : undefined
  if (!Array.isArray(keys) || keys.length === 0 || keys.length > maxKeys)
    return `${name}: Give a JSON Web Key Set: {"keys": […]} with 1 to ${maxKeys} public keys.`
  const faults = keys.flatMap((key, index) => {
    const fault = findKeyFault(key)
    return fault === undefined ? [] : `${name}.keys[${index}]: ${fault}`
  })
  if (faults.length > 0) return faults.join(' ')
  const kids = new Set(keys.map((key: JsonObject) => key.kid))
  return kids.size < keys.length || (keys.length > 1 && kids.has(undefined))
    ? `${name}: Give each of several keys a kid of its own.`
    : undefined
}

/**
 * The keys of a fetched set that can be used: others may be for somebody else (RFC 7517 §5), but a set that gives a
 * secret away, or one kid to several keys, is no set to trust.
 */
export function readKeySet(document: unknown): JWK[] | { failure: string } {
  const keys = isPlainObject(document) ? document.keys : undefined
  if (!Array.isArray(keys)) return { failure: 'an answer that is not a JSON Web Key Set' }
  if (keys.length > maxKeys) return { failure: `more than ${maxKeys} keys` }
  if (keys.some(isSecret)) return { failure: 'a private or symmetric key' }
  const usable = keys.filter((key): key is JWK => findKeyFault(key) === undefined)
  if (usable.length === 0) return { failure: 'no RSA, EC or OKP public key that can be used' }
  const kids = usable.flatMap(({ kid }) => kid ?? [])
  return new Set(kids).size < kids.length ? { failure: 'one kid for several keys' } : usable
}

/** Whether a key of the set could verify a signature made with `algorithm`. */
export function canVerify(keys: readonly JWK[], algorithm: string): boolean {
  return keys.some((key) => {
    const { alg, use, crv, kty } = key
    const fits =
      algorithm === 'ES256'
        ? crv === 'P-256'
        : algorithm === 'EdDSA'
          ? crv === 'Ed25519'
          : kty === 'RSA'
    return fits && (alg === undefined || alg === algorithm) && (use === undefined || use === 'sig')
  })
}

function isSecret(key: unknown): boolean {
  return isPlainObject(key) && privateMembers.some((member) => Object.hasOwn(key, member))
}

function findKeyFault(key: unknown): string | undefined {
  if (!isPlainObject(key)) return 'Give a JSON Web Key (RFC 7517).'
  if (key.kty === 'oct') return 'Symmetric keys are not accepted. Give a public key.'
  if (isSecret(key))
    return 'This is a private key. Give only its public part, and replace it if others could see it.'
  if (key.kid !== undefined && (typeof key.kid !== 'string' || key.kid === ''))
    return 'Its kid must be a non-empty string.'
  let publicKey: KeyObject
  try {
    publicKey = createPublicKey({ key: key as JsonWebKey, format: 'jwk' })
  } catch {
    return 'It is not a usable RSA, EC or OKP public key.'
  }
  const bits = publicKey.asymmetricKeyDetails?.modulusLength
  return bits !== undefined && bits < minRsaBits
    ? `RSA keys need at least ${minRsaBits} bits.`
    : undefined
}
