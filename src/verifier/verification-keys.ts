/** The keys of a JWKS (RFC 7517 §5) that may verify a signature; what else is in it is skipped. */
import { importJWK, type CryptoKey } from 'jose'
import { isObject, type JsonObject } from './json.ts'

export interface VerificationKey {
  kid: string | undefined
  /** Imported once for each algorithm that it is good for. */
  byAlgorithm: ReadonlyMap<string, CryptoKey>
  /** The JWK as it was published: the same text is the same key. */
  jwk: string
}

interface KeyShape {
  kty: string
  crv?: string
  /** RFC 7518 §6, RFC 8037 §2: all that is public, and nothing else is taken. */
  members: readonly string[]
}

const rsa = { kty: 'RSA', members: ['n', 'e'] }
const ec = (crv: string): KeyShape => ({ kty: 'EC', crv, members: ['crv', 'x', 'y'] })
const ed25519 = { kty: 'OKP', crv: 'Ed25519', members: ['crv', 'x'] }

/** Signatures by a private key only: never `none`, never HS256 and its kin. */
const shapes = new Map<string, KeyShape>([
  ['RS256', rsa],
  ['RS384', rsa],
  ['RS512', rsa],
  ['PS256', rsa],
  ['PS384', rsa],
  ['PS512', rsa],
  ['ES256', ec('P-256')],
  ['ES384', ec('P-384')],
  ['ES512', ec('P-521')],
  ['EdDSA', ed25519],
  ['Ed25519', ed25519],
])

export const signatureAlgorithms: readonly string[] = [...shapes.keys()]

const leastRsaBits = 2048

/** Keys that are `held` already are not imported again, and stay the same objects. */
export async function importKeys(
  { keys: jwks }: JsonObject,
  algorithms: readonly string[],
  held: readonly VerificationKey[] = [],
): Promise<{ keys: VerificationKey[]; skipped: number }> {
  if (!Array.isArray(jwks)) throw new Error('The JWKS has no array of keys.')
  const published = [...new Set(jwks.map((jwk: unknown) => JSON.stringify(jwk)))]
  const imported = await Promise.all(
    published.map(async (jwk) => held.find((key) => key.jwk === jwk) ?? importKey(jwk, algorithms)),
  )
  const keys = imported.filter((key) => key !== undefined)
  return { keys, skipped: published.length - keys.length }
}

async function importKey(
  text: string,
  algorithms: readonly string[],
): Promise<VerificationKey | undefined> {
  const jwk: unknown = JSON.parse(text)
  if (!isObject(jwk) || !isForVerifying(jwk)) return undefined
  const imported = await Promise.all(
    algorithms.map(async (name) => [name, await importFor(name, jwk)] as const),
  )
  const byAlgorithm = new Map<string, CryptoKey>()
  for (const [name, key] of imported) if (key) byAlgorithm.set(name, key)
  const kid = jwk['kid'] as string | undefined
  return byAlgorithm.size > 0 ? { kid, byAlgorithm, jwk: text } : undefined
}

function isForVerifying({ kid, use, key_ops: operations, d }: JsonObject): boolean {
  return (
    (kid === undefined || typeof kid === 'string') &&
    (use === undefined || use === 'sig') &&
    (operations === undefined || (Array.isArray(operations) && operations.includes('verify'))) &&
    d === undefined // whoever reads the JWKS could sign with it
  )
}

async function importFor(name: string, jwk: JsonObject): Promise<CryptoKey | undefined> {
  const shape = shapes.get(name)
  const { kty, crv, alg } = jwk
  if (!shape || kty !== shape.kty || (shape.crv !== undefined && crv !== shape.crv))
    return undefined
  if (alg !== undefined && alg !== name) return undefined
  try {
    const members = shape.members.map((member) => [member, jwk[member]])
    const key = await importJWK({ kty: shape.kty, ...Object.fromEntries(members) }, name)
    if (key instanceof Uint8Array) return undefined
    const { modulusLength: bits } = key.algorithm as { modulusLength?: number }
    return bits !== undefined && bits < leastRsaBits ? undefined : key
  } catch {
    return undefined // broken, or unknown to this runtime
  }
}
