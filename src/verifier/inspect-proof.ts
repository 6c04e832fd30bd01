/** What a DPoP proof says, judged by itself and by the request that it came with (RFC 9449 §4.3). */
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
import { normalizeTargetUri } from './target-uri.ts'

const maxProofLength = 8192
const privateMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'priv']

/** A proof that is one for its request, by the key of this thumbprint. Its nonce and whether it is new are not judged yet. */
export interface InspectedProof {
  jkt: string
  /** Of its key and its jti. */
  id: string
  jti: string
  /** Seconds since 1970. */
  iat: number
  ath: unknown
  nonce: unknown
}

/** What of RFC 9449 §4.3 can be judged by the proof alone. `urls`: those that the request may have been sent to. */
export async function inspectProof(
  { proof, method, urls }: { proof: string; method: string; urls: readonly string[] },
  {
    now,
    windowSeconds,
    algorithms,
  }: {
    /** Milliseconds since 1970. */
    now: () => number
    windowSeconds: number
    algorithms: readonly string[]
  },
): Promise<InspectedProof> {
  const { jwk, alg } = readHeader(proof, algorithms)
  const jkt = await thumbprintOf(jwk)
  const { jti, htm, htu, iat, exp, ath, nonce } = await verifySignature(proof, jwk, {
    algorithms: [alg],
    currentDate: new Date(now()),
    clockTolerance: windowSeconds, // an nbf may be as far ahead as iat
  })
  if (exp !== undefined && exp * 1000 <= now()) throw invalid('The DPoP proof has expired.')
  if (htm !== method)
    throw invalid(
      'The DPoP proof is for another method. Its htm must be the method of the request.',
    )
  if (!urls.some((url) => isSameTarget(htu, url)))
    throw invalid(
      'The DPoP proof is for another URL. Its htu must be the URL of the request, without the query.',
    )
  if (typeof iat !== 'number' || Math.abs(now() / 1000 - iat) > windowSeconds)
    throw invalid(
      'The DPoP proof is too old, or from the future. Make a new one, and set the clock.',
    )
  if (typeof jti !== 'string' || jti === '')
    throw invalid('The DPoP proof has no jti. Give each proof a new random one.')
  return { jkt, id: await sha256(`${jkt}.${jti}`), jti, iat, ath, nonce }
}

export async function requireBoundProof(
  proof: Pick<InspectedProof, 'jkt' | 'ath'>,
  { token, jkt }: { token: string; jkt: string },
): Promise<void> {
  if (proof.jkt !== jkt)
    throw new VerificationError(
      'binding_mismatch',
      'The token is bound to another key. Sign the DPoP proof with the key that the token was asked for with.',
    )
  if (proof.ath !== (await sha256(token)))
    throw invalid('The DPoP proof is for another token. Its ath must be the SHA-256 of the token.')
}

function readHeader(proof: string, algorithms: readonly string[]): { jwk: JWK; alg: string } {
  if (proof.includes(',')) throw invalid('Send one DPoP header with one proof.')
  if (proof.length > maxProofLength || !/^[\w-]+\.[\w-]+\.[\w-]+$/.test(proof))
    throw invalid('The DPoP proof is not a signed JWT of at most 8 KiB.')
  const { typ, alg, jwk } = decodeHeader(proof)
  if (typ?.toLowerCase() !== 'dpop+jwt') throw invalid('The typ of a DPoP proof is dpop+jwt.')
  if (alg === undefined || !algorithms.includes(alg))
    throw invalid(`Sign the DPoP proof with one of ${algorithms.join(', ')}.`)
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
