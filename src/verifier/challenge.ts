/** What is answered to a request that is refused (RFC 6750 §3, RFC 9449 §7.1, RFC 9728 §5.1). */
import type { Scheme } from './binding.ts'
import { proofAlgorithms } from './dpop-proof.ts'
import { VerificationError, type VerificationErrorCode } from './errors.ts'
import { metadataUrlOf } from './protected-resource.ts'
import { allSchemes, schemeOf } from './request.ts'

export interface ChallengeOptions {
  /** The value of the request's Authorization header: the challenge of its scheme tells what was wrong. */
  authorization?: string | undefined
  /** How tokens may come. */
  schemes?: readonly Scheme[] | undefined
  /** What the request needs. */
  scopes?: readonly string[] | undefined
  /** The API's resource identifier, if its metadata are served (RFC 9728). */
  resource?: string | undefined
}

export interface Answer {
  status: number
  /** Names in lower case. */
  headers: Record<string, string>
  body: { code: VerificationErrorCode; message: string }
}

const errorOf: Partial<Record<VerificationErrorCode, string>> = {
  request_malformed: 'invalid_request',
  scope_insufficient: 'insufficient_scope',
  claim_mismatch: 'insufficient_scope', // RFC 6750 §3.1: the request needs higher privileges
  proof_invalid: 'invalid_dpop_proof',
  proof_replayed: 'invalid_dpop_proof',
}
const retryAfterSeconds = 5

/** The answer to a request whose `authenticate` failed. Throws whatever is no VerificationError. */
export function toResponse(
  error: unknown,
  request?: Request,
  options?: Omit<ChallengeOptions, 'authorization'>,
): Response {
  const authorization = request?.headers.get('authorization') ?? undefined
  const { status, headers, body } = answerTo(error, { ...options, authorization })
  return new Response(JSON.stringify(body), { status, headers })
}

export function answerTo(error: unknown, options: ChallengeOptions = {}): Answer {
  if (!(error instanceof VerificationError)) throw error
  const challenge = challengeOf(error, options)
  const nonce = error.expected?.nonce
  return {
    status: error.status,
    headers: {
      'content-type': 'application/json',
      'cache-control': 'no-store',
      ...(challenge !== undefined && { 'www-authenticate': challenge }),
      ...(nonce !== undefined && { 'dpop-nonce': nonce }),
      ...(error.status === 503 && { 'retry-after': String(retryAfterSeconds) }),
    },
    body: { code: error.code, message: error.message },
  }
}

/** The value of WWW-Authenticate; undefined when no other token would help. */
export function challengeOf(
  error: VerificationError,
  { authorization, schemes = allSchemes, scopes, resource }: ChallengeOptions = {},
): string | undefined {
  if (error.status === 503) return undefined
  const toldBy = schemesToTell(error, authorization)
  return schemes
    .map((scheme) => {
      const parameters = Object.entries({
        scope: (error.expected?.scopes ?? scopes)?.join(' '),
        ...(toldBy.includes(scheme) && {
          error: errorCodeOf(error),
          error_description: printable(error.message),
        }),
        algs: scheme === 'DPoP' ? proofAlgorithms.join(' ') : undefined,
        resource_metadata: resource === undefined ? undefined : metadataUrlOf(resource),
      })
      const texts = parameters.flatMap(([name, value]) =>
        value ? [`${name}=${quote(value)}`] : [],
      )
      return texts.length === 0 ? scheme : `${scheme} ${texts.join(', ')}`
    })
    .join(', ')
}

/** Which challenges carry the error: that of the scheme that was used, or all where that is not known (RFC 9449 §7.2). */
function schemesToTell(error: VerificationError, authorization?: string): readonly Scheme[] {
  if (error.code === 'token_missing') return [] // RFC 6750 §3.1
  if (error.code === 'proof_invalid' || error.code === 'proof_replayed') return ['DPoP']
  const used = schemeOf(authorization)
  return used === undefined ? allSchemes : [used]
}

function errorCodeOf({ code, expected }: VerificationError): string {
  return expected?.nonce === undefined ? (errorOf[code] ?? 'invalid_token') : 'use_dpop_nonce'
}

/** RFC 6750 §3: error descriptions hold only %x20-21 / %x23-5B / %x5D-7E. */
function printable(text: string): string {
  return text.replaceAll('"', "'").replaceAll(/[^\x20-\x21\x23-\x5b\x5d-\x7e]/g, '?')
}

/** A quoted-string (RFC 9110 §5.6.4). */
function quote(text: string): string {
  return `"${text.replaceAll(/[^\x20-\x7e]/g, '').replaceAll(/["\\]/g, String.raw`\$&`)}"`
}
