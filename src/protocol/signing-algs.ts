/** The JWS algorithms that this provider signs with (RFC 7518 §3.1). Never `none`, never a symmetric one. */
export const signingAlgs = ['RS256', 'ES256'] as const

export type SigningAlg = (typeof signingAlgs)[number]
