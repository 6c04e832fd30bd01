/** Checks an access token that this issuer signed, as its own endpoints accept it: good, alive, not revoked, its user too. */
import type { Clock } from '../database/clock.ts'
import type { Keyring } from '../keys/keyring.ts'
import { verifyOwnToken } from '../keys/own-tokens.ts'
import type { Revocations } from '../revocation/revocations.ts'
import type { Account, Accounts } from '../users/accounts.ts'

/** RFC 9068 §2.2, as tokens/issuer.ts writes them. */
export interface AccessTokenClaims {
  iss: string
  sub: string
  aud: string | string[]
  exp: number
  iat: number
  jti: string
  client_id: string
  scope?: string
  sid?: string
  grant_id?: string
  [claim: string]: unknown
}

export type AccessTokenVerdict =
  /** `account` is the user's; a token of client_credentials has none. */
  | { valid: true; claims: AccessTokenClaims; account: Account | undefined }
  /** `claims`: of a token whose signature is good. */
  | { valid: false; reason: string; claims?: Readonly<Record<string, unknown>> }

export interface AccessTokens {
  check(token: string): Promise<AccessTokenVerdict>
}

export function createAccessTokens({
  keyring,
  revocations,
  accounts,
  issuer,
  clock,
}: {
  keyring: Pick<Keyring, 'find'>
  revocations: Pick<Revocations, 'isRevoked'>
  accounts: Pick<Accounts, 'findBySub'>
  issuer: string
  clock: Pick<Clock, 'now'>
}): AccessTokens {
  return {
    async check(token) {
      const verdict = await verifyOwnToken(keyring, token, {
        typ: 'at+jwt',
        issuer,
        now: clock.now(),
      })
      if (!verdict.valid) {
        const { detail: reason, claims } = verdict
        return { valid: false, reason, ...(claims && { claims }) }
      }
      const claims = verdict.claims as unknown as AccessTokenClaims // signed by us, so issued with this shape
      const ofUser = claims.grant_id !== undefined
      const [revoked, account] = await Promise.all([
        revocations.isRevoked({ ...claims, kid: verdict.kid }),
        ofUser ? accounts.findBySub(claims.sub) : undefined,
      ])
      if (revoked) return { valid: false, reason: 'The token was revoked.', claims }
      if (ofUser && (!account || account.disabledAt))
        return { valid: false, reason: 'The user is disabled or gone.', claims }
      return { valid: true, claims, account }
    },
  }
}
