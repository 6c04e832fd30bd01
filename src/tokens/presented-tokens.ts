/** Tokens of ours that a client presents to get another: an access token or an ID token that counts, and what it says. */
import type { Confirmation } from '../protocol/confirmation.ts'
import { isPlainObject, type JsonObject } from '../protocol/json.ts'
import { parseScope } from '../protocol/scopes.ts'
import type { Account, Accounts } from '../users/accounts.ts'
import type { TokenOrigin } from '../verifier/not-before.ts'
import type { AccessTokens } from './access-tokens.ts'
import type { OwnTokens } from './own-tokens.ts'

export type PresentedKind = 'access_token' | 'id_token'

export interface PresentedToken {
  kind: PresentedKind
  claims: JsonObject
  /** To whom it was issued. */
  clientId: string
  sub: string
  /** Undefined where `sub` is a client. */
  account: Account | undefined
  audience: string[]
  /** None in an ID token. */
  scope: string[]
  iat: number
  exp: number
  /** The key that it is bound to. */
  confirmation: Confirmation | undefined
  /** Who acts for the subject already (RFC 8693 §4.1). */
  act: JsonObject | undefined
  origin: TokenOrigin
}

export type PresentedVerdict =
  | { valid: true; token: PresentedToken }
  /** `claims`: of a token whose signature is good. */
  | { valid: false; detail: string; claims?: JsonObject }

export interface PresentedTokens {
  check(token: string, kind: PresentedKind): Promise<PresentedVerdict>
}

export function createPresentedTokens({
  accessTokens,
  ownTokens,
  accounts,
}: {
  accessTokens: Pick<AccessTokens, 'check'>
  ownTokens: Pick<OwnTokens, 'check'>
  accounts: Pick<Accounts, 'findBySubject'>
}): PresentedTokens {
  async function checkAccessToken(token: string): Promise<PresentedVerdict> {
    const verdict = await accessTokens.check(token)
    if (!verdict.valid) {
      const { reason: detail, claims } = verdict
      return { valid: false, detail, ...(claims && { claims: { ...claims } }) }
    }
    const { claims, origin, account } = verdict
    return {
      valid: true,
      token: {
        ...read('access_token', { ...claims }, origin),
        clientId: claims.client_id,
        account,
      },
    }
  }

  async function checkIdToken(token: string): Promise<PresentedVerdict> {
    const verdict = await ownTokens.check(token, { typ: 'JWT' }, ({ sub }) =>
      accounts.findBySubject(String(sub)),
    )
    if (!verdict.valid) return verdict
    const { claims, origin, isRevoked, beside: account } = verdict
    const refuse = (detail: string) => ({ valid: false as const, detail, claims })
    // Other JWTs of ours have the same typ.
    if (typeof claims['auth_time'] !== 'number' || !origin.sid || !origin.client_id)
      return refuse('The JWT is no ID token.')
    if (isRevoked) return refuse('The token was revoked.')
    if (!account || account.disabledAt) return refuse('The user is disabled or gone.')
    return {
      valid: true,
      token: { ...read('id_token', claims, origin), clientId: origin.client_id, account },
    }
  }

  return {
    check: (token, kind) =>
      kind === 'access_token' ? checkAccessToken(token) : checkIdToken(token),
  }
}

function read(kind: PresentedKind, claims: JsonObject, origin: TokenOrigin) {
  const { sub, aud, scope, exp, cnf, act } = claims
  return {
    kind,
    claims,
    sub: String(sub),
    audience: [aud].flat().map(String),
    scope: kind === 'access_token' && typeof scope === 'string' ? parseScope(scope) : [],
    iat: origin.iat,
    exp: Number(exp),
    confirmation: isPlainObject(cnf) ? cnf : undefined,
    act: isPlainObject(act) ? act : undefined,
    origin,
  }
}
