/** What every grant_type is: how it turns a request into tokens. */
import type { AuthenticatedClient } from '../client-auth/index.ts'
import { tokenTypeOf, type Confirmation, type TokenType } from '../protocol/confirmation.ts'
import { OAuthError } from '../protocol/errors.ts'
import type { JsonObject } from '../protocol/json.ts'
import type { Params } from '../protocol/params.ts'
import type { Target } from '../tokens/targets.ts'
import type { Witness } from '../watch/witness.ts'

export interface TokenRequest {
  client: AuthenticatedClient['client']
  params: Params
  /** The key that the request has proven, to which its tokens are bound. */
  confirmation?: Confirmation | undefined
  witness: Witness
}

/** RFC 6749 §5.1, OpenID Connect Core §3.1.3.3. */
export interface TokenResponse {
  access_token: string
  token_type: TokenType
  expires_in: number
  scope?: string
  /** RFC 9396 §7. */
  authorization_details?: JsonObject[]
  refresh_token?: string
  id_token?: string
  /** RFC 8693 §2.2.1. */
  issued_token_type?: string
}

/** What every answer tells of its access token. */
export function tokenResponse(
  accessToken: string,
  { ttlSeconds, scope, authorizationDetails }: Target,
  confirmation: Confirmation | undefined,
): TokenResponse {
  return {
    access_token: accessToken,
    token_type: tokenTypeOf(confirmation),
    expires_in: ttlSeconds,
    ...(scope.length > 0 && { scope: scope.join(' ') }),
    ...(authorizationDetails && { authorization_details: authorizationDetails }),
  }
}

/** RFC 9396 §6. */
export function detailsExceeded(): OAuthError {
  return new OAuthError(
    'invalid_authorization_details',
    `The 'authorization_details' are not among those that were granted. Send them as the user allowed them, or none.`,
  )
}

export interface GrantType {
  exchange(request: TokenRequest): Promise<TokenResponse>
}
