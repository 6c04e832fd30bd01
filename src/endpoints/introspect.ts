/** Introspection endpoint (RFC 7662), for clients that can authenticate. */
import type { FastifyInstance } from 'fastify'
import type { ClientAuthentication } from '../client-auth/index.ts'
import { allowedScope } from '../clients/allowed-scope.ts'
import type { Client } from '../clients/registry.ts'
import { formParams } from '../http/requests.ts'
import { OAuthError } from '../protocol/errors.ts'
import { paths } from '../protocol/paths.ts'
import type { AccessTokens } from '../tokens/access-tokens.ts'
import type { RefreshFamilies } from '../tokens/refresh-families.ts'

export function registerIntrospect(
  app: FastifyInstance,
  {
    clientAuthentication,
    accessTokens,
    families,
    issuer,
  }: {
    clientAuthentication: ClientAuthentication
    accessTokens: AccessTokens
    families: Pick<RefreshFamilies, 'findLive'>
    issuer: string
  },
): void {
  app.post(paths.introspect, async (request) => {
    const params = formParams(request).refuseDuplicates()
    const { authorization } = request.headers
    const { client } = await clientAuthentication.authenticate({ authorization, params })
    if (client.isPublic)
      throw new OAuthError('invalid_client', 'Introspection needs a client that authenticates.')
    const token = params.require('token')
    // The token tells what it is, so token_type_hint is not needed (RFC 7662 §2.1).
    return token.includes('.') ? describeAccessToken(token) : describeRefreshToken(token, client)
  })

  async function describeAccessToken(token: string) {
    const verdict = await accessTokens.check(token)
    return verdict.valid
      ? { active: true, token_type: 'Bearer', ...verdict.claims }
      : { active: false }
  }

  /** A refresh token is nobody's business but its client's. */
  async function describeRefreshToken(token: string, client: Client) {
    const family = await families.findLive(token)
    if (!family || family.clientId !== client.clientId) return { active: false }
    const scope = allowedScope(client, family.scope)
    return {
      active: true,
      iss: issuer,
      sub: family.sub,
      client_id: family.clientId,
      ...(scope.length > 0 && { scope: scope.join(' ') }),
      exp: Math.floor(family.expiresAt.getTime() / 1000),
      iat: Math.floor(family.rotatedAt.getTime() / 1000),
    }
  }
}
