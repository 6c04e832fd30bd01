/** Client identifiers, and the secrets that an administrator chose (RFC 6749 §2.2, §2.3.1). */
import { randomUUID } from 'node:crypto'

const goodLength = 32
const clientIdPattern = /^[\x21\x23\x24\x26-\x2a\x2c-\x39\x3b-\x5b\x5d-\x7e]{1,128}$/

export function createClientId(): string {
  return randomUUID()
}

/** Printable ASCII without space and without what HTTP Basic or a form could garble: : % + " \ */
export function isClientId(text: unknown): text is string {
  return typeof text === 'string' && clientIdPattern.test(text)
}

/** Whether a secret that an administrator chose can be used: 1 to 512 characters of printable ASCII. */
export function isClientSecret(text: unknown): text is string {
  return typeof text === 'string' && /^[\x20-\x7e]{1,512}$/.test(text)
}

/** What speaks against a secret that an administrator chose, in sentences. */
export function warnOfSecret(secret: string): string[] {
  const warnings: string[] = []
  if (secret.length < goodLength)
    warnings.push(
      `The client_secret has fewer than ${goodLength} characters and may be guessed. Leave it out to get a strong one.`,
    )
  if (/[^\w.~-]/.test(secret))
    warnings.push(
      'The client_secret has characters that a client must percent-encode in HTTP Basic (RFC 6749 §2.3.1); many do not.',
    )
  return warnings
}
