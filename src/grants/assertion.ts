/** Reads an assertion about a user (RFC 7523 §3): who signed it, for whom, when, and whom it is about. */
import { createHash } from 'node:crypto'
import { createLocalJWKSet, decodeJwt, errors, jwtVerify } from 'jose'
import type { JWTPayload, JWTVerifyResult } from 'jose'
import type { AssertionIssuer } from '../clients/assertion-issuers.ts'
import { assertionAlgorithms } from '../clients/jwks.ts'
import { OAuthError, type ErrorOptions } from '../protocol/errors.ts'
import { normalizeType } from '../verifier/jws.ts'

export interface Assertion {
  /** Of its issuer and its jti. */
  hash: Buffer
  subject: { name: AssertionIssuer['subject']; value: string }
  issuedAt: Date
  expiresAt: Date
}

interface Rules {
  issuers: readonly AssertionIssuer[]
  audiences: readonly string[]
  skewSeconds: number
  now: Date
}

const types = new Set<unknown>(['', 'jwt'])
const maxLength = 8192
const maxJtiLength = 256
const maxSubLength = 320
const maxLifetimeSeconds = 3600

const advice: Readonly<Record<string, string>> = {
  iss: "Its iss must be one of the client's assertion_issuers.",
  aud: 'Its aud must be the issuer of this server, or its token endpoint, as one string.',
  exp: `It is expired, or its exp is missing or more than ${maxLifetimeSeconds} seconds ahead. Make a new one for each request.`,
  nbf: 'Its nbf must be a number that is not in the future. Compare the clocks.',
  iat: 'Its iat must be there, a number that is not in the future. Compare the clocks.',
  jti: `Its jti must be a string of 1 to ${maxJtiLength} characters.`,
  sub: `Its sub must be a string of 1 to ${maxSubLength} characters.`,
  typ: 'Its typ must be JWT, or left out.',
}

/** Refuses with invalid_grant, and says which claim is wrong once the signature is known to be the issuer's. */
export async function readAssertion(text: string, rules: Rules): Promise<Assertion> {
  if (text.length > maxLength) throw refuseAssertion(`Keep it within ${maxLength} characters.`)
  const issuer = findIssuer(text, rules)
  const { payload, protectedHeader } = await verify(text, issuer, rules)
  // RFC 8725 §3.11: an access token or a logout token is no assertion, whoever signed it.
  if (!types.has(normalizeType(protectedHeader.typ))) throw refuseClaim('typ')
  const faulty = findFaultyClaim(payload, rules)
  if (faulty !== undefined) throw refuseClaim(faulty)
  const { iss, sub, jti, iat, exp } = payload
  return {
    hash: createHash('sha256')
      .update(JSON.stringify(['jwt-bearer', iss, jti])) // those of clients are of two parts
      .digest(),
    subject: { name: issuer.subject, value: String(sub) },
    issuedAt: new Date(Number(iat) * 1000),
    expiresAt: new Date(Number(exp) * 1000),
  }
}

export function refuseAssertion(
  reason: string,
  options: Pick<ErrorOptions, 'detail' | 'cause'> = {},
): OAuthError {
  return new OAuthError('invalid_grant', `The assertion is refused. ${reason}`, options)
}

/** By what it says itself, before anything in it is proven. */
function findIssuer(text: string, { issuers }: Rules): AssertionIssuer {
  let iss: unknown
  try {
    ;({ iss } = decodeJwt(text))
  } catch (cause) {
    throw refuseAssertion('It is not a signed JWT.', { cause })
  }
  const issuer = issuers.find((one) => one.issuer === iss)
  if (!issuer) throw refuseClaim('iss')
  return issuer
}

/** The signature, and the times that jose checks with it. */
async function verify(
  text: string,
  { jwks }: AssertionIssuer,
  { skewSeconds, now }: Rules,
): Promise<JWTVerifyResult> {
  try {
    return await jwtVerify(text, createLocalJWKSet(jwks), {
      algorithms: [...assertionAlgorithms],
      clockTolerance: skewSeconds,
      currentDate: now,
    })
  } catch (error) {
    if (error instanceof errors.JWTClaimValidationFailed || error instanceof errors.JWTExpired)
      throw refuseClaim(error.claim)
    throw refuseAssertion(
      `Its signature does not match a key of its issuer in the client's assertion_issuers, by ${assertionAlgorithms.join(', ')}.`,
      { detail: String(error), cause: error },
    )
  }
}

function findFaultyClaim(
  { aud, exp, iat, jti, sub }: JWTPayload,
  { audiences, skewSeconds, now }: Rules,
): string | undefined {
  const latest = now.getTime() / 1000 + skewSeconds
  if (typeof aud !== 'string' || !audiences.includes(aud)) return 'aud'
  if (exp === undefined || exp > latest + maxLifetimeSeconds) return 'exp'
  if (iat === undefined || iat > latest) return 'iat'
  if (!isText(jti, maxJtiLength)) return 'jti'
  return isText(sub, maxSubLength) ? undefined : 'sub'
}

function isText(value: unknown, longest: number): boolean {
  return typeof value === 'string' && value !== '' && value.length <= longest
}

function refuseClaim(claim: string): OAuthError {
  return refuseAssertion(advice[claim] ?? `Its ${claim} is wrong.`)
}
