/** What the claims of an access token must say (RFC 9068 §4, RFC 7519 §4.1). */
import { excerpt, VerificationError } from './errors.ts'
import type { JsonObject } from './json.ts'

export interface AccessTokenClaims {
  iss: string
  sub?: string
  aud: string | string[]
  exp: number
  /** Always there when revocations are followed. */
  iat?: number
  nbf?: number
  jti?: string
  client_id?: string
  /** RFC 9068 §2.2.3: names separated by spaces. */
  scope?: string
  sid?: string
  grant_id?: string
  auth_time?: number
  amr?: string[]
  cnf?: JsonObject
  act?: JsonObject
  [claim: string]: unknown
}

type Scalar = string | number | boolean

/** Each claim must be the value, or an array with it; of several values it must have all. */
export type RequiredClaims = Readonly<Record<string, Scalar | readonly Scalar[]>>

export interface ClaimRules {
  issuer: string
  /** The token's aud must contain one of them. */
  audiences: readonly string[]
  /** Where revocations are followed, nothing can be judged without it. */
  needsIat: boolean
}

const numbers = ['exp', 'iat', 'nbf']
const strings = ['iss', 'sub', 'jti', 'client_id', 'sid', 'grant_id']

/** What stays true for as long as the token lives. */
export function checkClaims(payload: JsonObject, rules: ClaimRules): AccessTokenClaims {
  for (const name of ['iss', 'aud', 'exp', ...(rules.needsIat ? ['iat'] : [])])
    if (payload[name] === undefined)
      throw new VerificationError('claim_missing', `The token has no ${name}.`)
  for (const name of numbers)
    if (payload[name] !== undefined && !Number.isFinite(payload[name])) throw malformed(name)
  for (const name of strings)
    if (payload[name] !== undefined && typeof payload[name] !== 'string') throw malformed(name)

  const { iss, aud } = payload
  if (iss !== rules.issuer)
    throw new VerificationError(
      'issuer_mismatch',
      'The token is from another issuer than this service trusts.',
      { detail: excerpt('iss', iss) },
    )
  const audiences: unknown[] = Array.isArray(aud) ? aud : [aud]
  if (!audiences.every((one) => typeof one === 'string')) throw malformed('aud')
  if (!rules.audiences.some((audience) => audiences.includes(audience)))
    throw new VerificationError(
      'audience_mismatch',
      'The token is for another service. Ask the issuer for one with this audience.',
      { detail: excerpt('aud', audiences.join(' ')) },
    )
  return payload as unknown as AccessTokenClaims
}

export function checkTimes(
  { exp, nbf, iat }: Pick<AccessTokenClaims, 'exp' | 'nbf' | 'iat'>,
  nowMilliseconds: number,
  toleranceSeconds: number,
): void {
  const now = nowMilliseconds / 1000
  if (now - toleranceSeconds >= exp)
    throw new VerificationError('token_expired', 'The token is expired. Get a new one.')
  const latest = now + toleranceSeconds
  if (nbf !== undefined && nbf > latest)
    throw new VerificationError(
      'token_not_yet_valid',
      'The token is not valid yet. Compare the clocks.',
    )
  if (iat !== undefined && iat > latest)
    throw new VerificationError(
      'issued_in_future',
      'The token is issued in the future. Compare the clocks.',
    )
}

export function checkScopes(claims: AccessTokenClaims, needed: readonly string[]): void {
  if (needed.length === 0) return
  const granted = scopesOf(claims)
  if (!needed.every((scope) => granted.includes(scope)))
    throw new VerificationError(
      'scope_insufficient',
      `The token needs the scope ${needed.join(' ')}. Ask for it.`,
      { expected: { scopes: needed } },
    )
}

function scopesOf({ scope }: { scope?: unknown }): unknown[] {
  if (typeof scope === 'string') return scope.split(' ')
  return Array.isArray(scope) ? scope : [] // some issuers write an array
}

export function checkRequired(claims: AccessTokenClaims, required: RequiredClaims): void {
  for (const [name, values] of Object.entries(required)) {
    const claim = Object.hasOwn(claims, name) ? claims[name] : undefined
    const has: unknown[] = Array.isArray(claim) ? claim : [claim]
    // A value that is undefined, as for want of a setting, is not that of a token without the claim.
    if (![values].flat().every((value) => value !== undefined && has.includes(value)))
      throw new VerificationError(
        'claim_mismatch',
        `The ${name} of the token is not what this service needs.`,
        { detail: excerpt(name, claim) },
      )
  }
}

function malformed(name: string): VerificationError {
  return new VerificationError('token_malformed', `The ${name} of the token is of the wrong type.`)
}
