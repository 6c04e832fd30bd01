/** Token endpoint (RFC 6749 §3.2): authenticate the client, find the grant, may this client use it, exchange. */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { decodeJwt } from 'jose'
import { requireAllowedGrant } from '../clients/allowed-grant.ts'
import type { TokenResponse } from '../grants/grant-type.ts'
import type { NamedGrantType } from '../grants/index.ts'
import type { AuthenticateClient } from '../http/authenticate-client.ts'
import { watched } from '../http/witness.ts'
import type { Possession } from '../possession/possession.ts'
import { OAuthError } from '../protocol/errors.ts'
import { paths } from '../protocol/paths.ts'
import type { KeepClient } from '../registration/keep-client.ts'
import { subjectsOf } from '../watch/events.ts'
import type { Watch } from '../watch/watch.ts'
import type { Witness } from '../watch/witness.ts'

export function registerToken(
  app: FastifyInstance,
  {
    authenticateClient,
    possession,
    grantTypes,
    keepClient,
    watch,
  }: {
    authenticateClient: AuthenticateClient
    possession: Pick<Possession, 'confirm'>
    grantTypes: readonly NamedGrantType[]
    keepClient: KeepClient
    watch: Watch
  },
): void {
  app.post(paths.token, watched(watch, 'token', exchange))

  async function exchange(request: FastifyRequest, witness: Witness): Promise<TokenResponse> {
    const { client, params, presented } = await authenticateClient(request, witness)
    const name = params.require('grant_type')
    const grantType = grantTypes.find((one) => one.name === name)
    if (!grantType)
      throw new OAuthError(
        'unsupported_grant_type',
        `The grant_type is unknown. Use one of: ${grantTypes.map((one) => one.name).join(', ')}.`,
      )
    requireAllowedGrant(client, name)
    const confirmation = await possession.confirm(client.metadata, presented)
    const response = await grantType.exchange({ client, params, confirmation, witness })
    await keepClient(client)
    const claims = decodeJwt<{ act?: { sub: string } }>(response.access_token)
    witness.record({
      type: 'token.issued',
      details: { grant_type: grantType.name, ...(claims.act && { act: claims.act.sub }) },
      ...subjectsOf(claims),
    })
    return response
  }
}
