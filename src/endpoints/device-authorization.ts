/** Device authorization endpoint (RFC 8628 §3.1): a device without a browser asks for a code that a person enters elsewhere. */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { requireAllowedGrant } from '../clients/allowed-grant.ts'
import { requireAllowedScope } from '../clients/allowed-scope.ts'
import type { AuthenticateClient } from '../http/authenticate-client.ts'
import type { RateLimits } from '../http/rate-limits.ts'
import { limitStrangers } from '../http/strangers.ts'
import { watched } from '../http/witness.ts'
import { deviceCodeGrant } from '../protocol/grant-types.ts'
import { paths } from '../protocol/paths.ts'
import { parseScope, refuseIssuerScopes } from '../protocol/scopes.ts'
import { formatUserCode } from '../protocol/user-code.ts'
import type { DeviceCodes } from '../tokens/device-codes.ts'
import type { Targets } from '../tokens/targets.ts'
import type { Watch } from '../watch/watch.ts'
import type { Witness } from '../watch/witness.ts'

export function registerDeviceAuthorization(
  app: FastifyInstance,
  {
    authenticateClient,
    deviceCodes,
    targets,
    rateLimits,
    issuer,
    watch,
  }: {
    authenticateClient: AuthenticateClient
    deviceCodes: Pick<DeviceCodes, 'create'>
    targets: Pick<Targets, 'requireRegistered'>
    rateLimits: Pick<RateLimits, 'strangersRequest'>
    issuer: string
    watch: Watch
  },
): void {
  app.post(paths.deviceAuthorization, watched(watch, 'device-authorization', authorize))

  async function authorize(request: FastifyRequest, witness: Witness) {
    const { client, params } = await authenticateClient(request, witness)
    requireAllowedGrant(client, deviceCodeGrant)
    const scope = parseScope(params.get('scope') ?? '')
    refuseIssuerScopes(scope)
    requireAllowedScope(client, scope)
    const resources = [...new Set(params.all('resource'))]
    await targets.requireRegistered(resources)
    await limitStrangers(rateLimits, client, request.ip)

    const created = await deviceCodes.create({ clientId: client.clientId, scope, resources })
    const userCode = formatUserCode(created.userCode)
    const verificationUri = issuer + paths.device
    return {
      device_code: created.deviceCode,
      user_code: userCode,
      verification_uri: verificationUri,
      verification_uri_complete: `${verificationUri}?user_code=${userCode}`,
      expires_in: created.expiresInSeconds,
      interval: created.intervalSeconds,
    }
  }
}
