/** The one place where everything is built, in dependency order. The server and the command line use it. */
import { randomBytes } from 'node:crypto'
import { createAuthorization } from './authorization/authorization.ts'
import { createPendingRequests } from './authorization/pending-requests.ts'
import { createPendingRequestStore } from './authorization/store.ts'
import { authMethodNames, createClientAuthentication } from './client-auth/index.ts'
import { createAssertionStore } from './client-auth/store.ts'
import { createClientRegistry } from './clients/registry.ts'
import { createResourceStore, resourcesChannel } from './clients/resources-store.ts'
import { createResources } from './clients/resources.ts'
import { clientsChannel, createClientStore } from './clients/store.ts'
import type { Config } from './config.ts'
import { createConsents } from './consents/consents.ts'
import { createConsentStore } from './consents/store.ts'
import type { Clock } from './database/clock.ts'
import type { Database } from './database/database.ts'
import { createGrantTypes, grantTypeNames } from './grants/index.ts'
import { createAssets } from './http/assets.ts'
import { createBrowserSession } from './http/browser-session.ts'
import { createCsrf } from './http/csrf.ts'
import { basePathOf, createPages } from './http/pages.ts'
import { createRateLimits } from './http/rate-limits.ts'
import { createSecurityHeaders } from './http/security-headers.ts'
import { createPurgeExpired } from './jobs/purge-expired.ts'
import { createRotateKeysJob } from './jobs/rotate-keys.ts'
import { createJobsStore } from './jobs/store.ts'
import { loadKeyEncryptionKeys } from './keys/key-encryption-keys.ts'
import { createKeyring } from './keys/keyring.ts'
import { createRotation } from './keys/rotation.ts'
import { createSigningKeyStore } from './keys/store.ts'
import { createVault } from './keys/vault.ts'
import { paths } from './protocol/paths.ts'
import { createRevocations } from './revocation/revocations.ts'
import { createRevocationStore } from './revocation/store.ts'
import { createSessions } from './sessions/sessions.ts'
import { createSessionStore } from './sessions/store.ts'
import { createAccessTokens } from './tokens/access-tokens.ts'
import { createCodes } from './tokens/codes.ts'
import { createEndGrant } from './tokens/end-grant.ts'
import { createIssueInstants } from './tokens/issue-instant.ts'
import { createTokenIssuer } from './tokens/issuer.ts'
import { createRefreshFamilies } from './tokens/refresh-families.ts'
import { createRefreshTokenFormat } from './tokens/refresh-token.ts'
import { createTokenStore } from './tokens/store.ts'
import { createTargets } from './tokens/targets.ts'
import { createAccounts } from './users/accounts.ts'
import { createPasswordHasher } from './users/passwords.ts'
import { createUserStore } from './users/store.ts'
import { signingAlgs } from './protocol/signing-algs.ts'

export interface ServiceOptions {
  config: Config
  database: Database
  clock: Clock
}

const cacheSize = 10_000

/** People, clients, resources and revocations: what an administrator works on. */
export type AdminServices = ReturnType<typeof createAdminServices>

export function createAdminServices({ config, database, clock }: ServiceOptions) {
  const hasher = createPasswordHasher({
    concurrency: config.passwordHashConcurrency,
    queueLimit: 100,
  })
  const accounts = createAccounts({ store: createUserStore(database), hasher, clock })
  const clients = createClientRegistry({
    store: createClientStore(database),
    clock,
    cacheSize,
    supported: {
      grantTypes: grantTypeNames,
      authMethods: authMethodNames,
      algorithms: signingAlgs,
    },
  })
  const resources = createResources({
    store: createResourceStore(database),
    clock,
    cacheSize,
    algorithms: signingAlgs,
  })
  const { accessTokenTtlSeconds, idTokenTtlSeconds } = config
  const longestTokenSeconds = async () =>
    Math.max(accessTokenTtlSeconds, idTokenTtlSeconds, await resources.longestTtlSeconds())
  const revocations = createRevocations({
    database,
    store: createRevocationStore(database),
    accounts,
    clock,
    longestTokenSeconds,
  })
  return { accounts, clients, resources, revocations, longestTokenSeconds }
}

/** The signing keys, and the key-encryption keys that guard them. */
export type KeyServices = Awaited<ReturnType<typeof createKeyServices>>

export async function createKeyServices(
  { config, database, clock }: ServiceOptions,
  { longestTokenSeconds }: Pick<AdminServices, 'longestTokenSeconds'>,
) {
  const store = createSigningKeyStore(database)
  const keyEncryptionKeys = await loadKeyEncryptionKeys({
    secret: config.keyEncryptionKey,
    secretName: 'CLAVIGER_KEY_ENCRYPTION_KEY',
    directory: config.keysDir,
    allowCreate: !(await store.hasKeys()),
    now: clock.now(),
  })
  const vault = createVault(keyEncryptionKeys)
  const settings = {
    algorithms: signingAlgs,
    publicationLeadSeconds: config.keyPublicationLeadSeconds,
    rotationIntervalSeconds: config.keyRotationIntervalSeconds,
    clockSkewSeconds: config.clockSkewSeconds,
    rsaKeyBits: config.rsaKeyBits,
  }
  return {
    signingKeyStore: store,
    keyEncryptionKeys,
    rotation: createRotation({ store, vault, clock, settings, longestTokenSeconds }),
    keyring: createKeyring({ store, vault, clock, settings }),
  }
}

/** Everything that serves requests. */
export type Services = Awaited<ReturnType<typeof createServices>>

export async function createServices(options: ServiceOptions) {
  const { config, database, clock } = options
  const { issuer } = config
  const admin = createAdminServices(options)
  const keys = await createKeyServices(options, admin)
  const { accounts, clients, resources, revocations } = admin
  const { keyring, keyEncryptionKeys } = keys

  const sessions = createSessions({
    store: createSessionStore(database),
    clock,
    ttlSeconds: config.sessionTtlSeconds,
  })
  const consents = createConsents({ store: createConsentStore(database), clock })
  const tokenStore = createTokenStore(database)
  const codes = createCodes({ store: tokenStore, clock, settings: config })
  const families = createRefreshFamilies({
    store: tokenStore,
    format: createRefreshTokenFormat({ keys: keyEncryptionKeys.deriveKeys('refresh tokens') }),
    clock,
    settings: config,
  })
  const endGrant = createEndGrant({ families, revocations })
  const targets = createTargets({
    resources,
    defaultAudience: config.defaultAudience,
    accessTokenTtlSeconds: config.accessTokenTtlSeconds,
  })
  const tokenIssuer = createTokenIssuer({
    keyring,
    issuer,
    idTokenTtlSeconds: config.idTokenTtlSeconds,
  })
  const accessTokens = createAccessTokens({ keyring, revocations, issuer, clock })

  const authorization = createAuthorization({ codes, targets, keyring, issuer, clock })
  const pendingRequests = createPendingRequests({
    store: createPendingRequestStore(database),
    clock,
    ttlSeconds: config.authorizationRequestTtlSeconds,
  })
  const clientAuthentication = createClientAuthentication({
    clients,
    assertions: createAssertionStore(database),
    issuer,
    tokenEndpoint: issuer + paths.token,
    clock,
    skewSeconds: config.clockSkewSeconds,
  })
  const grantTypes = createGrantTypes({
    codes,
    accounts,
    families,
    targets,
    issueInstants: createIssueInstants({ accounts, clock }),
    endGrant,
    issuer: tokenIssuer,
    clock,
  })

  const basePath = basePathOf(issuer)
  const securityHeaders = createSecurityHeaders({ isHttps: issuer.startsWith('https:') })
  const assets = createAssets({ basePath })
  return {
    ...admin,
    ...keys,
    issuer,
    audience: config.defaultAudience,
    clock,
    sessions,
    consents,
    families,
    endGrant,
    accessTokens,
    authorization,
    pendingRequests,
    clientAuthentication,
    grantTypes,
    basePath,
    securityHeaders,
    assets,
    pages: createPages({ issuer, securityHeaders }),
    site: {
      issuer,
      stylesheet: assets.urlOf('claviger.css'),
      icon: assets.urlOf('claviger.svg'),
    },
    browserSession: createBrowserSession({
      sessions,
      csrf: createCsrf({ key: keyEncryptionKeys.deriveKey('form tokens'), randomBytes }),
      issuer,
    }),
    rateLimits: createRateLimits({ database, enabled: config.rateLimit }),
    discovery: {
      capabilities: {
        issuer,
        grantTypes: grantTypeNames,
        authMethods: authMethodNames,
        signingAlgs,
      },
      maxAgeSeconds: config.jwksMaxAgeSeconds,
    },
    jwksMaxAgeSeconds: config.jwksMaxAgeSeconds,
  }
}

/** Work in the background of a server. */
export function createJobs({ config, database, clock }: ServiceOptions, services: Services) {
  const { rotation, keyring, longestTokenSeconds } = services
  return [
    createRotateKeysJob({
      rotation,
      keyring,
      intervalSeconds: Math.max(
        1,
        Math.min(config.clockSkewSeconds / 2, config.keyPublicationLeadSeconds / 4),
      ),
    }),
    createPurgeExpired({ store: createJobsStore(database), clock, longestTokenSeconds }),
  ]
}

/** Drops from memory what another node, or the command line, has changed. Answers what stops it. */
export function followChanges(
  { database }: Pick<ServiceOptions, 'database'>,
  { clients, resources, keyring, signingKeyStore }: Services,
  { onError }: { onError: (error: unknown) => void },
): () => Promise<void> {
  const stops = [
    database.listen(clientsChannel, (clientId) => clients.invalidate(clientId)),
    database.listen(resourcesChannel, (resource) => resources.invalidate(resource)),
    signingKeyStore.onChange(() => void keyring.load().catch(onError)),
  ]
  return async () => {
    await Promise.all(stops.map((stop) => stop()))
  }
}
