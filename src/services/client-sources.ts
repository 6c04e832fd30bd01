/** What this server knows of clients from their own sites. */
import { createClientDocuments } from '../clients/client-documents.ts'
import { createClientKeys } from '../clients/client-keys.ts'
import { createDocumentStore } from '../clients/document-store.ts'
import { createRemoteKeys } from '../clients/remote-keys.ts'
import type { RateLimits } from '../http/rate-limits.ts'
import type { AdminServices, ServiceOptions } from './admin.ts'
import { createDocuments, createNamedDocuments } from './outgoing.ts'

export function createClientSources(
  options: ServiceOptions,
  admin: AdminServices,
  { unknownDocument }: Pick<RateLimits, 'unknownDocument'>,
) {
  const { config, database, clock } = options
  const fetchDocument = createDocuments(options)
  return {
    clientDocuments: createClientDocuments({
      ...admin,
      store: createDocumentStore(database),
      fetchDocument: createNamedDocuments(options),
      scopes: config.registrationScopes,
      mayFetchUnknown: unknownDocument,
      clock,
    }),
    clientKeys: createClientKeys({ remoteKeys: createRemoteKeys({ fetchDocument, clock }) }),
  }
}
