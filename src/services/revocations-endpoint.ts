/** The revocation feed as it is served: who may read it, and its documents. */
import { createFeedAccess } from '../endpoints/feed-access.ts'
import type { PresentedBy } from '../http/presented-by.ts'
import type { Keyring } from '../keys/keyring.ts'
import type { Possession } from '../possession/possession.ts'
import { createFeedDocuments } from '../revocation/feed-documents.ts'
import type { RevocationFeed } from '../revocation/feed.ts'
import { createAccessTokens } from '../tokens/access-tokens.ts'
import { createOwnTokens } from '../tokens/own-tokens.ts'
import { feedType } from '../verifier/feed.ts'
import type { AdminServices, ServiceOptions } from './admin.ts'
import type { createWatchServices } from './watch.ts'

export function createRevocationsEndpoint(
  { config, clock }: ServiceOptions,
  {
    accounts,
    keyring,
    revocationFeed: feed,
    possession,
    presentedBy,
    watch,
    metrics,
  }: Pick<AdminServices, 'accounts'> &
    Pick<ReturnType<typeof createWatchServices>, 'watch' | 'metrics'> & {
      keyring: Keyring
      revocationFeed: RevocationFeed
      possession: Possession
      presentedBy: PresentedBy
    },
) {
  const { issuer, revocationFeed: mode, revocationFeedHeartbeatSeconds: heartbeatSeconds } = config
  // Of the revocations that this node holds in memory, so that readers are answered without the database.
  const ownTokens = createOwnTokens({ keyring, revocations: feed, issuer, clock })
  return {
    watch,
    metrics,
    mode,
    access: createFeedAccess({
      mode,
      feed,
      clock,
      accessTokens: createAccessTokens({ ownTokens, accounts }),
      possession,
      presentedBy,
      audience: config.defaultAudience,
    }),
    feed,
    documents: createFeedDocuments({
      feed,
      sign: (payload) => keyring.sign('ES256', feedType, payload),
      clock,
      issuer,
      heartbeatSeconds,
    }),
    heartbeatSeconds,
    maxListeners: config.revocationFeedListeners,
  }
}
