/** Device authorization grant (RFC 8628 §3.4, §3.5): the device asks again and again, until the person has answered. */
import { allowedScope } from '../clients/allowed-scope.ts'
import type { Clock } from '../database/clock.ts'
import { OAuthError } from '../protocol/errors.ts'
import type { DeviceCode, DeviceCodes } from '../tokens/device-codes.ts'
import type { EndGrant } from '../tokens/end-grant.ts'
import type { Grant } from '../tokens/grant.ts'
import type { IssueInstants } from '../tokens/issue-instant.ts'
import type { RefreshFamilies } from '../tokens/refresh-families.ts'
import type { Targets } from '../tokens/targets.ts'
import type { Accounts } from '../users/accounts.ts'
import type { Witness } from '../watch/witness.ts'
import type { GrantType } from './grant-type.ts'
import { narrowedResources } from './narrowed-resources.ts'
import type { Respond } from './respond.ts'

export function deviceCode({
  deviceCodes,
  accounts,
  families,
  targets,
  issueInstants,
  endGrant,
  respond,
  clock,
}: {
  deviceCodes: Pick<DeviceCodes, 'poll' | 'consume'>
  accounts: Pick<Accounts, 'findBySub'>
  families: Pick<RefreshFamilies, 'firstToken'>
  targets: Pick<Targets, 'resolve'>
  issueInstants: IssueInstants
  endGrant: EndGrant
  respond: Respond
  clock: Pick<Clock, 'now'>
}): GrantType {
  return {
    async exchange({ client, params, confirmation, witness }) {
      const code = params.require('device_code')
      const readAt = clock.now()
      const polled = await deviceCodes.poll(code, client.clientId)
      if (!polled) throw invalidCode('unknown, or issued to another client')
      const { answer } = polled
      if (polled.consumedAt && typeof answer === 'object') throw await replayed(answer, witness)
      const grant = requireAllowed(polled, readAt)
      const { authTime } = grant
      // The client's registration may have become narrower since, as with refresh tokens.
      const scope = allowedScope(client, grant.scope)
      const target = await targets.resolve({
        client,
        resources: narrowedResources(grant, params),
        scope,
      })

      const refreshable =
        scope.includes('offline_access') && client.metadata.grant_types.includes('refresh_token')
      const [verdict, account] = await Promise.all([
        deviceCodes.consume(code, {
          refreshable,
          listensForLogout: client.metadata.backchannel_logout_uri !== undefined,
          confirmation: client.isPublic ? confirmation : undefined, // RFC 9449 §5
        }),
        accounts.findBySub(grant.sub),
      ])
      if (verdict === 'replayed') throw await replayed(grant, witness)
      if (verdict === 'ended') throw invalidCode(ended)
      if (!account) throw invalidCode('the user is gone')

      const issuedAt = await issueInstants.await(
        { account, authTime },
        { readAt, readAgain: () => readAgain(code, grant) },
      )
      return respond({
        client,
        grant,
        account,
        target,
        scope,
        refreshToken: refreshable ? families.firstToken(grant.grantId) : undefined,
        confirmation,
        issuedAt,
      })
    },
  }

  async function readAgain(code: string, { clientId, sub, authTime }: Grant) {
    const [stored, account] = await Promise.all([
      deviceCodes.poll(code, clientId),
      accounts.findBySub(sub),
    ])
    return account && stored && !stored.isEnded ? { account, authTime } : undefined
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
