/** Follows the revocation feed of an issuer: holds what it says, knows how old that is, and comes back by itself. */
import { VerificationError } from './errors.ts'
import type { Emit } from './events.ts'
import { createFeedAccess } from './feed-access.ts'
import { createDocumentReader } from './feed-documents.ts'
import { FeedError } from './feed-error.ts'
import { createFeedHealth } from './feed-health.ts'
import { createFeedRequests } from './feed-requests.ts'
import { createFeedSession } from './feed-session.ts'
import { readFollowOptions, type FollowOptions } from './follow-options.ts'
import { createFreshness } from './freshness.ts'
import { createHeldRevocations, type HeldRevocations } from './held-revocations.ts'
import type { IssuerMetadata } from './issuer-metadata.ts'
import type { VerifySignature } from './jws.ts'
import { createKeepUp } from './keep-up.ts'
import type { Runtime } from './runtime.ts'
import { createDeadline, unlessAborted } from './timers.ts'

export type { FollowOptions } from './follow-options.ts'

export interface Follower extends Pick<HeldRevocations, 'find' | 'isKeyRevoked' | 'version'> {
  start(): void
  /** Rejects with why what is known is not fresh, after trying once; it goes on trying in the background. */
  ready(): Promise<void>
  /** Whether all that was revoked more than `maxFeedAgeSeconds` ago is known. */
  isFresh(): boolean
  /** How old what is known may be at most (freshness.ts). Undefined while nothing is. */
  ageMilliseconds(): number | undefined
  /** Asks the feed now, unless that was done within the last second. Waits 3 seconds at most, once, and never rejects. */
  refresh(): Promise<void>
  status(): FollowerStatus
  close(): void
}

export interface FollowerStatus {
  /** The way by which revocations arrive at the moment. */
  connection: 'stream' | 'poll' | 'none'
  /** How many revocations are held. */
  count: number
  ageSeconds: number | undefined
  isStale: boolean
  cursor: string | undefined
  /** How far this machine's clock is ahead of the issuer's. */
  clockErrorSeconds: number | undefined
  /** Why there is no connection of the kind that was asked for. */
  failure: string | undefined
}

const refreshMilliseconds = 3_000

export function createFollower({
  issuer,
  metadata,
  verifySignature,
  onEvent,
  random = Math.random,
  fetch,
  now,
  monotonic,
  setTimer,
  ...options
}: FollowOptions &
  Runtime & {
    issuer: string
    metadata: {
      get(): Promise<Pick<IssuerMetadata, 'token_endpoint' | 'revocation_feed_endpoint'>>
    }
    verifySignature: VerifySignature
    /** Must not throw. */
    onEvent: Emit
    /** For the jitter of pauses. */
    random?: () => number
  }): Follower {
  const settings = readFollowOptions(options, issuer)
  const controller = new AbortController()
  const closing = controller.signal
  const connecting = { issuer, metadata, fetch, monotonic, setTimer, closing }
  const held = createHeldRevocations()
  // The issuer keeps a document for a second, and a shared cache that of a public feed for another.
  const keptMilliseconds = settings.credentials.type === 'none' ? 2_000 : 1_000
  const freshness = createFreshness({ now, monotonic, keptMilliseconds })
  const health = createFeedHealth({ ...settings, freshness, onEvent })
  const session = createFeedSession({
    requests: createFeedRequests({
      ...connecting,
      endpoint: settings.endpoint,
      access: createFeedAccess(settings.credentials, connecting),
    }),
    readDocument: createDocumentReader({
      issuer,
      verifySignature,
      isKeyRevoked: held.isKeyRevoked,
      now,
    }),
    held,
    freshness,
    monotonic,
    setTimer,
    random,
    closing,
  })
  const keepUp = createKeepUp({
    session,
    health,
    freshness,
    settings,
    monotonic,
    setTimer,
    random,
    closing,
  })

  let refreshing: Promise<void> | undefined
  /** One wait for a feed that does not answer is enough: until it does, or fails, nobody waits again. */
  let isStuck = false

  async function tryForSomeTime(): Promise<void> {
    const deadline = createDeadline({ setTimer, closing })
    deadline.extend(refreshMilliseconds, new FeedError('The feed is slow'))
    const tried = keepUp.tryNow()
    await unlessAborted(deadline.signal, tried).catch(() => {
      isStuck = true
      void tried.then(() => (isStuck = false))
    })
    deadline.end()
  }

  return {
    start: keepUp.start,

    async ready() {
      if (!health.isFresh()) await keepUp.tryNow()
      if (health.isFresh() && !closing.aborted) return
      const reason = closing.aborted ? 'it was closed' : health.describe()
      throw new VerificationError(
        'revocations_stale',
        `The revocation feed of ${issuer} is not followed: ${reason}.`,
      )
    },

    async refresh() {
      if (isStuck) return
      refreshing ??= tryForSomeTime().finally(() => (refreshing = undefined))
      await refreshing
    },

    close: () => controller.abort(new FeedError('The follower was closed')),

    status() {
      const [age, clockError] = [freshness.ageMilliseconds(), freshness.clockErrorMilliseconds()]
      return {
        connection: health.connection(),
        count: held.size(),
        ageSeconds: age === undefined ? undefined : age / 1000,
        isStale: !health.isFresh(),
        cursor: session.cursor(),
        clockErrorSeconds: clockError === undefined ? undefined : clockError / 1000,
        failure: health.failure(),
      }
    },

    isFresh: health.isFresh,
    ageMilliseconds: freshness.ageMilliseconds,
    version: held.version,
    find: held.find,
    isKeyRevoked: held.isKeyRevoked,
  }
}
