/** Dynamic client registration. */
import { createClientStore } from '../clients/store.ts'
import { createInitialAccessTokenStore } from '../registration/initial-access-tokens-store.ts'
import { createKeepClient } from '../registration/keep-client.ts'
import { createRegistrations } from '../registration/registrations.ts'
import { createSoftwareStatements } from '../registration/software-statement.ts'
import { createRegistrationStore } from '../registration/store.ts'
import type { AdminServices, ServiceOptions } from './admin.ts'

export function createRegistrationServices(
  { config, database, clock }: ServiceOptions,
  { clients, clientActs, audit, supported, findSectorFault }: AdminServices,
) {
  const store = createRegistrationStore(database)
  const registrations = createRegistrations({
    database,
    store,
    initialAccessTokens: createInitialAccessTokenStore(database),
    clientStore: createClientStore(database),
    clients,
    clientActs,
    findSectorFault,
    statements: createSoftwareStatements({
      issuers: config.statementIssuers,
      clock,
      skewSeconds: config.clockSkewSeconds,
    }),
    audit,
    clock,
    policy: {
      supported,
      scopes: config.registrationScopes,
      requiresPkce: config.registrationRequiresPkce,
    },
    unusedTtlSeconds: config.registrationUnusedTtlSeconds,
  })
  return { registrations, keepClient: createKeepClient({ store, clients }) }
}
