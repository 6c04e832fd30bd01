/** How a verifier follows the revocation feed of its issuer. */

export interface FollowOptions {
  /** A client of the issuer's that may have the scope `revocations` by client_credentials … */
  clientId?: string
  clientSecret?: string
  /** … or your own way to an access token: called for each connection, and again when one was refused … */
  accessToken?: () => Promise<string>
  /** … or none, as the feed asks for none. Exactly one of the three. */
  public?: true
  /** Default: `revocation_feed_endpoint` of the issuer's metadata. */
  endpoint?: string
  /** Default `stream`: told of each revocation at once. Polls while the stream fails. */
  mode?: 'stream' | 'poll'
  /** Default 5, or half of `maxFeedAgeSeconds` if that is less. */
  pollSeconds?: number
  /** Default 60: what is known may be so old before it counts as stale. */
  maxFeedAgeSeconds?: number
  /** Default `refuse`. `accept`: judge by expiry and what is known, and say so in an event. */
  whenStale?: 'refuse' | 'accept'
}

export type FeedCredentials =
  | { type: 'client'; clientId: string; clientSecret: string }
  | { type: 'token'; accessToken: () => Promise<string> }
  | { type: 'none' }

export interface FollowSettings {
  credentials: FeedCredentials
  endpoint: string | undefined
  mode: 'stream' | 'poll'
  pollMilliseconds: number
  maxAgeMilliseconds: number
  whenStale: 'refuse' | 'accept'
}

const longestSeconds = 86_400

/** Throws a TypeError that says which option is wrong. */
export function readFollowOptions(options: FollowOptions, issuer: string): FollowSettings {
  const { endpoint, mode = 'stream', whenStale = 'refuse' } = options
  const maxFeedAgeSeconds = readSeconds('maxFeedAgeSeconds', options.maxFeedAgeSeconds ?? 60, 3)
  const pollSeconds = readSeconds(
    'pollSeconds',
    options.pollSeconds ?? Math.min(5, maxFeedAgeSeconds / 2),
    0.5,
  )
  if (pollSeconds >= maxFeedAgeSeconds)
    throw new TypeError(
      'pollSeconds must be less than maxFeedAgeSeconds, or the feed is never fresh',
    )
  if (endpoint !== undefined) checkEndpoint(endpoint, issuer)
  if (!['stream', 'poll'].includes(mode))
    throw new TypeError(`mode must be 'stream' or 'poll', not ${JSON.stringify(mode)}`)
  if (!['refuse', 'accept'].includes(whenStale))
    throw new TypeError(`whenStale must be 'refuse' or 'accept', not ${JSON.stringify(whenStale)}`)
  return {
    credentials: readCredentials(options),
    endpoint,
    mode,
    pollMilliseconds: pollSeconds * 1000,
    maxAgeMilliseconds: maxFeedAgeSeconds * 1000,
    whenStale,
  }
}

/** It is sent a token: where the issuer is reached over TLS, so is it. */
function checkEndpoint(endpoint: string, issuer: string): void {
  const protocol = URL.canParse(endpoint) ? new URL(endpoint).protocol : undefined
  if (protocol !== 'https:' && (protocol !== 'http:' || new URL(issuer).protocol === 'https:'))
    throw new TypeError('endpoint must be an https URL')
}

function readCredentials({
  clientId,
  clientSecret,
  accessToken,
  public: isPublic,
}: FollowOptions): FeedCredentials {
  const ways: FeedCredentials[] = []
  if (clientId && clientSecret) ways.push({ type: 'client', clientId, clientSecret })
  if (accessToken) ways.push({ type: 'token', accessToken })
  if (isPublic) ways.push({ type: 'none' })
  const [credentials] = ways
  const isHalf = Boolean(clientId) !== Boolean(clientSecret)
  if (credentials === undefined || ways.length > 1 || isHalf)
    throw new TypeError(
      'Say how to read the revocation feed: clientId and clientSecret, or accessToken, or public: true; exactly one',
    )
  return credentials
}

function readSeconds(name: string, seconds: number, least: number): number {
  if (!(seconds >= least && seconds <= longestSeconds))
    throw new TypeError(`${name} must be ${least} to ${longestSeconds} seconds`)
  return seconds
}
