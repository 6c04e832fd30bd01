/** What an administrator does to a client, in the order that leaves nothing behind. */
import type { ClientRegistry } from '../clients/registry.ts'
import type { Act, Revoked } from './recorder.ts'
import type { Revocations } from './revocations.ts'

/** Throws a Refusal when there is no such client. */
export interface ClientActs {
  /** It gets nothing any more, nothing from before counts, and then it goes: its tokens would outlive it otherwise. */
  delete(clientId: string, act: Act): Promise<Revoked>
}

export function createClientActs({
  clients,
  revocations,
}: {
  clients: Pick<ClientRegistry, 'disable' | 'delete'>
  revocations: Pick<Revocations, 'revokeClient'>
}): ClientActs {
  return {
    async delete(clientId, act) {
      await clients.disable(clientId)
      const revoked = await revocations.revokeClient(clientId, act)
      await clients.delete(clientId)
      return revoked
    },
  }
}
