/** What every grant_type is: its name, and how it turns a request into tokens. */
import type { AuthenticatedClient } from '../client-auth/index.ts'
import type { Confirmation, TokenType } from '../protocol/confirmation.ts'
import { OAuthError } from '../protocol/errors.ts'
import type { JsonObject } from '../protocol/json.ts'
import type { Params } from '../protocol/params.ts'
import type { tokenExchangeGrant } from '../protocol/grant-types.ts'
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

/** RFC 9396 §6. */
export function detailsExceeded(): OAuthError {
  return new OAuthError(
    'invalid_authorization_details',
    `The 'authorization_details' are not among those that were granted. Send them as the user allowed them, or none.`,
  )
}

export interface GrantType {
  name:
    | 'authorization_code'
    | 'refresh_token'
    | 'client_credentials'
    | 'urn:ietf:params:oauth:grant-type:device_code'
    | 'urn:ietf:params:oauth:grant-type:jwt-bearer'
    | typeof tokenExchangeGrant
  exchange(request: TokenRequest): Promise<TokenResponse>
}
