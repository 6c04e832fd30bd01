/**
 * The one place that checks a JWT of this issuer when it comes back: key, signature, issuer, expiry where it matters, and
 * whether it was revoked. Whatever else is to be read of the database goes in the same round trip.
 */
import type { Clock } from '../database/clock.ts'
import type { Keyring } from '../keys/keyring.ts'
export { maxOwnTokenLength } from '../keys/own-tokens.ts'
import { verifyOwnToken, type OwnTokenClaims, type OwnTokenRules } from '../keys/own-tokens.ts'
import type { JsonObject } from '../protocol/json.ts'
import { exchangedFrom, type TokenOrigin } from '../verifier/not-before.ts'

export type OwnTokenVerdict<Beside> =
  | {
      valid: true
      claims: OwnTokenClaims
      origin: TokenOrigin
      isRevoked: boolean
      beside: Beside
    }
  /** `claims` where the signature was good. */
  | { valid: false; detail: string; claims?: OwnTokenClaims }

export interface OwnTokens {
  /** `readBeside` is called when the token is valid, at the same time as its revocations are read. */
  check<Beside>(
    token: string,
    rules: Pick<OwnTokenRules, 'typ' | 'allowExpired'>,
    readBeside: (claims: OwnTokenClaims) => Promise<Beside>,
  ): Promise<OwnTokenVerdict<Beside>>
}

export function createOwnTokens({
  keyring,
  revocations,
  issuer,
  clock,
}: {
  keyring: Pick<Keyring, 'find'>
  /** The database's, or those that this node holds in memory. */
  revocations: { isRevoked(token: TokenOrigin): boolean | Promise<boolean> }
  issuer: string
  clock: Pick<Clock, 'now'>
}): OwnTokens {
  return {
    async check(token, rules, readBeside) {
      const verdict = await verifyOwnToken(keyring, token, { ...rules, issuer, now: clock.now() })
      if (!verdict.valid) return verdict
      const { claims, header } = verdict
      const origin = originOf(header, claims)
      const [isRevoked, beside] = await Promise.all([
        revocations.isRevoked(origin),
        readBeside(claims),
      ])
      return { valid: true, claims, origin, isRevoked, beside }
    },
  }
}

/** What a token belongs to. An ID token names its client as its audience (OpenID Connect Core §2). */
export function originOf(
  header: { typ?: unknown; kid?: unknown },
  claims: JsonObject,
): TokenOrigin {
  const client = header.typ === 'JWT' ? claims['aud'] : claims['client_id']
  return {
    iat: Number(claims['iat']), // not a number: as if issued before everything
    kid: toText(header.kid),
    client_id: toText(client),
    sub: toText(claims['sub']),
    sid: toText(claims['sid']),
    grant_id: toText(claims['grant_id']),
    jti: toText(claims['jti']),
    exchanged_from: exchangedFrom(claims['exchanged_from']),
  }
}

function toText(claim: unknown): string | undefined {
  return typeof claim === 'string' ? claim : undefined
}
