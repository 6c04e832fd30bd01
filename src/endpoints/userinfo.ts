/** Userinfo endpoint (OpenID Connect Core §5.3): the claims that the access token's scopes ask for, and those it names, as JSON or as a JWT. */
import type { FastifyInstance } from 'fastify'
import { encryptionOf } from '../clients/encryption.ts'
import type { ClientRegistry } from '../clients/registry.ts'
import { releaseCustomClaims, releaseNamedClaims, releaseUserClaims } from '../protocol/claims.ts'
import { toOAuthError } from '../http/error-handler.ts'
import { watched } from '../http/witness.ts'
import { paths } from '../protocol/paths.ts'
import type { ClientJwts } from '../tokens/client-jwts.ts'
import type { Watch } from '../watch/watch.ts'
import { refuseToken } from './access-token.ts'
import { requireIssuerToken, type IssuerAudience } from './issuer-scope.ts'

export function registerUserinfo(
  app: FastifyInstance,
  {
    clients,
    clientJwts,
    watch,
    ...issuer
  }: IssuerAudience & {
    clients: Pick<ClientRegistry, 'find'>
    clientJwts: ClientJwts
    watch: Watch
  },
): void {
  app.route({
    method: ['GET', 'POST'],
    url: paths.userinfo,
    // RFC 6750 §3: what is refused before the handler, such as a body of another type, has the challenge as well.
    errorHandler(error, _request, reply) {
      const { code, description } = toOAuthError(error)
      if (code === 'invalid_request') reply.headers(refuseToken(code, description).headers)
      throw error
    },
    handler: watched(watch, 'userinfo', async (request, witness, reply) => {
      const { claims, account, scheme } = await requireIssuerToken(request, issuer, witness)
      const scope = claims.scope?.split(' ') ?? []
      if (!account || !scope.includes('openid'))
        throw refuseToken('insufficient_scope', 'The access token lacks the scope openid.', {
          scheme,
          scope: 'openid',
        })
      const client = await clients.find(claims.client_id)
      if (!client)
        throw refuseToken('invalid_token', 'The client of the access token is gone.', { scheme })
      witness.record({ type: 'token.used', details: { endpoint: 'userinfo' } })
      const answer = {
        ...releaseCustomClaims(account.claims, scope),
        ...releaseUserClaims(account, scope),
        ...releaseNamedClaims(account, claims.userinfo_claims ?? []),
        sub: claims.sub,
      }
      const alg = client.metadata.userinfo_signed_response_alg
      const encryption = encryptionOf(client.metadata, 'userinfo')
      if (!alg && !encryption) return answer
      reply.type('application/jwt')
      // Without exp, so that it never passes for an ID token here.
      return clientJwts.create(client, { typ: 'JWT', claims: answer, alg, encryption })
    }),
  })
}
