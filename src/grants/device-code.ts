/** Device authorization grant (RFC 8628 §3.4, §3.5): the device asks again and again, until the person has answered. */
import { allowedScope } from '../clients/allowed-scope.ts'
import type { Clock } from '../database/clock.ts'
import { OAuthError } from '../protocol/errors.ts'
import type { DeviceCode, DeviceCodes } from '../tokens/device-codes.ts'
import type { EndGrant } from '../tokens/end-grant.ts'
import type { Grant } from '../tokens/grant.ts'
import type { Targets } from '../tokens/targets.ts'
import type { Witness } from '../watch/witness.ts'
import type { GrantType } from './grant-type.ts'
import { narrowedResources } from './narrowed-resources.ts'
import { createRedeem, type RedeemDependencies } from './redeem.ts'

export function deviceCode({
  deviceCodes,
  targets,
  endGrant,
  clock,
  ...redeeming
}: RedeemDependencies & {
  deviceCodes: Pick<DeviceCodes, 'poll' | 'consume'>
  targets: Pick<Targets, 'resolve'>
  endGrant: EndGrant
  clock: Pick<Clock, 'now'>
}): GrantType {
  const redeem = createRedeem(redeeming)

  return {
    async exchange({ client, params, confirmation, witness }) {
      const code = params.require('device_code')
      const readAt = clock.now()
      const polled = await deviceCodes.poll(code, client.clientId)
      if (!polled) throw invalidCode('unknown, or issued to another client')
      const { answer } = polled
      if (polled.consumedAt && typeof answer === 'object') throw await replayed(answer, witness)
      const grant = requireAllowed(polled, readAt)
      // The client's registration may have become narrower since, as with refresh tokens.
      const scope = allowedScope(client, grant.scope)
      const target = await targets.resolve({
        client,
        resources: narrowedResources(grant, params),
        scope,
      })

      const redeemed = await redeem({
        client,
        grant,
        target,
        scope,
        confirmation,
        readAt,
        consume: (options) => deviceCodes.consume(code, options),
        isEnded: async () => (await deviceCodes.poll(code, client.clientId))?.isEnded ?? true,
      })
      if (redeemed === 'replayed') throw await replayed(grant, witness)
      if (redeemed === 'ended') throw invalidCode(ended)
      if (redeemed === 'user-gone') throw invalidCode('the user is gone')
      return redeemed
    },
  }

  /** Who polls as it should stops at the answer: a second one has the code from elsewhere, as with authorization codes. */
  async function replayed(grant: Grant, witness: Witness): Promise<OAuthError> {
    await endGrant(grant.grantId, 'device code used twice')
    witness.record({ type: 'code.reused', ...grant })
    return invalidCode('used twice; its tokens are revoked')
  }
}

function requireAllowed(polled: DeviceCode, now: Date): Grant {
  const { answer, isTooSoon, intervalSeconds } = polled
  if (polled.isEnded) throw invalidCode(ended)
  if (polled.expiresAt <= now)
    throw new OAuthError(
      'expired_token',
      'The device_code has expired. Make a new device authorization request.',
    )
  if (answer === 'denied')
    throw new OAuthError('access_denied', 'The user did not allow it.', { status: 400 })
  if (answer !== undefined) return answer
  if (isTooSoon)
    throw new OAuthError(
      'slow_down',
      `The device asks too often. Wait ${intervalSeconds} seconds between requests from now on.`,
      { status: 400 },
    )
  throw new OAuthError(
    'authorization_pending',
    `The user has not answered yet. Ask again after ${intervalSeconds} seconds.`,
  )
}

const ended = 'its session has ended, or its client was revoked'

function invalidCode(detail: string): OAuthError {
  return new OAuthError(
    'invalid_grant',
    'The device_code is unknown, used, ended, or was issued to another client. Make a new device authorization request.',
    { detail },
  )
}
