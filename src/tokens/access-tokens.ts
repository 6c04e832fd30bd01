/** Checks an access token that this issuer signed, as its own endpoints accept it: good, alive, not revoked, its user too. */
import { isAboutUser } from '../protocol/claims.ts'
import type { Confirmation } from '../protocol/confirmation.ts'
import type { Account, Accounts } from '../users/accounts.ts'
import type { TokenOrigin } from '../verifier/not-before.ts'
import type { OwnTokens } from './own-tokens.ts'

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
  /** Asked for one by one (OpenID Connect Core §5.5). */
  userinfo_claims?: string[]
  cnf?: Confirmation
  [claim: string]: unknown
}

export type AccessTokenVerdict =
  /** `account` is the user's; a token of client_credentials has none. */
  | {
      valid: true
      claims: AccessTokenClaims
      origin: TokenOrigin
      account: Account | undefined
    }
  /** `claims`: of a token whose signature is good. */
  | { valid: false; reason: string; claims?: Readonly<Record<string, unknown>> }

export interface AccessTokens {
  check(token: string): Promise<AccessTokenVerdict>
}

export function createAccessTokens({
  ownTokens,
  accounts,
}: {
  ownTokens: Pick<OwnTokens, 'check'>
  accounts: Pick<Accounts, 'findBySubject'>
}): AccessTokens {
  return {
    async check(token) {
      const verdict = await ownTokens.check(token, { typ: 'at+jwt' }, async (claims) =>
        isAboutUser(claims) ? accounts.findBySubject(String(claims['sub'])) : undefined,
      )
      if (!verdict.valid) {
        const { detail: reason, claims } = verdict
        return { valid: false, reason, ...(claims && { claims }) }
      }
      const claims = verdict.claims as unknown as AccessTokenClaims // signed by us, so issued with this shape
      const account = verdict.beside
      if (verdict.isRevoked) return { valid: false, reason: 'The token was revoked.', claims }
      if (isAboutUser(claims) && (!account || account.disabledAt))
        return { valid: false, reason: 'The user is disabled or gone.', claims }
      return { valid: true, claims, origin: verdict.origin, account }
    },
  }
}
