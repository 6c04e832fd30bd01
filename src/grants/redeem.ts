/** The end that the redemption of every code has, an authorization code's and a device's: the one-time gate, then the tokens. */
import type { Client } from '../clients/registry.ts'
import type { Confirmation } from '../protocol/confirmation.ts'
import type { DeviceCodes } from '../tokens/device-codes.ts'
import type { Grant } from '../tokens/grant.ts'
import type { IssueInstants } from '../tokens/issue-instant.ts'
import type { RefreshFamilies } from '../tokens/refresh-families.ts'
import type { Target } from '../tokens/targets.ts'
import type { Accounts } from '../users/accounts.ts'
import type { TokenResponse } from './grant-type.ts'
import type { Respond } from './respond.ts'

export interface Redemption {
  client: Client
  grant: Grant
  target: Target
  scope: string[]
  nonce?: string | undefined
  confirmation: Confirmation | undefined
  /** An instant from before the code was read. */
  readAt: Date
  consume: (options: Parameters<DeviceCodes['consume']>[1]) => ReturnType<DeviceCodes['consume']>
  /** Whether its session or its client has ended it since: read anew. */
  isEnded: () => Promise<boolean>
}

export interface RedeemDependencies {
  accounts: Pick<Accounts, 'findBySub'>
  families: Pick<RefreshFamilies, 'firstToken'>
  issueInstants: IssueInstants
  respond: Respond
}

export function createRedeem({ accounts, families, issueInstants, respond }: RedeemDependencies) {
  return async function redeem({
    readAt,
    consume,
    isEnded,
    ...given
  }: Redemption): Promise<TokenResponse | 'replayed' | 'ended' | 'user-gone'> {
    const { client, grant, scope, confirmation } = given
    const { metadata, isPublic } = client
    const refreshable =
      scope.includes('offline_access') && metadata.grant_types.includes('refresh_token')
    const [verdict, account] = await Promise.all([
      consume({
        refreshable,
        listensForLogout: metadata.backchannel_logout_uri !== undefined,
        confirmation: isPublic ? confirmation : undefined, // RFC 9449 §5
      }),
      accounts.findBySub(grant.sub),
    ])
    if (verdict !== 'consumed') return verdict
    if (!account) return 'user-gone'

    const { authTime } = grant
    const issuedAt = await issueInstants.await(
      { account, authTime },
      {
        readAt,
        async readAgain() {
          const [ended, current] = await Promise.all([isEnded(), accounts.findBySub(grant.sub)])
          return current && !ended ? { account: current, authTime } : undefined
        },
      },
    )
    return respond({
      ...given,
      account,
      refreshToken: refreshable ? families.firstToken(grant.grantId) : undefined,
      issuedAt,
    })
  }
}
