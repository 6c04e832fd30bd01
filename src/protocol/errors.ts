/** Protocol refusals: the error codes of the specifications with the HTTP status each one has. */

const statusOf = {
  invalid_request: 400, // RFC 6749 §5.2
  invalid_client: 401,
  invalid_grant: 400,
  unauthorized_client: 400,
  unsupported_grant_type: 400,
  invalid_scope: 400,
  invalid_target: 400, // RFC 8707 §2
  unsupported_response_type: 400, // RFC 6749 §4.1.2.1
  access_denied: 403,
  login_required: 400, // OpenID Connect Core §3.1.2.6
  consent_required: 400,
  interaction_required: 400,
  account_selection_required: 400,
  unmet_authentication_requirements: 400, // OpenID Connect Core Unmet Authentication Requirements
  request_not_supported: 400,
  request_uri_not_supported: 400,
  invalid_request_uri: 400, // RFC 9101 §6
  invalid_request_object: 400,
  invalid_authorization_details: 400, // RFC 9396 §5
  invalid_dpop_proof: 400, // RFC 9449 §5
  use_dpop_nonce: 400,
  authorization_pending: 400, // RFC 8628 §3.5
  expired_token: 400,
  invalid_token: 401, // RFC 6750 §3.1
  insufficient_scope: 403,
  invalid_client_metadata: 400, // RFC 7591 §3.2.2
  invalid_redirect_uri: 400,
  invalid_software_statement: 400,
  unapproved_software_statement: 400,
  not_found: 404,
  method_not_allowed: 405,
  slow_down: 429,
  temporarily_unavailable: 503,
  server_error: 500,
} as const

export type ErrorCode = keyof typeof statusOf

export interface ErrorOptions {
  /** Overrides the status that the code normally has. */
  status?: number
  /** Response headers that belong to the error, such as WWW-Authenticate or Retry-After. */
  headers?: Record<string, string>
  /** For the log only: what exactly was wrong, never a secret. */
  detail?: string
  cause?: unknown
}

/** A refusal whose `description` is public and says what to do; `detail` and `cause` go to the log only. */
export class OAuthError extends Error {
  readonly code: ErrorCode
  readonly description: string
  readonly status: number
  readonly headers: Record<string, string>
  readonly detail: string | undefined

  constructor(code: ErrorCode, description: string, options: ErrorOptions = {}) {
    super(`${code}: ${description}`, { cause: options.cause })
    this.name = 'OAuthError'
    this.code = code
    this.description = toErrorText(description)
    this.status = options.status ?? statusOf[code]
    this.headers = options.headers ?? {}
    this.detail = options.detail
  }
}

/** RFC 6585 §4. */
export function tooMany(what: string, retryAfterSeconds: number): OAuthError {
  return new OAuthError(
    'temporarily_unavailable',
    `Too many ${what} came from this network. Try again later.`,
    { status: 429, headers: { 'retry-after': String(retryAfterSeconds) } },
  )
}

const maxErrorTextLength = 300

/** RFC 6749 §5.2: descriptions hold only %x20-21 / %x23-5B / %x5D-7E. They end up in URLs and headers, so they are short. */
function toErrorText(text: string): string {
  const plain = text
    .replaceAll('"', "'")
    .replaceAll('§', 'section ')
    .replaceAll('…', '...')
    .replaceAll(/[^\x20-\x21\x23-\x5b\x5d-\x7e]/g, '?')
  return plain.length > maxErrorTextLength ? `${plain.slice(0, maxErrorTextLength)}...` : plain
}
