/** Removes what has expired, in small batches, so that the database stays as small as what is alive. */
import type { Clock } from '../database/clock.ts'
import type { Job } from './job.ts'
import { expirables, type Expirable, type JobsStore } from './store.ts'

const graceSeconds = 300 // so that whoever began with a row just before it expired still finds it
const batchSize = 500
const batchSizes: Partial<Record<Expirable, number>> = { tokenEvents: 5000, usedProofs: 5000 } // they come by the thousand
const day = 86_400
/** Useless long before, and kept for whoever looks into what happened. */
const keptSeconds: Partial<Record<Expirable, number>> = {
  goneSigningKeys: 30 * day,
  revokedSigningKeys: 90 * day,
  clientDocuments: 3 * day, // longer than a document serves that can no longer be fetched
  logoutDeliveries: 7 * day, // deliver-logouts gives them up itself, unless it did not run
}
const maxBatches = 100 // of each kind in one run; a backlog is left to the next

export function createPurgeExpired({
  store,
  clock,
  longestTokenSeconds,
  auditRetentionSeconds,
}: {
  store: JobsStore
  clock: Clock
  /** 0 for ever. */
  auditRetentionSeconds: number
  /** A revoked refresh family stays as long as an access token of it could live. */
  longestTokenSeconds: () => Promise<number>
}): Job {
  async function purge(kind: Expirable, before: Date): Promise<void> {
    const size = batchSizes[kind] ?? batchSize
    for (let batch = 0; batch < maxBatches; batch++) {
      const removed = await store.removeExpired(kind, before, size)
      if (removed < size) return
    }
  }

  return {
    name: 'purge-expired',
    intervalSeconds: 60,
    async run() {
      const now = clock.now().getTime()
      const longest = await longestTokenSeconds()
      const kept: Partial<Record<Expirable, number>> = {
        ...keptSeconds,
        revokedRefreshFamilies: longest,
        auditEvents: auditRetentionSeconds,
      }
      for (const kind of expirables)
        if (kind !== 'auditEvents' || auditRetentionSeconds > 0)
          await purge(kind, new Date(now - (graceSeconds + (kept[kind] ?? 0)) * 1000))
    },
  }
}
