/** The parameters of an authorization request that mean something here (RFC 6749 §4.1.1, OpenID Connect Core §3.1.2.1). */

/** Kept while a person signs in; any other is ignored (RFC 6749 §3.1) and forgotten. */
export const keptParameters: ReadonlySet<string> = new Set([
  'acr_values',
  'authorization_details', // RFC 9396 §3
  'claims',
  'client_id',
  'code_challenge',
  'code_challenge_method',
  'dpop_jkt', // RFC 9449 §10
  'id_token_hint',
  'login_hint',
  'max_age',
  'nonce',
  'prompt',
  'redirect_uri',
  'resource', // RFC 8707 §2
  'response_mode',
  'response_type',
  'scope',
  'state',
])

/** Those whose text is JSON: a request object has the JSON itself (OpenID Connect Core §5.5, RFC 9396 §3). */
export const jsonParameters: ReadonlySet<string> = new Set(['authorization_details', 'claims'])
