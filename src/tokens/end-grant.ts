/** The server ends a grant by itself, as a code or a refresh token of it came twice. */
import type { Revocations } from '../revocation/revocations.ts'

export type EndGrant = (grantId: string, reason: string) => Promise<void>

export function createEndGrant({
  revocations,
}: {
  revocations: Pick<Revocations, 'revokeGrant'>
}): EndGrant {
  return async (grantId, reason) => {
    await revocations.revokeGrant(grantId, { actor: 'server', reason })
  }
}
