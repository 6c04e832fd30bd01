/** Verifies a JWT that this issuer signed itself: an access token, or an ID token that comes back as a hint. */
import { isPlainObject, type JsonObject } from '../protocol/json.ts'
import { algorithms } from './algorithms.ts'
import type { Keyring } from './keyring.ts'

export interface OwnTokenRules {
  /** The header's typ, such as `at+jwt`; one of several when more are welcome. */
  typ: string | readonly string[]
  issuer: string
  now: Date
  /** For id_token_hint (OpenID Connect RP-Initiated Logout §2): also when its key has left the JWKS since. */
  allowExpired?: boolean
}

export interface OwnTokenHeader {
  alg: string
  typ: string
  kid: string
}

export interface OwnTokenClaims extends JsonObject {
  iss: string
  exp: number
}

export type OwnTokenFault =
  | 'malformed'
  | 'wrong-type'
  | 'unknown-key'
  | 'revoked-key'
  | 'bad-signature'
  | 'wrong-issuer'
  | 'expired'
  | 'not-yet-valid'

export type OwnTokenVerdict =
  | { valid: true; header: OwnTokenHeader; claims: OwnTokenClaims; kid: string }
  /** `claims`: of a token whose signature is good. */
  | { valid: false; reason: OwnTokenFault; detail: string; claims?: OwnTokenClaims }

/** No token of ours is longer: the claims of users and clients are bounded. */
export const maxOwnTokenLength = 12 * 1024
/** A node's corrected clock lags by up to a round trip, so another node's token may seem to come from the future. */
const notBeforeToleranceSeconds = 5

export async function verifyOwnToken(
  keyring: Pick<Keyring, 'find'>,
  token: string,
  rules: OwnTokenRules,
): Promise<OwnTokenVerdict> {
  const parts = split(token)
  if (!parts) return refuse('malformed', 'The token is not a compact JWS of at most 12 KiB.')
  const header = parseHeader(parts.header)
  if (!header) return refuse('malformed', 'The header is not {alg, typ, kid}.')

  const key = keyring.find(header.kid)
  if (!key || (key.state === 'gone' && !rules.allowExpired))
    return refuse('unknown-key', `No key ${header.kid} is in the JWKS.`)
  if (key.state === 'revoked') return refuse('revoked-key', `The key ${header.kid} was revoked.`)
  if (![rules.typ].flat().includes(header.typ))
    return refuse('wrong-type', `The token is of the type ${header.typ}.`)
  if (header.alg !== key.alg)
    return refuse(
      'bad-signature',
      `The key ${header.kid} is for ${key.alg}, not for ${header.alg}.`,
    )
  if (!(await algorithms[key.alg].verify(parts.input, key.publicKey, parts.signature)))
    return refuse('bad-signature', 'The signature does not fit the token.')

  const claims = parseClaims(parts.payload)
  if (!claims) return refuse('malformed', 'The payload is not a JSON object with iss and exp.')
  if (claims.iss !== rules.issuer) return refuse('wrong-issuer', `The token is from ${claims.iss}.`)
  return checkTimes(claims, rules) ?? { valid: true, header, claims, kid: header.kid }
}

function checkTimes(claims: OwnTokenClaims, rules: OwnTokenRules) {
  const { exp, nbf } = claims
  const seconds = rules.now.getTime() / 1000
  if (seconds >= exp && !rules.allowExpired)
    return refuse('expired', `The token expired at ${new Date(exp * 1000).toISOString()}.`, claims)
  if (typeof nbf === 'number' && seconds + notBeforeToleranceSeconds < nbf)
    return refuse('not-yet-valid', 'The token is not valid yet.', claims)
  return undefined
}

function split(token: string) {
  if (token.length > maxOwnTokenLength || !/^[\w-]+\.[\w-]+\.[\w-]+$/.test(token)) return undefined
  const [header = '', payload = '', signature = ''] = token.split('.')
  const bytes = Buffer.from(signature, 'base64url')
  // The same bytes have several spellings in base64url; a token has one.
  if (bytes.toString('base64url') !== signature) return undefined
  return { header, payload, signature: bytes, input: Buffer.from(`${header}.${payload}`) }
}

function parseHeader(part: string): OwnTokenHeader | undefined {
  const header = parseObject(part)
  if (!header || Object.keys(header).length !== 3) return undefined
  const { alg, typ, kid } = header
  if (typeof alg !== 'string' || typeof typ !== 'string' || typeof kid !== 'string')
    return undefined
  return { alg, typ, kid }
}

function parseClaims(part: string): OwnTokenClaims | undefined {
  const claims = parseObject(part)
  const { iss, exp } = claims ?? {}
  return typeof iss === 'string' && typeof exp === 'number' ? { ...claims, iss, exp } : undefined
}

function parseObject(part: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString())
    return isPlainObject(value) ? value : undefined
  } catch {
    return undefined
  }
}

function refuse(
  reason: OwnTokenFault,
  detail: string,
  claims?: OwnTokenClaims,
): OwnTokenVerdict & { valid: false } {
  return { valid: false, reason, detail, ...(claims && { claims }) }
}
