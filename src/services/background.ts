/** What a server does besides answering: its jobs, and following what others change. */
import { resourcesChannel } from '../clients/resources-store.ts'
import { clientsChannel } from '../clients/store.ts'
import { createLoadRevocationsJob } from '../jobs/load-revocations.ts'
import { createPurgeExpired } from '../jobs/purge-expired.ts'
import { createRecordTokenLifetimesJob } from '../jobs/record-token-lifetimes.ts'
import { createRotateKeysJob } from '../jobs/rotate-keys.ts'
import { createJobsStore } from '../jobs/store.ts'
import { revocationsChannel } from '../revocation/store.ts'
import type { ServiceOptions } from './admin.ts'
import type { Services } from './index.ts'

/** Work in the background of a server. */
export function createJobs({ config, database, clock }: ServiceOptions, services: Services) {
  const { rotation, keyring, revocationFeed, tokenLifetimes, longestTokenSeconds } = services
  return [
    createRotateKeysJob({
      rotation,
      keyring,
      intervalSeconds: Math.max(
        1,
        Math.min(5, config.keyStalenessSeconds / 4, config.keyPublicationLeadSeconds / 4),
      ),
    }),
    createLoadRevocationsJob(revocationFeed),
    createRecordTokenLifetimesJob(tokenLifetimes),
    createPurgeExpired({ store: createJobsStore(database), clock, longestTokenSeconds }),
  ]
}

/** Drops from memory what another node, or the command line, has changed. Answers what stops it. */
export function followChanges(
  { database }: Pick<ServiceOptions, 'database'>,
  { clients, resources, keyring, signingKeyStore, revocationFeed }: Services,
  { onError }: { onError: (error: unknown) => void },
): () => Promise<void> {
  const stops = [
    database.listen(clientsChannel, (clientId) => clients.invalidate(clientId)),
    database.listen(resourcesChannel, (resource) => resources.invalidate(resource)),
    signingKeyStore.onChange(() => void keyring.load().catch(onError)),
    database.listen(revocationsChannel, () => void revocationFeed.load().catch(onError)),
  ]
  return async () => {
    await Promise.all(stops.map((stop) => stop()))
  }
}
