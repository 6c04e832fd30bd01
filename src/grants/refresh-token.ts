/** Refresh token grant (RFC 6749 §6, RFC 9700 §4.14, OpenID Connect Core §12). */
import type { Clock } from '../database/clock.ts'
import { OAuthError } from '../protocol/errors.ts'
import { parseScope } from '../protocol/scopes.ts'
import type { EndGrant } from '../tokens/end-grant.ts'
import type { IssueInstants } from '../tokens/issue-instant.ts'
import type { RefreshFamilies } from '../tokens/refresh-families.ts'
import type { Targets } from '../tokens/targets.ts'
import type { GrantType } from './grant-type.ts'
import type { Respond } from './respond.ts'

export function refreshToken({
  families,
  targets,
  issueInstants,
  endGrant,
  respond,
  clock,
}: {
  families: Pick<RefreshFamilies, 'rotate'>
  targets: Pick<Targets, 'requireRegistered'>
  issueInstants: IssueInstants
  endGrant: EndGrant
  respond: Respond
  clock: Clock
}): GrantType {
  return {
    name: 'refresh_token',
    async exchange({ client, params }) {
      const token = params.require('refresh_token')
      const scope = params.get('scope')
      const asked = {
        scope: scope === undefined ? undefined : parseScope(scope),
        resources: params.all('resource').length > 0 ? params.all('resource') : undefined,
      }
      await targets.requireRegistered(asked.resources ?? [])
      const readAt = clock.now()

      const rotation = await families.rotate(token, { clientId: client.clientId, ...asked })
      switch (rotation.verdict) {
        case 'unknown':
          throw invalidToken(rotation.reason)
        case 'scope-exceeded':
          throw new OAuthError(
            'invalid_scope',
            `The parameter 'scope' asks for more than was granted.`,
          )
        case 'resource-exceeded':
          throw new OAuthError(
            'invalid_target',
            `The parameter 'resource' asks for more than was granted.`,
          )
        case 'reused':
          await endGrant(rotation.family.grantId, 'refresh token reused')
          throw invalidToken('reused; its family and access tokens are revoked')
        default: {
          const { family } = rotation
          const { account, authTime } = family
          const issuedAt = await issueInstants.await({ account, authTime, readAt })
          return respond({
            client,
            grant: family,
            account,
            ...asked,
            refreshToken: rotation.refreshToken,
            issuedAt,
          })
        }
      }
    },
  }
}

function invalidToken(detail: string): OAuthError {
  return new OAuthError(
    'invalid_grant',
    'The refresh token is unknown, expired, revoked, already used, or was issued to another client. Send the user to sign in again.',
    { detail },
  )
}
