/** Client credentials grant (RFC 6749 §4.4): a service speaks for itself. */
import type { Clock } from '../database/clock.ts'
import { parseAuthorizationDetails, requireTypes } from '../protocol/authorization-details.ts'
import { OAuthError } from '../protocol/errors.ts'
import { parseScope, userScopes } from '../protocol/scopes.ts'
import type { TokenIssuer } from '../tokens/issuer.ts'
import type { Targets } from '../tokens/targets.ts'
import { requireAllowedDetails, requireAllowedScope } from '../clients/allowed-scope.ts'
import { tokenResponse, type GrantType } from './grant-type.ts'

export function clientCredentials({
  targets,
  issuer,
  authorizationDetailsTypes,
  clock,
}: {
  targets: Targets
  issuer: Pick<TokenIssuer, 'accessToken'>
  authorizationDetailsTypes: readonly string[]
  clock: Clock
}): GrantType {
  return {
    async exchange({ client, params, confirmation }) {
      const scope = parseScope(params.get('scope') ?? '')
      const aboutUsers = scope.find((name) => userScopes.has(name))
      if (aboutUsers !== undefined)
        throw new OAuthError(
          'invalid_scope',
          `The scope '${aboutUsers}' is about a user, and there is none in this grant. Leave it out.`,
        )
      requireAllowedScope(client, scope)
      const authorizationDetails = parseAuthorizationDetails(params.get('authorization_details'))
      requireAllowedDetails(client, authorizationDetails)
      requireTypes(authorizationDetails, authorizationDetailsTypes, 'known here')
      const resources = params.all('resource')
      const target = await targets.resolve({ client, resources, scope, authorizationDetails })
      const issuedAt = clock.now()
      const accessToken = await issuer.accessToken({ client, target, confirmation, issuedAt })
      return tokenResponse(accessToken, target, confirmation)
    },
  }
}
