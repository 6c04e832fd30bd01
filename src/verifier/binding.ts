/** Whether whoever presents a token is the one it is bound to (RFC 7800 `cnf`): by DPoP (RFC 9449) or mutual TLS (RFC 8705). */
import { toBase64url } from './certificate.ts'
import {
  createProofCheck,
  type CheckProof,
  type PresentedProof,
  type ProofOptions,
} from './dpop-proof.ts'
import { VerificationError } from './errors.ts'
import type { AccessTokenClaims } from './verifier.ts'

/** The schemes of the Authorization header that carry access tokens. */
export type Scheme = 'Bearer' | 'DPoP'

/** How a token came: what its binding is checked against. */
export interface Presentation {
  scheme?: Scheme | undefined
  dpop?: PresentedProof | undefined
  /** Of the client certificate of the TLS connection: the SHA-256 of its DER, in base64url or hexadecimal. */
  certificate?: { sha256Thumbprint: string } | undefined
}

/** Throws, or rejects, with a VerificationError. Says so at once for a token that is not bound. */
export type CheckBinding = (
  claims: Pick<AccessTokenClaims, 'cnf'>,
  token: string,
  presented: Presentation,
) => Promise<void> | undefined

export function createBindingCheck(
  options: ProofOptions & { /** Milliseconds since 1970. */ now: () => number },
): CheckBinding {
  return bindingCheckBy(createProofCheck(options))
}

export function bindingCheckBy(checkProof: CheckProof): CheckBinding {
  return ({ cnf }, token, presented) => {
    const { jkt, thumbprint } = readConfirmation(cnf)
    if (thumbprint !== undefined) checkCertificate(thumbprint, presented)
    if (jkt !== undefined) return checkProof(requireProof(presented), { token, jkt })
    if (presented.scheme === 'DPoP')
      throw new VerificationError(
        'binding_mismatch',
        'The token is not bound to a DPoP key. Send it with the scheme Bearer.',
      )
    return undefined
  }
}

function readConfirmation(cnf: unknown): { jkt?: string; thumbprint?: string } {
  if (cnf === undefined) return {}
  const { jkt, 'x5t#S256': thumbprint, ...unknown } = Object(cnf) as Record<string, unknown>
  const known = [jkt, thumbprint].filter((value) => value !== undefined)
  const isUnderstood =
    known.length > 0 &&
    known.every((value) => typeof value === 'string') &&
    Object.keys(unknown).length === 0
  if (!isUnderstood)
    throw new VerificationError(
      'binding_mismatch',
      "The token's cnf binds it to something that is not supported here. Only jkt and x5t#S256 are.",
    )
  return { jkt, thumbprint } as { jkt?: string; thumbprint?: string }
}

function checkCertificate(thumbprint: string, { certificate }: Presentation): void {
  if (certificate === undefined)
    throw new VerificationError(
      'binding_missing',
      'The token is bound to a client certificate. Connect with that certificate.',
    )
  if (toBase64url(certificate.sha256Thumbprint) !== thumbprint)
    throw new VerificationError(
      'binding_mismatch',
      'The token is bound to another client certificate. Connect with the one it was asked for with.',
    )
}

function requireProof({ scheme = 'DPoP', dpop }: Presentation): PresentedProof {
  if (scheme === 'DPoP' && dpop !== undefined) return dpop
  throw new VerificationError(
    'binding_missing',
    'The token is bound to a DPoP key. Send it with the scheme DPoP, and a proof in the DPoP header.',
  )
}
