/** Everything that serves requests, built in dependency order. */
import { createClientAuthentication } from '../client-auth/index.ts'
import { createAssertionStore } from '../client-auth/store.ts'
import { createClientEncryption } from '../clients/encryption.ts'
import { createConsents } from '../consents/consents.ts'
import { createConsentStore } from '../consents/store.ts'
import { createGrantTypes } from '../grants/index.ts'
import { createAuthenticateClient } from '../http/authenticate-client.ts'
import { createRateLimits } from '../http/rate-limits.ts'
import { createServerSecretStore } from '../keys/server-secret-store.ts'
import { loadServerSecret } from '../keys/server-secret.ts'
import { paths } from '../protocol/paths.ts'
import { createRevocationFeed } from '../revocation/feed.ts'
import { createRevocationStore } from '../revocation/store.ts'
import { createClientJwts } from '../tokens/client-jwts.ts'
import { clientSkewSecondsOf, createAdminServices, type ServiceOptions } from './admin.ts'
import { createAuthorizationServices } from './authorization.ts'
import { createBindingServices } from './binding.ts'
import { capabilitiesOf } from './capabilities.ts'
import { createClientSources } from './client-sources.ts'
import { addGauges } from './gauges.ts'
import { createKeyServices } from './keys.ts'
import { createRegistrationServices } from './registration.ts'
import { createRevocationsEndpoint } from './revocations-endpoint.ts'
import { createSiteServices } from './site.ts'
import { createTokenServices } from './tokens.ts'
import { createWatchServices } from './watch.ts'

/** Where clients authenticate: each is an audience of their assertions (RFC 7523 §3, RFC 9126 §2). */
const authenticatingPaths = [paths.token, paths.pushedAuthorization, paths.deviceAuthorization]

export type Services = Awaited<ReturnType<typeof createServices>>

export async function createServices(options: ServiceOptions) {
  const { config, database, clock } = options
  const { issuer, mtlsIssuer } = config
  const skewSeconds = clientSkewSecondsOf(config)
  const admin = createAdminServices(options)
  const keys = await createKeyServices(options, admin)
  const { accounts, clients } = admin
  const { keyring, vault } = keys
  const watchServices = createWatchServices(options)
  const serverSecret = await loadServerSecret({
    store: createServerSecretStore(database),
    vault,
  })

  const tokens = createTokenServices(options, { ...admin, keyring, serverSecret })
  const revocationFeed = createRevocationFeed({ store: createRevocationStore(database), clock })
  addGauges({ ...watchServices, database, clock, keyring, revocationFeed })

  const { possession, presentedBy, authorities } = createBindingServices(options, serverSecret)
  const rateLimits = createRateLimits({ database, enabled: config.rateLimit })
  const clientSources = createClientSources(options, admin, rateLimits)
  const { clientKeys } = clientSources
  const clientEncryption = createClientEncryption({ clientKeys })
  const assertions = createAssertionStore(database)
  const clientAuthentication = createClientAuthentication({
    clients,
    assertions,
    clientKeys,
    issuer,
    authorities,
    endpoints: [issuer, mtlsIssuer ?? []]
      .flat()
      .flatMap((base) => authenticatingPaths.map((path) => base + path)),
    clock,
    skewSeconds,
  })
  const { registrations, keepClient } = createRegistrationServices(options, admin)

  return {
    ...admin,
    ...keys,
    ...watchServices,
    ...clientSources,
    ...tokens,
    ...createAuthorizationServices(options, { ...tokens, clientKeys, keyring }),
    ...createSiteServices(options, { ...admin, serverSecret }),
    issuer,
    audience: config.defaultAudience,
    clock,
    consents: createConsents({ store: createConsentStore(database), clock }),
    revocationFeed,
    clientJwts: createClientJwts({ keyring, encryption: clientEncryption, issuer }),
    authenticateClient: createAuthenticateClient({ clientAuthentication, presentedBy }),
    possession,
    presentedBy,
    grantTypes: createGrantTypes({
      ...tokens,
      accounts,
      issuer: tokens.tokenIssuer,
      clientEncryption,
      authorizationDetailsTypes: config.authorizationDetailsTypes,
      assertions,
      assertionAudiences: [issuer, issuer + paths.token],
      skewSeconds,
      signUp: config.signUp,
      clock,
    }),
    keepClient,
    rateLimits,
    discovery: { capabilities: capabilitiesOf(config), maxAgeSeconds: config.jwksMaxAgeSeconds },
    jwksMaxAgeSeconds: config.jwksMaxAgeSeconds,
    registrationEndpoint: {
      mode: config.registration,
      registrations,
      rateLimits,
      issuer,
      watch: watchServices.watch,
    },
    revocationsEndpoint: createRevocationsEndpoint(options, {
      ...admin,
      ...watchServices,
      keyring,
      revocationFeed,
      possession,
      presentedBy,
    }),
  }
}
