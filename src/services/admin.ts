/** People, clients, resources, sessions and revocations: what an administrator works on. */
import { createAuditStore } from '../audit/store.ts'
import { authMethodNamesWith } from '../client-auth/index.ts'
import type { CertificateSupport } from '../client-auth/method.ts'
import { createClientIdUrlRule } from '../clients/client-id-url.ts'
import { createClientRegistry } from '../clients/registry.ts'
import { createResourceStore } from '../clients/resources-store.ts'
import { createResources } from '../clients/resources.ts'
import { createFetchSectorIdentifier } from '../clients/sector-identifier.ts'
import { createFindSectorFault } from '../clients/sector.ts'
import { createClientStore } from '../clients/store.ts'
import type { Config } from '../config.ts'
import type { Clock } from '../database/clock.ts'
import type { Database } from '../database/database.ts'
import { grantTypeNames } from '../grants/index.ts'
import { createInitialAccessTokenStore } from '../registration/initial-access-tokens-store.ts'
import { createInitialAccessTokens } from '../registration/initial-access-tokens.ts'
import { createRegistrarStore } from '../registration/registrar-store.ts'
import { createClientActs } from '../revocation/client-acts.ts'
import { createRevocations } from '../revocation/revocations.ts'
import { createRevocationStore } from '../revocation/store.ts'
import { createUserActs } from '../revocation/user-acts.ts'
import { createTokenLifetimes } from '../revocation/token-lifetimes.ts'
import { createDeliveryStore } from '../sessions/delivery-store.ts'
import { createLogouts } from '../sessions/logouts.ts'
import { createSessions } from '../sessions/sessions.ts'
import { createSessionStore } from '../sessions/store.ts'
import { createAccounts } from '../users/accounts.ts'
import { createPasswordHasher } from '../users/passwords.ts'
import { createUserStore } from '../users/store.ts'
import { createSectorDocuments } from './outgoing.ts'

export interface ServiceOptions {
  config: Config
  database: Database
  clock: Clock
}

const cacheSize = 10_000

export type AdminServices = ReturnType<typeof createAdminServices>

export function createAdminServices({ config, database, clock }: ServiceOptions) {
  const hasher = createPasswordHasher({
    concurrency: config.passwordHashConcurrency,
    queueLimit: 100,
  })
  const accounts = createAccounts({ store: createUserStore(database), hasher, clock })
  const supported = {
    grantTypes: grantTypeNames,
    authMethods: authMethodNamesWith(certificateSupportOf(config)),
    algorithms: config.signingAlgs,
    insecureHttp: config.insecureHttp,
    issuerIsHttp: config.issuer.startsWith('http:'),
  }
  const isClientIdUrl = createClientIdUrlRule({
    enabled: config.clientIdMetadataDocuments,
    hosts: config.clientIdMetadataHosts ?? [],
  })
  const fetchDocument = createSectorDocuments({ config, clock })
  const findSectorFault = createFindSectorFault({
    fetchSectorIdentifier: createFetchSectorIdentifier({ fetchDocument }),
  })
  const clients = createClientRegistry({
    store: createClientStore(database),
    clock,
    cacheSize,
    supported,
    isClientIdUrl,
    findSectorFault,
  })
  const resources = createResources({
    store: createResourceStore(database),
    clock,
    cacheSize,
    algorithms: config.signingAlgs,
  })
  const { accessTokenTtlSeconds, idTokenTtlSeconds } = config
  const store = createRevocationStore(database)
  const tokenLifetimes = createTokenLifetimes({
    store,
    clock,
    currentSeconds: async () =>
      Math.max(accessTokenTtlSeconds, idTokenTtlSeconds, await resources.longestTtlSeconds()),
  })
  const longestTokenSeconds = () => tokenLifetimes.longestSeconds()
  const logouts = createLogouts({ deliveries: createDeliveryStore(database) })
  const audit = createAuditStore(database)
  const revocations = createRevocations({
    database,
    store,
    audit,
    accounts,
    logouts,
    clock,
    longestTokenSeconds,
  })
  const sessions = createSessions({
    store: createSessionStore(database),
    revocations,
    clock,
    ttlSeconds: config.sessionTtlSeconds,
  })
  return {
    accounts,
    clients,
    supported,
    isClientIdUrl,
    findSectorFault,
    initialAccessTokens: createInitialAccessTokens({
      database,
      store: createInitialAccessTokenStore(database),
      audit,
      clock,
    }),
    registrars: createRegistrarStore(database),
    resources,
    audit,
    logouts,
    revocations,
    clientActs: createClientActs({ clients, revocations }),
    userActs: createUserActs({ database, accounts, audit, revocations, clock }),
    sessions,
    tokenLifetimes,
    longestTokenSeconds,
  }
}

/** Whether clients can show certificates, and whose count. */
export function certificateSupportOf(config: Config): CertificateSupport {
  const certificates = config.mtlsPort !== undefined || config.clientCertHeader !== undefined
  return { certificates, authorities: config.clientCaFile !== undefined }
}

/** FAPI 2.0 §5.3.2.1: a JWT from 10 seconds ahead is accepted, and none from more than 60. */
export function clientSkewSecondsOf({ clockSkewSeconds }: Pick<Config, 'clockSkewSeconds'>) {
  return Math.min(60, Math.max(10, clockSkewSeconds))
}
