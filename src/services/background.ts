/** What a server does besides answering: its jobs, and following what others change. */
import { resourcesChannel } from '../clients/resources-store.ts'
import { clientsChannel } from '../clients/store.ts'
import {
  createDeliverLogouts,
  type DeliverLogouts,
  type DeliveryLog,
} from '../jobs/deliver-logouts.ts'
import { createDetectSignalsJob } from '../jobs/detect-signals.ts'
import { createLoadRevocationsJob } from '../jobs/load-revocations.ts'
import { createPurgeExpired } from '../jobs/purge-expired.ts'
import { createRecordTokenLifetimesJob } from '../jobs/record-token-lifetimes.ts'
import { createRotateKeysJob } from '../jobs/rotate-keys.ts'
import { createJobsStore } from '../jobs/store.ts'
import { createWriteEventsJob } from '../jobs/write-events.ts'
import { revocationsChannel } from '../revocation/store.ts'
import { createDeliveryStore } from '../sessions/delivery-store.ts'
import { createLogoutDeliveries } from '../sessions/logout-delivery.ts'
import { logoutsChannel } from '../sessions/logout-store.ts'
import type { ServiceOptions } from './admin.ts'
import type { Services } from './index.ts'
import { createLogoutForms } from './outgoing.ts'

interface JobLog {
  warn(details: object, message: string): void
}

/** Work in the background of a server. */
export function createJobs(
  { config, database, clock }: ServiceOptions,
  services: Services,
  log: JobLog,
) {
  const { rotation, keyring, revocationFeed, tokenLifetimes, longestTokenSeconds } = services
  const { events, signals, metrics } = services
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
    createPurgeExpired({
      store: createJobsStore(database),
      clock,
      longestTokenSeconds,
      auditRetentionSeconds: config.auditRetentionSeconds,
    }),
    createWriteEventsJob({ events, log }),
    createDetectSignalsJob({ signals, metrics, log }),
  ]
}

/** Work in the background of a server that is also woken by a NOTIFY. */
export function createLogoutDelivery(
  { config, database, clock }: ServiceOptions,
  { keyring, audit }: Pick<Services, 'keyring' | 'audit'>,
  {
    log,
    random = Math.random,
    timeoutMilliseconds,
  }: { log: DeliveryLog; random?: () => number; timeoutMilliseconds?: number },
): DeliverLogouts {
  const store = createDeliveryStore(database)
  const deliveries = createLogoutDeliveries({
    store,
    database,
    audit,
    keyring,
    postForm: createLogoutForms(config, timeoutMilliseconds),
    issuer: config.issuer,
    clock,
    random,
  })
  return createDeliverLogouts({ store, deliveries, clock, log })
}

/** Drops from memory what another node, or the command line, has changed. Answers what stops it. */
export function followChanges(
  { database }: Pick<ServiceOptions, 'database'>,
  { clients, resources, keyring, signingKeyStore, revocationFeed }: Services,
  { onError, onLogouts }: { onError: (error: unknown) => void; onLogouts?: () => void },
): () => Promise<void> {
  const stops = [
    database.listen(clientsChannel, (clientId) => clients.invalidate(clientId)),
    database.listen(resourcesChannel, (resource) => resources.invalidate(resource)),
    signingKeyStore.onChange(() => void keyring.load().catch(onError)),
    database.listen(revocationsChannel, () => void revocationFeed.load().catch(onError)),
    ...(onLogouts ? [database.listen(logoutsChannel, onLogouts)] : []),
  ]
  return async () => {
    await Promise.all(stops.map((stop) => stop()))
  }
}
