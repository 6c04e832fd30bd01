/** Everything that serves requests, built in dependency order. */
import { randomBytes } from 'node:crypto'
import { createAuthorization } from '../authorization/authorization.ts'
import { createPendingRequests } from '../authorization/pending-requests.ts'
import { createRequestObjects } from '../authorization/request-object.ts'
import { createAuthorizationResponses } from '../authorization/response.ts'
import { createPendingRequestStore } from '../authorization/store.ts'
import { authMethodNamesWith, createClientAuthentication } from '../client-auth/index.ts'
import { createAssertionStore } from '../client-auth/store.ts'
import { createClientEncryption } from '../clients/encryption.ts'
import { createConsents } from '../consents/consents.ts'
import { createConsentStore } from '../consents/store.ts'
import { createFeedAccess } from '../endpoints/feed-access.ts'
import { createGrantTypes, grantTypeNames } from '../grants/index.ts'
import { createAssets } from '../http/assets.ts'
import { createBrowserSession } from '../http/browser-session.ts'
import { createCsrf } from '../http/csrf.ts'
import { basePathOf, createPages } from '../http/pages.ts'
import { createRateLimits } from '../http/rate-limits.ts'
import { createSecurityHeaders } from '../http/security-headers.ts'
import { createServerSecretStore } from '../keys/server-secret-store.ts'
import { loadServerSecret } from '../keys/server-secret.ts'
import { paths } from '../protocol/paths.ts'
import { createFeedDocuments } from '../revocation/feed-documents.ts'
import { createRevocationFeed } from '../revocation/feed.ts'
import { createRevocationStore } from '../revocation/store.ts'
import { createAccessTokens } from '../tokens/access-tokens.ts'
import { createClientJwts } from '../tokens/client-jwts.ts'
import { createCodeStore } from '../tokens/code-store.ts'
import { createCodes } from '../tokens/codes.ts'
import { createDeviceCodeStore } from '../tokens/device-code-store.ts'
import { createDeviceCodes } from '../tokens/device-codes.ts'
import { createEndGrant } from '../tokens/end-grant.ts'
import { createFamilyStore } from '../tokens/family-store.ts'
import { createIdTokenHints } from '../tokens/id-token-hints.ts'
import { createIssueInstants } from '../tokens/issue-instant.ts'
import { createTokenIssuer } from '../tokens/issuer.ts'
import { createOwnTokens } from '../tokens/own-tokens.ts'
import { createPresentedTokens } from '../tokens/presented-tokens.ts'
import { createRefreshFamilies } from '../tokens/refresh-families.ts'
import { createRefreshTokenFormat } from '../tokens/refresh-token.ts'
import { createTargets } from '../tokens/targets.ts'
import { feedType } from '../verifier/feed.ts'
import { certificateSupportOf, createAdminServices, type ServiceOptions } from './admin.ts'
import { createBindingServices } from './binding.ts'
import { createClientSources } from './client-sources.ts'
import { addGauges } from './gauges.ts'
import { createKeyServices } from './keys.ts'
import { createRegistrationServices } from './registration.ts'
import { createWatchServices } from './watch.ts'

/** Where clients authenticate: each is an audience of their assertions (RFC 7523 §3, RFC 9126 §2). */
const authenticatingPaths = [paths.token, paths.pushedAuthorization, paths.deviceAuthorization]

export type Services = Awaited<ReturnType<typeof createServices>>

export async function createServices(options: ServiceOptions) {
  const { config, database, clock } = options
  const { issuer, mtlsIssuer } = config
  const certificateSupport = certificateSupportOf(config)
  const admin = createAdminServices(options)
  const keys = await createKeyServices(options, admin)
  const { accounts, clients, resources, revocations, sessions } = admin
  const { keyring, vault } = keys
  const watchServices = createWatchServices(options)
  const serverSecret = await loadServerSecret({
    store: createServerSecretStore(database),
    vault,
  })

  const consents = createConsents({ store: createConsentStore(database), clock })
  const codes = createCodes({ store: createCodeStore(database), clock, settings: config })
  const deviceCodes = createDeviceCodes({
    store: createDeviceCodeStore(database),
    clock,
    settings: config,
  })
  const families = createRefreshFamilies({
    store: createFamilyStore(database),
    format: createRefreshTokenFormat({ key: serverSecret.deriveKey('refresh tokens') }),
    clock,
    settings: config,
  })
  const endGrant = createEndGrant({ revocations })
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
  const ownTokens = createOwnTokens({ keyring, revocations, issuer, clock })
  const accessTokens = createAccessTokens({ ownTokens, accounts })
  const idTokenHints = createIdTokenHints({ ownTokens })
  const revocationFeed = createRevocationFeed({ store: createRevocationStore(database), clock })
  addGauges({ ...watchServices, database, clock, keyring, revocationFeed })

  const { possession, presentedBy, authorities } = createBindingServices(options, serverSecret)

  const authorization = createAuthorization({ codes, targets, settings: config, clock })
  const pendingRequests = createPendingRequests({
    store: createPendingRequestStore(database),
    clock,
    ttlSeconds: config.authorizationRequestTtlSeconds,
    pushedTtlSeconds: config.pushedRequestTtlSeconds,
  })
  const rateLimits = createRateLimits({ database, enabled: config.rateLimit })
  const clientSources = createClientSources(options, admin, rateLimits)
  const { clientKeys } = clientSources
  const clientEncryption = createClientEncryption({ clientKeys })
  const requestObjects = createRequestObjects({
    clientKeys,
    issuer,
    clock,
    skewSeconds: config.clockSkewSeconds,
  })
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
    skewSeconds: config.clockSkewSeconds,
  })
  const grantTypes = createGrantTypes({
    codes,
    deviceCodes,
    accounts,
    families,
    targets,
    issueInstants: createIssueInstants({ clock }),
    endGrant,
    issuer: tokenIssuer,
    presentedTokens: createPresentedTokens({ accessTokens, ownTokens, accounts }),
    clientEncryption,
    authorizationDetailsTypes: config.authorizationDetailsTypes,
    assertions,
    assertionAudiences: [issuer, issuer + paths.token],
    skewSeconds: config.clockSkewSeconds,
    clock,
  })

  const registrations = createRegistrationServices(options, admin)

  const basePath = basePathOf(issuer)
  const securityHeaders = createSecurityHeaders({ isHttps: issuer.startsWith('https:') })
  const assets = createAssets({ basePath })
  return {
    ...admin,
    ...keys,
    ...watchServices,
    ...clientSources,
    issuer,
    audience: config.defaultAudience,
    clock,
    consents,
    targets,
    deviceCodes,
    clientJwts: createClientJwts({ keyring, encryption: clientEncryption, issuer }),
    families,
    accessTokens,
    idTokenHints,
    revocationFeed,
    authorization,
    pendingRequests,
    requestObjects,
    responses: createAuthorizationResponses({ issuer, keyring, clock }),
    requestPolicy: {
      requirePushedRequests: config.requirePushedRequests,
      pushedTtlSeconds: config.pushedRequestTtlSeconds,
    },
    clientAuthentication,
    possession,
    presentedBy,
    grantTypes,
    registrations,
    basePath,
    securityHeaders,
    assets,
    pages: createPages({ issuer, securityHeaders }),
    site: {
      issuer,
      stylesheet: assets.urlOf('claviger.css'),
      icon: assets.urlOf('claviger.svg'),
      home: `${basePath}${paths.home}`,
    },
    browserSession: createBrowserSession({
      sessions,
      csrf: createCsrf({ key: serverSecret.deriveKey('form tokens'), randomBytes }),
      issuer,
    }),
    signUp: config.signUp,
    rateLimits,
    discovery: {
      capabilities: {
        issuer,
        grantTypes: grantTypeNames,
        authMethods: authMethodNamesWith(certificateSupport),
        certificates: certificateSupport.certificates,
        mtlsIssuer,
        signingAlgs: config.signingAlgs,
        requirePushedRequests: config.requirePushedRequests,
        revocationFeed: config.revocationFeed !== 'off',
        clientIdMetadataDocuments: config.clientIdMetadataDocuments,
        authorizationDetailsTypes: config.authorizationDetailsTypes,
        signUp: config.signUp,
        registration: config.registration !== 'off',
      },
      maxAgeSeconds: config.jwksMaxAgeSeconds,
    },
    jwksMaxAgeSeconds: config.jwksMaxAgeSeconds,
    registrationEndpoint: {
      mode: config.registration,
      registrations,
      rateLimits,
      issuer,
      watch: watchServices.watch,
    },
    revocationsEndpoint: {
      watch: watchServices.watch,
      metrics: watchServices.metrics,
      mode: config.revocationFeed,
      access: createFeedAccess({
        mode: config.revocationFeed,
        feed: revocationFeed,
        clock,
        accessTokens: createAccessTokens({
          ownTokens: createOwnTokens({ keyring, revocations: revocationFeed, issuer, clock }),
          accounts,
        }),
        possession,
        presentedBy,
        audience: config.defaultAudience,
      }),
      feed: revocationFeed,
      documents: createFeedDocuments({
        feed: revocationFeed,
        sign: (payload) => keyring.sign('ES256', feedType, payload),
        clock,
        issuer,
        heartbeatSeconds: config.revocationFeedHeartbeatSeconds,
      }),
      heartbeatSeconds: config.revocationFeedHeartbeatSeconds,
      maxListeners: config.revocationFeedListeners,
    },
  }
}
