/** The authorization request itself (RFC 6749 §4.1.1, OpenID Connect Core §3.1.2.1): its faults are redirected. */
import { requireAllowedDetails, requireAllowedScope } from '../clients/allowed-scope.ts'
import type { Client } from '../clients/registry.ts'
import { maxOwnTokenLength } from '../tokens/own-tokens.ts'
import { parseAuthorizationDetails } from '../protocol/authorization-details.ts'
import { isThumbprint } from '../protocol/confirmation.ts'
import { OAuthError } from '../protocol/errors.ts'
import type { JsonObject } from '../protocol/json.ts'
import { maxParameterLength, type Params } from '../protocol/params.ts'
import { isCodeChallenge } from '../protocol/pkce.ts'
import { responseTypes } from '../protocol/response-types.ts'
import { parseScope, refuseIssuerScopes } from '../protocol/scopes.ts'
import { parseClaimsDemands, type ClaimsDemands } from './claims-demands.ts'
import { responseModes, type Recipient } from './recipient.ts'

export const prompts = ['none', 'login', 'consent', 'select_account', 'create'] as const
export type Prompt = (typeof prompts)[number]

export interface AuthorizationRequest extends ClaimsDemands {
  scope: string[]
  resources: string[]
  /** RFC 9396 §2. */
  authorizationDetails: JsonObject[] | undefined
  prompt: ReadonlySet<Prompt>
  maxAgeSeconds: number | undefined
  idTokenHint: string | undefined
  nonce: string | undefined
  codeChallenge: string | undefined
  /** The thumbprint of the key that the redemption of the code must prove (RFC 9449 §10). */
  dpopJkt: string | undefined
}

export function parseAuthorizationRequest(
  params: Params,
  { client, redirectUriGiven }: Recipient,
): AuthorizationRequest {
  params.refuseDuplicates()
  refuseOversize(params)
  refuseUnsupported(params)
  requireCodeFlow(client, params)

  const scope = parseScope(params.get('scope') ?? '')
  refuseIssuerScopes(scope)
  requireAllowedScope(client, scope)
  // FAPI 2.0 §5.3.2.2, as OpenID Connect Core §3.1.2.1.
  if ((scope.includes('openid') || client.metadata.profile === 'fapi2') && !redirectUriGiven)
    throw new OAuthError(
      'invalid_request',
      `The parameter 'redirect_uri' is missing. OpenID Connect requests and the profile fapi2 must have it.`,
    )
  const authorizationDetails = parseAuthorizationDetails(params.get('authorization_details'))
  requireAllowedDetails(client, authorizationDetails)
  const nonce = params.get('nonce')
  return {
    scope,
    resources: [...new Set(params.all('resource'))],
    authorizationDetails,
    prompt: parsePrompt(params.get('prompt')),
    maxAgeSeconds: parseMaxAge(params.get('max_age')) ?? client.metadata.default_max_age,
    idTokenHint: params.get('id_token_hint'),
    nonce,
    ...parseClaimsDemands(params, client),
    codeChallenge: requirePkce(client, params, scope.includes('openid') && nonce !== undefined),
    dpopJkt: parseDpopJkt(params.get('dpop_jkt')),
  }
}

function refuseOversize(params: Params): void {
  for (const [name, value] of params.entries()) {
    // An ID token is as long as its claims are.
    const max = name === 'id_token_hint' ? maxOwnTokenLength : maxParameterLength
    if (value.length > max)
      throw new OAuthError(
        'invalid_request',
        `The parameter '${name.slice(0, 64)}' is longer than ${max} characters. Shorten it.`,
      )
  }
}

function refuseUnsupported(params: Params): void {
  if (params.get('request_uri') !== undefined)
    throw new OAuthError(
      'request_uri_not_supported',
      `A request_uri of your own is not supported. Send the request object itself as 'request', or push the request.`,
    )
}

function requireCodeFlow(client: Client, params: Params): void {
  const responseType = params.require('response_type')
  if (!responseTypes.includes(responseType))
    throw new OAuthError('unsupported_response_type', `Only the response_type 'code' is supported.`)
  if (!client.metadata.response_types.includes(responseType))
    throw new OAuthError(
      'unauthorized_client',
      `This client is not registered for the authorization code flow.`,
    )
  const mode = params.get('response_mode')
  if (mode !== undefined && !responseModes.some((known) => known === mode))
    throw new OAuthError(
      'invalid_request',
      `The response_mode is unknown. Use one of: ${responseModes.join(', ')}.`,
    )
}

function parsePrompt(text: string | undefined): Set<Prompt> {
  const prompt = new Set<Prompt>()
  for (const value of (text ?? '').split(' ').filter((part) => part !== '')) {
    const known = prompts.find((one) => one === value)
    if (!known)
      throw new OAuthError(
        'invalid_request',
        `The parameter 'prompt' has an unknown value. Use: ${prompts.join(', ')}.`,
      )
    prompt.add(known)
  }
  if (prompt.has('none') && prompt.size > 1)
    throw new OAuthError('invalid_request', `prompt=none cannot be combined with other prompts.`)
  return prompt
}

function parseMaxAge(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  if (!/^\d{1,9}$/.test(text))
    throw new OAuthError(
      'invalid_request',
      `The parameter 'max_age' must be a whole number of seconds.`,
    )
  return Number(text)
}

function parseDpopJkt(text: string | undefined): string | undefined {
  if (text === undefined || isThumbprint(text)) return text
  throw new OAuthError(
    'invalid_request',
    `The parameter 'dpop_jkt' must be the JWK SHA-256 thumbprint of the DPoP key, 43 characters of base64url.`,
  )
}

/**
 * OAuth 2.1 §7.5.1: a code challenge always, except for confidential clients whose OpenID Connect nonce protects the
 * code; `require_pkce` makes that stricter or looser for a client.
 */
function requirePkce(
  client: Client,
  params: Params,
  protectedByNonce: boolean,
): string | undefined {
  const challenge = params.get('code_challenge')
  const method = params.get('code_challenge_method')
  if (challenge === undefined) {
    if (method !== undefined)
      throw new OAuthError(
        'invalid_request',
        `A 'code_challenge_method' came without a 'code_challenge'. Send both.`,
      )
    const required = client.metadata.require_pkce ?? (client.isPublic || !protectedByNonce)
    if (required)
      throw new OAuthError(
        'invalid_request',
        `The parameter 'code_challenge' is missing. Use PKCE with code_challenge_method=S256.`,
      )
    return undefined
  }
  if (method !== 'S256')
    throw new OAuthError('invalid_request', `The parameter 'code_challenge_method' must be S256.`)
  if (!isCodeChallenge(challenge))
    throw new OAuthError(
      'invalid_request',
      `The parameter 'code_challenge' must be the base64url SHA-256 of the verifier, 43 characters.`,
    )
  return challenge
}
