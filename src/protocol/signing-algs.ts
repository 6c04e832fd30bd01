/** The JWS algorithms that this provider can sign with (RFC 7518 §3.1, RFC 8037). Never `none`, never a symmetric one. */
export const signingAlgs = ['RS256', 'ES256', 'PS256', 'EdDSA'] as const

export type SigningAlg = (typeof signingAlgs)[number]

/** Always in use: RS256 because OpenID Connect Core §15.1 asks for it, ES256 because it is ten times cheaper to make. */
export const requiredSigningAlgs: readonly SigningAlg[] = ['RS256', 'ES256']
