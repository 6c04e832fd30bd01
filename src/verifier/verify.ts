/** The checks of a token in their order, and which of them a token that was seen before is spared. */
import type { CheckBinding, Presentation } from './binding.ts'
import {
  checkClaims,
  checkRequired,
  checkScopes,
  checkTimes,
  type AccessTokenClaims,
  type RequiredClaims,
} from './claims.ts'
import { sha256 } from './digest.ts'
import { VerificationError } from './errors.ts'
import type { Emit, VerifierEvent } from './events.ts'
import { maxTokenLength, type JwsHeader, type VerifySignature } from './jws.ts'
import type { KeySet } from './key-set.ts'
import { exchangedFrom } from './not-before.ts'
import type { VerifierRules } from './options.ts'
import type { Judged, RevocationCheck } from './revocation-check.ts'
import type { VerificationKey } from './verification-keys.ts'
import type { VerifiedTokens } from './verified-tokens.ts'

/** Frozen, as one may be answered many times. */
export interface VerifiedToken {
  readonly claims: AccessTokenClaims
  readonly header: JwsHeader
}

/** How the token came, and what this request needs besides what every token needs. */
export interface Presented extends Presentation {
  scopes?: readonly string[]
  claims?: RequiredClaims
}

/** Rejects with a VerificationError. */
export type Verify = (token: string, presented?: Presented) => Promise<VerifiedToken>

export interface Examined extends Judged {
  token: VerifiedToken
  key: VerificationKey
}

export function createVerify({
  rules,
  keys,
  verifySignature,
  checkBinding,
  revocations,
  tokens,
  now,
  emit,
}: {
  rules: Omit<VerifierRules, 'runtime' | 'timings'>
  keys: Pick<KeySet, 'trusts'>
  verifySignature: VerifySignature
  checkBinding: CheckBinding
  revocations: RevocationCheck | undefined
  /** Those that were found to be the issuer's, for this audience. */
  tokens: VerifiedTokens<Examined>
  now: () => number
  emit: Emit
}): Verify {
  const claimRules = { ...rules, needsIat: revocations !== undefined }
  const signatureRules = { typ: rules.types }

  /** A token that is longer is none. */
  const mayRemember = (jws: string) => rules.cacheSize > 0 && jws.length <= maxTokenLength

  async function examine(jws: string): Promise<Examined> {
    const { header, payload, key } = await verifySignature(jws, signatureRules)
    const claims = checkClaims(payload, claimRules)
    return { token: freeze({ claims, header }), key, origin: originOf(claims, key) }
  }

  function checkRequest({ claims }: VerifiedToken, presented: Presented): void {
    checkScopes(claims, presented.scopes ? [...rules.scopes, ...presented.scopes] : rules.scopes)
    checkRequired(claims, rules.claims)
    if (presented.claims) checkRequired(claims, presented.claims)
  }

  return async (jws, presented = {}) => {
    let examined: Examined | undefined
    try {
      if (typeof jws !== 'string' || jws === '')
        throw new VerificationError('token_missing', 'Send an access token.')
      const digest = mayRemember(jws) ? await sha256(jws) : undefined
      const seen = digest === undefined ? undefined : tokens.find(digest)
      const isTrusted = seen !== undefined && (await keys.trusts(seen.key))
      examined = isTrusted ? seen : await examine(jws)
      checkTimes(examined.token.claims, now(), rules.clockToleranceSeconds)
      if (!isTrusted && digest !== undefined) tokens.add(digest, examined)
      await checkBinding(examined.token.claims, jws, presented)
      checkRequest(examined.token, presented)
      const isSettled = !revocations || revocations.isSettled(examined)
      const type = isSettled ? 'accepted' : await revocations.judge(examined)
      emit({ type, ...describe(examined) })
      return examined.token
    } catch (error) {
      if (error instanceof VerificationError)
        emit({ type: 'refused', code: error.code, detail: error.detail, ...describe(examined) })
      throw error
    }
  }
}

function originOf({ iat = Number.NaN, ...claims }: AccessTokenClaims, key: VerificationKey) {
  const { client_id, sub, sid, grant_id, jti } = claims
  const parts = { kid: key.kid, client_id, sub, sid, grant_id, jti }
  return { iat, ...parts, exchanged_from: exchangedFrom(claims['exchanged_from']) }
}

function describe(examined: Examined | undefined): Partial<VerifierEvent> {
  if (!examined) return {}
  const { kid, jti, client_id, sub, sid } = examined.origin
  return { kid, jti, client_id, sub, sid }
}

/** With all that is in it. */
function freeze<Value extends object>(value: Value): Value {
  const parts: unknown[] = [value]
  for (const part of parts)
    if (typeof part === 'object' && part !== null) {
      Object.freeze(part)
      parts.push(...Object.values(part))
    }
  return value
}
