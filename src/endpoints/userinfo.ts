/** Userinfo endpoint (OpenID Connect Core §5.3): the claims that the access token's scopes ask for, and those it names. */
import type { FastifyInstance } from 'fastify'
import { releaseCustomClaims, releaseNamedClaims, releaseUserClaims } from '../protocol/claims.ts'
import { toOAuthError } from '../http/error-handler.ts'
import { watched } from '../http/witness.ts'
import { paths } from '../protocol/paths.ts'
import type { Watch } from '../watch/watch.ts'
import { refuseToken } from './access-token.ts'
import { requireIssuerToken, type IssuerAudience } from './issuer-scope.ts'

export function registerUserinfo(
  app: FastifyInstance,
  { watch, ...issuer }: IssuerAudience & { watch: Watch },
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
    handler: watched(watch, 'userinfo', async (request, witness) => {
      const { claims, account, scheme } = await requireIssuerToken(request, issuer, witness)
      const scope = claims.scope?.split(' ') ?? []
      if (!account || !scope.includes('openid'))
        throw refuseToken('insufficient_scope', 'The access token lacks the scope openid.', {
          scheme,
          scope: 'openid',
        })
      witness.record({ type: 'token.used', details: { endpoint: 'userinfo' } })
      return {
        ...releaseCustomClaims(account.claims, scope),
        ...releaseUserClaims(account, scope),
        ...releaseNamedClaims(account, claims.userinfo_claims ?? []),
        sub: claims.sub,
      }
    }),
  })
}
