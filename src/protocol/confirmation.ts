/** The key that tokens are bound to (RFC 7800 `cnf`): a DPoP key (RFC 9449 §6.1) or a client certificate (RFC 8705 §3.1). */

export interface Confirmation {
  /** The JWK SHA-256 thumbprint (RFC 7638) of the key of the DPoP proofs. */
  jkt?: string
  /** The SHA-256 of the DER of the certificate, in base64url. */
  'x5t#S256'?: string
}

/** A SHA-256 in base64url. */
export function isThumbprint(text: string): boolean {
  return /^[\w-]{43}$/.test(text)
}

export type TokenType = 'Bearer' | 'DPoP'

export function tokenTypeOf(confirmation: Confirmation | undefined): TokenType {
  return confirmation?.jkt === undefined ? 'Bearer' : 'DPoP'
}
