/** Ends a grant: its refresh family and its access tokens count no more. */
import type { Revocations } from '../revocation/revocations.ts'
import type { RefreshFamilies } from './refresh-families.ts'

export type EndGrant = (grantId: string, reason: string) => Promise<void>

export function createEndGrant({
  families,
  revocations,
}: {
  families: Pick<RefreshFamilies, 'revoke'>
  revocations: Pick<Revocations, 'revokeGrant'>
}): EndGrant {
  return async (grantId, reason) => {
    await families.revoke(grantId)
    await revocations.revokeGrant(grantId, reason)
  }
}
