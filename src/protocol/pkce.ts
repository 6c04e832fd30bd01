/** Proof Key for Code Exchange (RFC 7636), with S256 as its only method (RFC 9700 §2.1.1). */
import { createHash, timingSafeEqual } from 'node:crypto'

export const codeChallengeMethods: readonly string[] = ['S256']

/** A SHA-256 hash in base64url (RFC 7636 §4.2). */
export function isCodeChallenge(text: string): boolean {
  return /^[\w-]{43}$/.test(text)
}

/** RFC 7636 §4.1. */
export function isCodeVerifier(text: string): boolean {
  return /^[\w.~-]{43,128}$/.test(text)
}

/** RFC 7636 §4.6. */
export function verifierMatches(verifier: string, challenge: string): boolean {
  if (!isCodeVerifier(verifier) || !isCodeChallenge(challenge)) return false
  const computed = createHash('sha256').update(verifier).digest('base64url')
  return timingSafeEqual(Buffer.from(computed), Buffer.from(challenge))
}
