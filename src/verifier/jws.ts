/** A signed JWT of the issuer (RFC 7515, RFC 7519, RFC 8725): its form, its header's pins, its signature. */
import { compactVerify, errors, type CompactJWSHeaderParameters, type CryptoKey } from 'jose'
import { describeError, excerpt, VerificationError } from './errors.ts'
import { parseObject, type JsonObject } from './json.ts'
import type { KeySet } from './key-set.ts'
import type { VerificationKey } from './verification-keys.ts'

export interface SignatureRules {
  /** Which are welcome, as normalizeType writes them; the empty one stands for a header without typ. */
  typ: string | readonly string[]
  /** Those of the verifier unless said otherwise. */
  algorithms?: readonly string[]
  /** In characters; 16 KiB unless said otherwise. */
  maxLength?: number
}

export interface JwsHeader {
  alg: string
  typ?: string
  kid?: string
}

export interface VerifiedJws {
  header: JwsHeader
  payload: JsonObject
  key: VerificationKey
}

/** Rejects with a VerificationError. */
export type VerifySignature = (jws: string, rules: SignatureRules) => Promise<VerifiedJws>

export const maxTokenLength = 16 * 1024
const maxKidLength = 1024

export function createVerifySignature({
  keys,
  algorithms: usual,
}: {
  keys: Pick<KeySet, 'get'>
  algorithms: readonly string[]
}): VerifySignature {
  return async (jws, { typ, algorithms = usual, maxLength = maxTokenLength }) => {
    if (jws.length > maxLength || !isCompactJws(jws)) throw malformed()
    let header: JwsHeader | undefined
    let key: VerificationKey | undefined
    const findKey = async (claimed: CompactJWSHeaderParameters): Promise<CryptoKey> => {
      header = checkHeader(claimed, typ)
      key = await keys.get(header.kid, header.alg)
      return key.byAlgorithm.get(header.alg)!
    }
    const { payload: bytes } = await compactVerify(jws, findKey, {
      algorithms: [...algorithms],
    }).catch((error: unknown) => {
      throw refuse(error)
    })
    const payload = parseObject(bytes)
    if (!payload || !header || !key) throw malformed()
    return { header, payload, key }
  }
}

/** The same bytes have several spellings in base64url; a token has one (RFC 4648 §3.5), so that it has one digest. */
function isCompactJws(text: string): boolean {
  if (!/^[\w-]+\.[\w-]+\.[\w-]*$/.test(text)) return false
  return text.split('.').every((part) => {
    const unused = part.length % 4
    return (
      unused === 0 || (unused > 1 && (unused === 2 ? /[AQgw]$/ : /[AEIMQUYcgkosw048]$/).test(part))
    )
  })
}

/** The rest of the header is ignored: a key or a URL that a token brings along proves nothing (RFC 8725 §3.10). */
function checkHeader(
  { alg, typ, kid, crit }: Record<string, unknown>,
  welcome: string | readonly string[],
): JwsHeader {
  if (crit !== undefined || typeof alg !== 'string') throw malformed()
  if (!isWelcome(normalizeType(typ), welcome))
    throw new VerificationError(
      'token_type',
      'The token is of another type than is welcome here. Send an access token.',
      { detail: excerpt('typ', typ) },
    )
  if (kid !== undefined && !(typeof kid === 'string' && kid.length <= maxKidLength))
    throw malformed()
  return {
    alg,
    ...(typeof typ === 'string' && { typ }),
    ...(kid !== undefined && { kid }),
  }
}

/** RFC 7515 §4.1.9: a media type in any case, `application/` may be left out. */
export function normalizeType(typ: unknown = ''): unknown {
  return typeof typ === 'string' ? typ.toLowerCase().replace(/^application\//, '') : typ
}

function isWelcome(type: unknown, welcome: string | readonly string[]): boolean {
  return typeof welcome === 'string' ? type === welcome : welcome.some((one) => one === type)
}

function refuse(error: unknown): VerificationError {
  if (error instanceof VerificationError) return error
  if (error instanceof errors.JOSEAlgNotAllowed)
    return new VerificationError(
      'algorithm_refused',
      'The token is not signed with an algorithm that is welcome here.',
    )
  if (error instanceof errors.JWSSignatureVerificationFailed)
    return new VerificationError(
      'signature_invalid',
      'The signature does not fit the token. Send it exactly as the issuer gave it.',
    )
  if (error instanceof errors.JOSEError) return malformed()
  return new VerificationError(
    'keys_unavailable',
    'The signature of the token cannot be checked. Try again later.',
    { cause: error, detail: describeError(error) },
  )
}

function malformed(): VerificationError {
  return new VerificationError(
    'token_malformed',
    'The token is not a signed JWT in compact form. Send it exactly as the issuer gave it.',
  )
}
