/** DPoP proofs (RFC 9449 §4.3): whoever presents the token holds the key that it is bound to, for this very request. */
import {
  calculateJwkThumbprint,
  decodeProtectedHeader,
  jwtVerify,
  type JWK,
  type JWTPayload,
  type JWTVerifyOptions,
} from 'jose'
import { sha256 } from './digest.ts'
import { VerificationError } from './errors.ts'
import { createProofMemory, type ConsumeProof } from './proof-memory.ts'
import { normalizeTargetUri } from './target-uri.ts'

/** A proof as it came, and the request that it must be for. The same object is the same presentation. */
export interface PresentedProof {
  /** The value of the DPoP header. */
  proof: string
  method: string
  /** The URL that the client asked for; its query does not matter. */
  url: string
}

/** Nonces that the resource server hands out (RFC 9449 §9). */
export interface ProofNonces {
  /** The one to put into the next proof: unpredictable, 1 or more of the characters of a scope. */
  issue(): string | Promise<string>
  accepts(nonce: string): boolean | Promise<boolean>
}

export interface ProofOptions {
  /** How far the `iat` of a proof may be from this clock, either way. Default 60. */
  windowSeconds?: number
  /** How many proofs are remembered at a time in this process. Default 100,000. */
  maxProofs?: number
  /** A memory that several processes share, instead of this one's own. */
  consumeProof?: ConsumeProof
  nonces?: ProofNonces
}

/** What proofs may be signed with. */
export const proofAlgorithms = [
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
  'PS256',
  'PS384',
  'PS512',
  'RS256',
  'RS384',
  'RS512',
]

export type CheckProof = (
  presented: PresentedProof,
  bound: { token: string; jkt: string },
) => Promise<void>

const maxProofLength = 8192
const longestWindowSeconds = 3600
const privateMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'priv']

export function createProofCheck({
  now,
  windowSeconds = 60,
  maxProofs = 100_000,
  consumeProof = createProofMemory({ now, maxProofs }),
  nonces,
}: ProofOptions & { /** Milliseconds since 1970. */ now: () => number }): CheckProof {
  if (!(windowSeconds > 0 && windowSeconds <= longestWindowSeconds))
    throw new TypeError(
      `windowSeconds of dpop must be more than 0, and ${longestWindowSeconds} at most.`,
    )
  if (!(Number.isSafeInteger(maxProofs) && maxProofs > 0))
    throw new TypeError('maxProofs of dpop must be a whole number above 0.')
  /** A request may be judged several times on its way, for all of an API and for one route of it. */
  const acceptedFor = new WeakMap<PresentedProof, string>()

  async function requireNonce(nonce: unknown): Promise<void> {
    if (!nonces || (typeof nonce === 'string' && (await nonces.accepts(nonce)))) return
    throw new VerificationError(
      'proof_invalid',
      'Put the nonce of the DPoP-Nonce header into the DPoP proof.',
      {
        expected: { nonce: await nonces.issue() },
      },
    )
  }

  return async (presented, { token, jkt }) => {
    if (acceptedFor.get(presented) === token) return
    const { proof, method, url } = presented
    const { jwk, alg } = readHeader(proof)
    if ((await thumbprintOf(jwk)) !== jkt)
      throw new VerificationError(
        'binding_mismatch',
        'The token is bound to another key. Sign the DPoP proof with the key that the token was asked for with.',
      )
    const { jti, htm, htu, iat, ath, nonce } = await verifySignature(proof, jwk, {
      algorithms: [alg],
      currentDate: new Date(now()),
    })
    if (htm !== method)
      throw invalid(
        'The DPoP proof is for another method. Its htm must be the method of the request.',
      )
    if (!isSameTarget(htu, url))
      throw invalid(
        'The DPoP proof is for another URL. Its htu must be the URL of the request, without the query.',
      )
    if (ath !== (await sha256(token)))
      throw invalid(
        'The DPoP proof is for another token. Its ath must be the SHA-256 of the token.',
      )
    if (typeof iat !== 'number' || Math.abs(now() / 1000 - iat) > windowSeconds)
      throw invalid(
        'The DPoP proof is too old, or from the future. Make a new one, and set the clock.',
      )
    if (typeof jti !== 'string' || jti === '')
      throw invalid('The DPoP proof has no jti. Give each proof a new random one.')
    await requireNonce(nonce)
    const id = await sha256(`${jkt}.${jti}`)
    if (!(await consumeProof(id, iat + windowSeconds)))
      throw new VerificationError(
        'proof_replayed',
        'The DPoP proof was used before. Make a new one for each request.',
      )
    acceptedFor.set(presented, token)
  }
}

function readHeader(proof: string): { jwk: JWK; alg: string } {
  if (proof.includes(',')) throw invalid('Send one DPoP header with one proof.')
  if (proof.length > maxProofLength || !/^[\w-]+\.[\w-]+\.[\w-]+$/.test(proof))
    throw invalid('The DPoP proof is not a signed JWT of at most 8 KiB.')
  const { typ, alg, jwk } = decodeHeader(proof)
  if (typ?.toLowerCase() !== 'dpop+jwt') throw invalid('The typ of a DPoP proof is dpop+jwt.')
  if (alg === undefined || !proofAlgorithms.includes(alg))
    throw invalid(`Sign the DPoP proof with one of ${proofAlgorithms.join(', ')}.`)
  if (jwk === undefined || privateMembers.some((member) => member in jwk))
    throw invalid('Put the public key into the jwk of the DPoP proof, and nothing private.')
  return { jwk, alg }
}

function decodeHeader(proof: string): { typ?: string; alg?: string; jwk?: JWK } {
  try {
    const { typ, alg, jwk } = decodeProtectedHeader(proof)
    return {
      ...(typeof typ === 'string' && { typ }),
      ...(typeof alg === 'string' && { alg }),
      ...(typeof jwk === 'object' && jwk !== null && { jwk }),
    }
  } catch (cause) {
    throw invalid('The header of the DPoP proof is not JSON in base64url.', cause)
  }
}

async function thumbprintOf(jwk: JWK): Promise<string> {
  try {
    return await calculateJwkThumbprint(jwk)
  } catch (cause) {
    throw invalid('The jwk of the DPoP proof is not a public key.', cause)
  }
}

async function verifySignature(
  proof: string,
  jwk: JWK,
  options: JWTVerifyOptions,
): Promise<JWTPayload> {
  try {
    return (await jwtVerify(proof, jwk, options)).payload
  } catch (cause) {
    throw invalid('The DPoP proof is not signed by the key in its header.', cause)
  }
}

function isSameTarget(htu: unknown, url: string): boolean {
  const target = typeof htu === 'string' ? normalizeTargetUri(htu) : undefined
  return target !== undefined && target === normalizeTargetUri(url)
}

function invalid(message: string, cause?: unknown): VerificationError {
  return new VerificationError('proof_invalid', message, { cause })
}
