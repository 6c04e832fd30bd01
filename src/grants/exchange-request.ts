/** The parameters of a token exchange (RFC 8693 §2.1). */
import { decodeProtectedHeader } from 'jose'
import { parseAuthorizationDetails } from '../protocol/authorization-details.ts'
import { OAuthError } from '../protocol/errors.ts'
import type { JsonObject } from '../protocol/json.ts'
import type { Params } from '../protocol/params.ts'
import { parseScope } from '../protocol/scopes.ts'
import { tokenTypes } from '../protocol/token-types.ts'
import type { PresentedKind } from '../tokens/presented-tokens.ts'

export interface Presentation {
  parameter: 'subject_token' | 'actor_token'
  token: string
  kind: PresentedKind
}

export interface ExchangeRequest {
  subject: Presentation
  actor: Presentation | undefined
  audiences: string[]
  /** Undefined: all that there is. */
  scope: string[] | undefined
  authorizationDetails: JsonObject[] | undefined
}

export function readExchangeRequest(params: Params): ExchangeRequest {
  const requested = params.get('requested_token_type')
  if (requested !== undefined && requested !== tokenTypes.accessToken)
    throw invalid(
      `The 'requested_token_type' can be ${tokenTypes.accessToken} only. Leave it out, or send that.`,
    )
  params.require('subject_token_type')
  const actor = params.get('actor_token')
  if (actor === undefined && params.get('actor_token_type') !== undefined)
    throw invalid(`An 'actor_token_type' came without an 'actor_token'. Send both or neither.`)
  const scope = params.get('scope')
  return {
    subject: readToken(params, 'subject_token'),
    actor: actor === undefined ? undefined : readToken(params, 'actor_token'),
    audiences: [...new Set([...params.all('resource'), ...params.all('audience')])],
    scope: scope === undefined ? undefined : parseScope(scope),
    authorizationDetails: parseAuthorizationDetails(params.get('authorization_details')),
  }
}

function readToken(params: Params, parameter: Presentation['parameter']): Presentation {
  const token = params.require(parameter)
  const type = params.require(`${parameter}_type`)
  switch (type) {
    case tokenTypes.accessToken:
      return { parameter, token, kind: 'access_token' }
    case tokenTypes.idToken:
      return { parameter, token, kind: 'id_token' }
    case tokenTypes.jwt:
      return { parameter, token, kind: kindOf(token) }
    case tokenTypes.refreshToken:
      throw invalid(
        `A refresh token is no '${parameter}': its own client alone may use it. Present an access token.`,
      )
    default:
      throw invalid(
        `The '${parameter}_type' is unknown. Use one of: ${tokenTypes.accessToken}, ${tokenTypes.idToken}, ${tokenTypes.jwt}.`,
      )
  }
}

/** What it claims to be is checked like everything else. */
function kindOf(token: string): PresentedKind {
  try {
    return decodeProtectedHeader(token).typ === 'JWT' ? 'id_token' : 'access_token'
  } catch {
    return 'access_token'
  }
}

function invalid(description: string): OAuthError {
  return new OAuthError('invalid_request', description)
}
