/** Why a token is refused, in codes that stay. Messages say what to do; they never contain the token. */

const statuses = {
  request_malformed: 400,
  token_missing: 401,
  token_malformed: 401,
  token_type: 401,
  algorithm_refused: 401,
  key_unknown: 401,
  key_revoked: 401,
  keys_unavailable: 503,
  signature_invalid: 401,
  issuer_mismatch: 401,
  audience_mismatch: 401,
  token_expired: 401,
  token_not_yet_valid: 401,
  issued_in_future: 401,
  claim_missing: 401,
  claim_mismatch: 401,
  scope_insufficient: 403,
  token_revoked: 401,
  revocations_stale: 503,
  binding_missing: 401,
  binding_mismatch: 401,
  proof_invalid: 401,
  proof_replayed: 401,
} as const

export type VerificationErrorCode = keyof typeof statuses

export interface VerificationErrorOptions {
  expected?: { scopes?: readonly string[]; nonce?: string }
  /** For the log, never for the client: one value of the token's header or claims, or the fault behind. */
  detail?: string | undefined
  cause?: unknown
}

export class VerificationError extends Error {
  readonly code: VerificationErrorCode
  /** The HTTP status that fits. */
  readonly status: 400 | 401 | 403 | 503
  /** What would have been enough. */
  readonly expected: VerificationErrorOptions['expected']
  readonly detail: string | undefined

  constructor(
    code: VerificationErrorCode,
    message: string,
    { expected, detail, ...options }: VerificationErrorOptions = {},
  ) {
    super(message, options)
    this.name = 'VerificationError'
    this.code = code
    this.status = statuses[code]
    this.expected = expected
    this.detail = detail
  }
}

/** A value of an unproven token, short enough for a log. */
export function excerpt(name: string, value: unknown): string {
  return `${name} ${typeof value === 'string' ? JSON.stringify(value.slice(0, 100)) : typeof value}`
}

/** The messages of an error and of what caused it. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause === undefined
    ? error.message
    : `${error.message} (${describeError(error.cause)})`
}
