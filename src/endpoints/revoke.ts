/** Revocation endpoint (RFC 7009): a refresh token takes its grant with it, an access token goes alone. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Client } from '../clients/registry.ts'
import type { AuthenticateClient } from '../http/authenticate-client.ts'
import { watched } from '../http/witness.ts'
import { OAuthError } from '../protocol/errors.ts'
import { paths } from '../protocol/paths.ts'
import type { Act } from '../revocation/recorder.ts'
import type { Revocations } from '../revocation/revocations.ts'
import type { AccessTokens } from '../tokens/access-tokens.ts'
import type { RefreshFamilies } from '../tokens/refresh-families.ts'
import { subjectsOf } from '../watch/events.ts'
import type { Watch } from '../watch/watch.ts'
import type { Witness } from '../watch/witness.ts'

export function registerRevoke(
  app: FastifyInstance,
  {
    authenticateClient,
    accessTokens,
    families,
    revocations,
    watch,
  }: {
    authenticateClient: AuthenticateClient
    accessTokens: AccessTokens
    families: Pick<RefreshFamilies, 'findOpen'>
    revocations: Pick<Revocations, 'revokeToken' | 'revokeGrant'>
    watch: Watch
  },
): void {
  app.post(paths.revoke, watched(watch, 'revoke', revoke))

  async function revoke(request: FastifyRequest, witness: Witness, reply: FastifyReply) {
    const { client, params } = await authenticateClient(request, witness)
    const token = params.require('token')
    // The token tells what it is, so token_type_hint is not needed (RFC 7009 §2.1).
    await (token.includes('.')
      ? revokeAccessToken(token, client, witness)
      : revokeRefreshToken(token, client, witness))
    return reply.code(200).send()
  }

  async function revokeAccessToken(token: string, client: Client, witness: Witness): Promise<void> {
    const verdict = await accessTokens.check(token)
    if (!verdict.valid) return // RFC 7009 §2.2: an invalid token is as good as revoked
    requireOwner(verdict.claims.client_id, client)
    await revocations.revokeToken(verdict.claims.jti, actOf(client))
    witness.learn(subjectsOf(verdict.claims))
    witness.record({ type: 'token.revoked', details: { kind: 'token' } })
  }

  async function revokeRefreshToken(
    token: string,
    client: Client,
    witness: Witness,
  ): Promise<void> {
    const family = await families.findOpen(token) // a rotated one too: whoever holds its successor loses it
    if (!family) return
    requireOwner(family.clientId, client)
    await revocations.revokeGrant(family.grantId, actOf(client))
    witness.record({ type: 'token.revoked', details: { kind: 'grant' }, ...family })
  }
}

function actOf({ clientId }: Client): Act {
  return { actor: `client:${clientId}`, reason: 'revoked by its client' }
}

function requireOwner(clientId: string, client: Client): void {
  if (clientId !== client.clientId)
    throw new OAuthError('invalid_request', 'This token was issued to another client.')
}
