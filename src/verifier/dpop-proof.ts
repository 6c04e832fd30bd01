/** DPoP proofs (RFC 9449 §4.3): whoever presents the token holds the key that it is bound to, for this very request. */
import { VerificationError } from './errors.ts'
import { inspectProof, requireBoundProof } from './inspect-proof.ts'
import { createProofMemory, type ConsumeProof } from './proof-memory.ts'

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

const longestWindowSeconds = 3600

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
    throw nonceNeeded(await nonces.issue())
  }

  return async (presented, { token, jkt }) => {
    if (acceptedFor.get(presented) === token) return
    const { proof, method, url } = presented
    const inspected = await inspectProof(
      { proof, method, urls: [url] },
      { now, windowSeconds, algorithms: proofAlgorithms },
    )
    await requireBoundProof(inspected, { token, jkt })
    await requireNonce(inspected.nonce)
    if (!(await consumeProof(inspected.id, inspected.iat + windowSeconds))) throw replayed()
    acceptedFor.set(presented, token)
  }
}

export function nonceNeeded(nonce: string): VerificationError {
  return new VerificationError(
    'proof_invalid',
    'Put the nonce of the DPoP-Nonce header into the DPoP proof.',
    { expected: { nonce } },
  )
}

export function replayed(): VerificationError {
  return new VerificationError(
    'proof_replayed',
    'The DPoP proof was used before. Make a new one for each request.',
  )
}
