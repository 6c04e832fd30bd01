/** Introspection endpoint (RFC 7662), for clients that can authenticate; as a JWT for those that ask (RFC 9701). */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { allowedDetails, allowedScope, mayRefresh } from '../clients/allowed-scope.ts'
import { encryptionOf } from '../clients/encryption.ts'
import type { Client } from '../clients/registry.ts'
import type { Clock } from '../database/clock.ts'
import type { AuthenticateClient } from '../http/authenticate-client.ts'
import { watched } from '../http/witness.ts'
import { OAuthError } from '../protocol/errors.ts'
import { tokenTypeOf } from '../protocol/confirmation.ts'
import { paths } from '../protocol/paths.ts'
import type { AccessTokens } from '../tokens/access-tokens.ts'
import type { ClientJwts } from '../tokens/client-jwts.ts'
import { subjectOf } from '../tokens/grant.ts'
import type { RefreshFamilies } from '../tokens/refresh-families.ts'
import { subjectsOf } from '../watch/events.ts'
import type { Watch } from '../watch/watch.ts'
import type { Witness } from '../watch/witness.ts'

export function registerIntrospect(
  app: FastifyInstance,
  {
    authenticateClient,
    accessTokens,
    families,
    clientJwts,
    issuer,
    clock,
    watch,
  }: {
    authenticateClient: AuthenticateClient
    accessTokens: AccessTokens
    families: Pick<RefreshFamilies, 'findLive'>
    clientJwts: ClientJwts
    issuer: string
    clock: Pick<Clock, 'now'>
    watch: Watch
  },
): void {
  app.post(paths.introspect, watched(watch, 'introspect', introspect))

  async function introspect(request: FastifyRequest, witness: Witness, reply: FastifyReply) {
    const { client, params } = await authenticateClient(request, witness)
    if (client.isPublic)
      throw new OAuthError('invalid_client', 'Introspection needs a client that authenticates.')
    const asJwt = wantsJwt(request)
    if (!asJwt) refuseInClear(client)
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
    if (!asJwt) return description
    reply.type(`application/${jwtTyp}`)
    return describeAsJwt(client, description)
  }

  /** RFC 9701 §5: neither `sub` nor `exp` outside of token_introspection, so that nobody takes it for another token. */
  function describeAsJwt(client: Client, description: object): Promise<string> {
    return clientJwts.create(client, {
      typ: jwtTyp,
      claims: {
        iat: Math.floor(clock.now().getTime() / 1000),
        token_introspection: description,
      },
      alg: client.metadata.introspection_signed_response_alg ?? 'RS256', // RFC 9701 §6
      encryption: encryptionOf(client.metadata, 'introspection'),
    })
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
    if (!family || family.clientId !== client.clientId || !mayRefresh(client))
      return { active: false }
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

const jwtTyp = 'token-introspection+jwt'

/** RFC 9701 §4: it is asked for by its own media type; ranges like `*` do not mean it. */
function wantsJwt({ headers }: FastifyRequest): boolean {
  return (headers.accept ?? '').split(',').some((range) => {
    const [type = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase())
    return type === `application/${jwtTyp}` && !parameters.some((one) => /^q=0(?:\.0*)?$/.test(one))
  })
}

/** Whoever registered for encryption would not have the answer pass in clear. */
function refuseInClear(client: Client): void {
  if (encryptionOf(client.metadata, 'introspection'))
    throw new OAuthError(
      'invalid_request',
      `This client is registered for encrypted answers. Ask for them: 'Accept: application/${jwtTyp}'.`,
    )
}
