/** Token endpoint (RFC 6749 §3.2): authenticate the client, find the grant, may this client use it, exchange. */
import type { FastifyInstance } from 'fastify'
import type { ClientAuthentication } from '../client-auth/index.ts'
import type { GrantType } from '../grants/grant-type.ts'
import { formParams } from '../http/requests.ts'
import { OAuthError } from '../protocol/errors.ts'
import { paths } from '../protocol/paths.ts'

export function registerToken(
  app: FastifyInstance,
  {
    clientAuthentication,
    grantTypes,
  }: { clientAuthentication: ClientAuthentication; grantTypes: readonly GrantType[] },
): void {
  app.post(paths.token, async (request) => {
    const params = formParams(request).refuseDuplicates()
    const { authorization } = request.headers
    const { client } = await clientAuthentication.authenticate({ authorization, params })
    const name = params.require('grant_type')
    const grantType = grantTypes.find((one) => one.name === name)
    if (!grantType)
      throw new OAuthError(
        'unsupported_grant_type',
        `The grant_type is unknown. Use one of: ${grantTypes.map((one) => one.name).join(', ')}.`,
      )
    if (!client.metadata.grant_types.includes(grantType.name))
      throw new OAuthError(
        'unauthorized_client',
        `This client is not registered for the grant_type '${grantType.name}'.`,
      )
    const response = await grantType.exchange({ client, params })
    request.log.info({ client_id: client.clientId, grant_type: grantType.name }, 'tokens issued')
    return response
  })
}
