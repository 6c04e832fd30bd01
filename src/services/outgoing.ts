/** The ways out of this server, each with room of its own: whoever fills one holds up no other. */
import type { FetchDocument } from '../clients/documents.ts'
import type { Config } from '../config.ts'
import type { Clock } from '../database/clock.ts'
import { createFetchDocument } from '../http/fetch-document.ts'
import { createFindDestination } from '../http/outgoing-address.ts'
import { createPostForm, createSend, createTrust } from '../http/outgoing.ts'

type OutgoingConfig = Pick<Config, 'outgoingAllowedNetworks' | 'outgoingCaFile' | 'insecureHttp'>

function createWayOut(config: OutgoingConfig, maxRequests: number, timeoutMilliseconds = 5000) {
  const { outgoingAllowedNetworks: allowedNetworks, insecureHttp } = config
  return createSend({
    findDestination: createFindDestination({ allowedNetworks, insecureHttp }),
    trust: createTrust(config.outgoingCaFile),
    timeoutMilliseconds,
    maxRequests,
  })
}

/** What registered clients publish. */
export function createDocuments({ config, clock }: { config: OutgoingConfig; clock: Clock }) {
  return createFetchDocument({ send: createWayOut(config, 32), clock })
}

/** What anybody at all names, by a client_id. */
export function createNamedDocuments({ config, clock }: { config: OutgoingConfig; clock: Clock }) {
  return createFetchDocument({ send: createWayOut(config, 16), clock })
}

/** What anybody at all names, who registers a client. Made when it is first needed, as most commands never do. */
export function createSectorDocuments({
  config,
  clock,
}: {
  config: OutgoingConfig
  clock: Clock
}): FetchDocument {
  let fetchDocument: FetchDocument | undefined
  return (uri, limits) => {
    fetchDocument ??= createFetchDocument({ send: createWayOut(config, 8), clock })
    return fetchDocument(uri, limits)
  }
}

/** As many forms at a time as deliver-logouts sends at most. */
export function createLogoutForms(config: OutgoingConfig, timeoutMilliseconds?: number) {
  return createPostForm(createWayOut(config, 64, timeoutMilliseconds))
}
