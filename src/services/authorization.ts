/** Authorization requests: how they come, how they wait, what is decided, and how they are answered. */
import { createAuthorization } from '../authorization/authorization.ts'
import { createPendingRequests } from '../authorization/pending-requests.ts'
import { createRequestObjects } from '../authorization/request-object.ts'
import { createAuthorizationResponses } from '../authorization/response.ts'
import { createPendingRequestStore } from '../authorization/store.ts'
import type { ClientKeys } from '../clients/client-keys.ts'
import type { Keyring } from '../keys/keyring.ts'
import { clientSkewSecondsOf, type ServiceOptions } from './admin.ts'
import type { TokenServices } from './tokens.ts'

export function createAuthorizationServices(
  { config, database, clock }: ServiceOptions,
  {
    codes,
    subjects,
    targets,
    clientKeys,
    keyring,
  }: Pick<TokenServices, 'codes' | 'subjects' | 'targets'> & {
    clientKeys: ClientKeys
    keyring: Keyring
  },
) {
  const { issuer, pushedRequestTtlSeconds } = config
  return {
    authorization: createAuthorization({ codes, subjects, targets, settings: config, clock }),
    pendingRequests: createPendingRequests({
      store: createPendingRequestStore(database),
      clock,
      ttlSeconds: config.authorizationRequestTtlSeconds,
      pushedTtlSeconds: pushedRequestTtlSeconds,
    }),
    requestObjects: createRequestObjects({
      clientKeys,
      issuer,
      clock,
      skewSeconds: clientSkewSecondsOf(config),
    }),
    responses: createAuthorizationResponses({ issuer, keyring, clock }),
    requestPolicy: {
      requirePushedRequests: config.requirePushedRequests,
      pushedTtlSeconds: pushedRequestTtlSeconds,
    },
  }
}
