/** A client that registered itself goes, unless it gets a token in time: from its first one on it stays. */
import type { ClientRegistry } from '../clients/registry.ts'
import type { StoredClient } from '../clients/store.ts'
import { DatabaseUnavailable } from '../database/database.ts'
import type { RegistrationStore } from './store.ts'

/** To be called when a client gets a token. */
export type KeepClient = (client: StoredClient) => Promise<void>

export function createKeepClient({
  store,
  clients,
}: {
  store: Pick<RegistrationStore, 'keepClient'>
  clients: Pick<ClientRegistry, 'invalidate'>
}): KeepClient {
  return async ({ clientId, isUntried }) => {
    if (!isUntried) return
    try {
      await store.keepClient(clientId)
      clients.invalidate(clientId)
    } catch (error) {
      // Its tokens are made, and its next one tells as much.
      if (!(error instanceof DatabaseUnavailable)) throw error
    }
  }
}
