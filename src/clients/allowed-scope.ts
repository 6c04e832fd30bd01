/** A client may ask only for the scopes of its registration (RFC 7591 §2, `scope`), and for what goes with them. */
import { narrowClaimsRequest, type ClaimsRequest } from '../protocol/claims-request.ts'
import { scopeOfClaim } from '../protocol/claims.ts'
import type { JsonObject } from '../protocol/json.ts'
import { requireTypes } from '../protocol/authorization-details.ts'
import { OAuthError } from '../protocol/errors.ts'
import type { Client } from './registry.ts'

/** Of what was granted, what the client may ask for now. */
export function allowedScope(client: Client, granted: readonly string[]): string[] {
  const allowed = client.metadata.scope.split(' ')
  return granted.filter((name) => allowed.includes(name))
}

/** A client that lost the grant type or the scope has refresh tokens that are good for nothing, until it has them back. */
export function mayRefresh(client: Client): boolean {
  return (
    client.metadata.grant_types.includes('refresh_token') &&
    allowedScope(client, ['offline_access']).length > 0
  )
}

export function requireAllowedScope(client: Client, scope: readonly string[]): void {
  const allowed = client.metadata.scope.split(' ')
  const beyond = scope.find((name) => !allowed.includes(name))
  if (beyond !== undefined)
    throw new OAuthError(
      'invalid_scope',
      `This client may not ask for the scope '${beyond}'. Leave it out, or add it to the client's 'scope'.`,
    )
}

/** Of the claims that are asked for one by one; the others are left out without a fault (OpenID Connect Core §5.5.1). */
export function allowedClaims(
  client: Client,
  asked: ClaimsRequest | undefined,
): ClaimsRequest | undefined {
  const allowed = client.metadata.scope.split(' ')
  return narrowClaimsRequest(asked, (name) => allowed.includes(scopeOfClaim(name) ?? ''))
}

/** RFC 9396 §10. */
export function requireAllowedDetails(
  client: Client,
  details: readonly JsonObject[] | undefined,
): void {
  const types = client.metadata.authorization_details_types ?? []
  requireTypes(details, types, `registered for this client as one of 'authorization_details_types'`)
}

/** Of what was granted, what the client may have now. */
export function allowedDetails(
  client: Client,
  granted: readonly JsonObject[] | undefined,
): JsonObject[] | undefined {
  const types = client.metadata.authorization_details_types ?? []
  return granted?.filter(({ type }) => types.includes(String(type)))
}
