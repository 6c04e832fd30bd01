/** The settings of the revocation feed. */
import * as read from './parsers.ts'
import type { Setting } from './setting.ts'

const feedModes = ['client', 'public', 'off'] as const

export const revocationSettings = {
  revocationFeed: {
    variable: 'CLAVIGER_REVOCATION_FEED',
    parse: read.oneOf(feedModes),
    default: 'client',
    sentence:
      'Who may read the revocation feed: a `client` with the scope `revocations`, everybody (`public`), or nobody (`off`).',
  },
  revocationFeedHeartbeatSeconds: {
    variable: 'CLAVIGER_REVOCATION_FEED_HEARTBEAT_SECONDS',
    parse: read.wholeNumber(1, 60),
    default: '5',
    sentence: 'How often the feed says that it is up to date to those who listen.',
  },
  revocationFeedListeners: {
    variable: 'CLAVIGER_REVOCATION_FEED_LISTENERS',
    parse: read.wholeNumber(1, 100_000),
    default: '5000',
    sentence: 'How many may listen to the feed at one node; others poll.',
  },
} as const satisfies Record<string, Setting>
