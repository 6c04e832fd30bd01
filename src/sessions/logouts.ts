/**
 * The end of sessions, and the clients to be told of it (OpenID Connect Back-Channel Logout 1.0). Whoever ends a session
 * does it here, in a transaction: what is queued in it is delivered later, whatever happens to this process
 * (jobs/deliver-logouts.ts). A session that expires tells nobody.
 */
import type { SessionEndings } from '../revocation/ending-store.ts'
import type { DeliveryStore, LogoutDelivery } from './delivery-store.ts'
import { createLogoutStore } from './logout-store.ts'

export interface Logouts extends SessionEndings {
  /** What waits to be delivered, the oldest first. */
  list(options: { clientId: string | undefined; limit: number }): Promise<LogoutDelivery[]>
  /** Makes due at once what has failed; answers how many. */
  retry(clientId: string | undefined): Promise<number>
}

/** How long attempts go on. */
const giveUpSeconds = 86_400
/** How many a statement queues in good time: of a client, or of everybody, there may be millions. */
const batchSize = 2000

export function createLogouts({
  deliveries,
}: {
  deliveries: Pick<DeliveryStore, 'list' | 'retry'>
}): Logouts {
  return {
    endSession: (named, at, transaction) =>
      createLogoutStore(transaction).endSession(named, at, expiryOf(at)),
    endSessionsOfUser: (sub, at, transaction) =>
      createLogoutStore(transaction).endSessionsOfUser(sub, at, expiryOf(at)),
    async endAllSessions(at, transaction) {
      const store = createLogoutStore(transaction)
      return (await store.enqueueSome(batchSize, at, expiryOf(at))) === batchSize
    },
    async tellClient(clientId, at, transaction) {
      const store = createLogoutStore(transaction)
      const count = await store.enqueueSomeOfClient(clientId, batchSize, at, expiryOf(at))
      return count === batchSize
    },
    list: ({ clientId, limit }) => deliveries.list(clientId, limit),
    retry: (clientId) => deliveries.retry(clientId),
  }
}

function expiryOf(at: Date): Date {
  return new Date(at.getTime() + giveUpSeconds * 1000)
}
