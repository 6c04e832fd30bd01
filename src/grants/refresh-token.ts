/** Refresh token grant (RFC 6749 §6, RFC 9700 §4.14, OpenID Connect Core §12). */
import { allowedDetails, allowedScope, mayRefresh } from '../clients/allowed-scope.ts'
import type { Client } from '../clients/registry.ts'
import type { Clock } from '../database/clock.ts'
import { parseAuthorizationDetails } from '../protocol/authorization-details.ts'
import { OAuthError } from '../protocol/errors.ts'
import { parseScope } from '../protocol/scopes.ts'
import type { EndGrant } from '../tokens/end-grant.ts'
import type { IssueInstants } from '../tokens/issue-instant.ts'
import type { RefreshFamilies, RotateRequest, Rotation } from '../tokens/refresh-families.ts'
import type { Targets } from '../tokens/targets.ts'
import type { Witness } from '../watch/witness.ts'
import { detailsExceeded, type GrantType } from './grant-type.ts'
import type { Respond } from './respond.ts'

type Rotated = Extract<Rotation, { refreshToken: string }>

export function refreshToken({
  families,
  targets,
  issueInstants,
  endGrant,
  respond,
  clock,
}: {
  families: Pick<RefreshFamilies, 'rotate' | 'findOpen'>
  targets: Pick<Targets, 'resolve'>
  issueInstants: IssueInstants
  endGrant: EndGrant
  respond: Respond
  clock: Clock
}): GrantType {
  return {
    async exchange({ client, params, confirmation, witness }) {
      const token = params.require('refresh_token')
      requireOfflineAccess(client)
      const scope = params.get('scope')
      const resources = params.all('resource')
      const asked = {
        clientId: client.clientId,
        scope: scope === undefined ? undefined : parseScope(scope),
        resources: resources.length > 0 ? resources : undefined,
        authorizationDetails: parseAuthorizationDetails(params.get('authorization_details')),
        confirmation,
        isKept: client.metadata.profile === 'fapi2', // FAPI 2.0 §5.3.2.1: no rotation
      }
      const readAt = clock.now()
      const rotation = await rotate(client, token, asked, witness)
      const { family } = rotation
      // The client's registration may have become narrower since (RFC 6749 §3.3: the answer tells what is left).
      const allowed = allowedScope(client, asked.scope ?? family.scope)
      const [target, issuedAt] = await Promise.all([
        targets.resolve({
          client,
          resources: asked.resources ?? family.resources,
          scope: allowed,
          authorizationDetails: allowedDetails(
            client,
            asked.authorizationDetails ?? family.authorizationDetails,
          ),
        }),
        issueInstants.await(family, {
          readAt,
          readAgain: () => families.findOpen(rotation.refreshToken),
        }),
      ])
      return respond({
        client,
        grant: family,
        account: family.account,
        target,
        scope: allowed,
        refreshToken: rotation.refreshToken,
        confirmation,
        issuedAt,
      })
    },
  }

  /** What could not be issued is refused before the token is rotated, so that a refusal costs the client nothing. */
  async function rotate(
    client: Client,
    token: string,
    asked: RotateRequest,
    witness: Witness,
  ): Promise<Rotated> {
    const { scope = [], resources = [] } = asked
    await targets.resolve({ client, resources, scope })
    const rotation = await families.rotate(token, asked)
    if (rotation.verdict === 'resources-unnamed')
      return rotate(client, token, { ...asked, resources: rotation.resources }, witness)
    if (rotation.verdict === 'reused')
      await endGrant(rotation.family.grantId, 'refresh token reused')
    witness.recordRefresh(rotation)
    if ('refreshToken' in rotation) return rotation
    throw refusalOf(rotation)
  }
}

function requireOfflineAccess(client: Client): void {
  if (!mayRefresh(client))
    throw new OAuthError(
      'unauthorized_client',
      `This client may not use refresh tokens: its 'scope' does not hold 'offline_access'.`,
    )
}

function refusalOf(rotation: Exclude<Rotation, Rotated | { verdict: 'resources-unnamed' }>) {
  switch (rotation.verdict) {
    case 'scope-exceeded':
      return new OAuthError('invalid_scope', `The 'scope' asks for more than was granted.`)
    case 'resource-exceeded':
      return new OAuthError('invalid_target', `The 'resource' asks for more than was granted.`)
    case 'details-exceeded':
      return detailsExceeded()
    case 'key-unproven':
      return new OAuthError(
        'invalid_grant',
        'The refresh token is bound to a key. Prove that key, as when the token was issued.',
      )
    case 'reused':
      return invalidToken('reused; its family and access tokens are revoked')
    default:
      return invalidToken(rotation.reason)
  }
}

function invalidToken(detail: string): OAuthError {
  return new OAuthError(
    'invalid_grant',
    'The refresh token is unknown, expired, revoked, already used, or was issued to another client. Send the user to sign in again.',
    { detail },
  )
}
