/** To whom a token is bound, and whether they present it. */
import { VerificationError } from './errors.ts'
import type { AccessTokenClaims } from './claims.ts'
import type { ProofOptions } from './dpop-proof.ts'

export interface Presentation {
  scheme?: 'Bearer' | 'DPoP'
  dpop?: { proof: string; method: string; url: string }
  certificate?: { sha256Thumbprint: string }
}

export type CheckBinding = (
  claims: AccessTokenClaims,
  token: string,
  presented: Presentation,
) => Promise<void> | undefined

/** C's file replaces this one. */
export function createBindingCheck(_options: ProofOptions & { now: () => number }): CheckBinding {
  return ({ cnf }, _token, { scheme }) => {
    if (cnf !== undefined || scheme === 'DPoP')
      throw new VerificationError('binding_missing', 'Not built here.')
    return undefined
  }
}
