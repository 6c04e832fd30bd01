/** Introspection endpoint (RFC 7662), for clients that can authenticate. */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { ClientAuthentication } from '../client-auth/index.ts'
import { allowedDetails, allowedScope } from '../clients/allowed-scope.ts'
import type { Client } from '../clients/registry.ts'
import type { PresentedBy } from '../http/presented-by.ts'
import { formParams } from '../http/requests.ts'
import { watched } from '../http/witness.ts'
import { OAuthError } from '../protocol/errors.ts'
import { tokenTypeOf } from '../protocol/confirmation.ts'
import { paths } from '../protocol/paths.ts'
import type { AccessTokens } from '../tokens/access-tokens.ts'
import { subjectOf } from '../tokens/grant.ts'
import type { RefreshFamilies } from '../tokens/refresh-families.ts'
import { subjectsOf } from '../watch/events.ts'
import type { Watch } from '../watch/watch.ts'
import type { Witness } from '../watch/witness.ts'

export function registerIntrospect(
  app: FastifyInstance,
  {
    clientAuthentication,
    presentedBy,
    accessTokens,
    families,
    issuer,
    watch,
  }: {
    clientAuthentication: ClientAuthentication
    presentedBy: PresentedBy
    accessTokens: AccessTokens
    families: Pick<RefreshFamilies, 'findLive'>
    issuer: string
    watch: Watch
  },
): void {
  app.post(paths.introspect, watched(watch, 'introspect', introspect))

  async function introspect(request: FastifyRequest, witness: Witness) {
    const params = formParams(request).refuseDuplicates()
    const { authorization } = request.headers
    const { certificate } = presentedBy(request)
    const { client } = await clientAuthentication.authenticate({
      authorization,
      certificate,
      params,
      witness,
    })
    if (client.isPublic)
      throw new OAuthError('invalid_client', 'Introspection needs a client that authenticates.')
    const token = params.require('token')
    // The token tells what it is, so token_type_hint is not needed (RFC 7662 §2.1).
    const description = token.includes('.')
      ? await describeAccessToken(token, witness)
      : await describeRefreshToken(token, client)
    if (!description.active)
      witness.record({
        type: 'token.refused',
        details: { endpoint: 'introspect', code: 'inactive' },
      })
    return description
  }

  async function describeAccessToken(token: string, witness: Witness) {
    const verdict = await accessTokens.check(token)
    if (verdict.claims) witness.learn(subjectsOf(verdict.claims))
    return verdict.valid
      ? { active: true, token_type: tokenTypeOf(verdict.claims.cnf), ...verdict.claims }
      : { active: false }
  }

  /** A refresh token is nobody's business but its client's. */
  async function describeRefreshToken(token: string, client: Client) {
    const family = await families.findLive(token)
    if (!family || family.clientId !== client.clientId) return { active: false }
    const scope = allowedScope(client, family.scope)
    const details = allowedDetails(client, family.authorizationDetails)
    return {
      active: true,
      iss: issuer,
      sub: subjectOf(family),
      client_id: family.clientId,
      ...(scope.length > 0 && { scope: scope.join(' ') }),
      ...(details && { authorization_details: details }),
      ...(family.confirmation && { cnf: family.confirmation }),
      exp: Math.floor(family.expiresAt.getTime() / 1000),
      iat: Math.floor(family.rotatedAt.getTime() / 1000),
    }
  }
}
