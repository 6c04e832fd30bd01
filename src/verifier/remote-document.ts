/**
 * What is fetched from the issuer and kept for a time: fetched anew before that time is over, by one request however
 * many wait, and kept longer, within bounds, while the issuer cannot be reached.
 */

export interface Loaded<Content> {
  content: Content
  maxAgeSeconds: number
}

export interface RemoteDocument<Content> {
  /** At once while it is young. Rejects with the reason when none can be had. */
  get(): Content | Promise<Content>
  /** Whether it worked. Not tried while a failure is too fresh. */
  refetch(): Promise<boolean>
  /** Why the last attempt failed; undefined when it did not. */
  failure(): Error | undefined
  held(): { content: Content; ageMilliseconds: number; isStale: boolean } | undefined
}

/** When it was asked for, by either clock. */
interface Sent {
  sentAt: number
  sentNow: number
}

/** Of its time: from then on it is fetched in the background, so that nobody waits. */
const refreshAt = 0.75
const longestBackoffMilliseconds = 10_000

export function createRemoteDocument<Content>({
  load,
  now,
  monotonic,
  staleSeconds,
  onFailure = () => {},
}: {
  load: (held: Content | undefined) => Promise<Loaded<Content>>
  now: () => number
  monotonic: () => number
  /** How long it is kept when it cannot be fetched anew. */
  staleSeconds: number
  onFailure?: (failure: Error) => void
}): RemoteDocument<Content> {
  let current: (Sent & { content: Content; maxAgeMilliseconds: number }) | undefined
  let pending: Promise<boolean> | undefined
  let failure: Error | undefined
  let failures = 0
  let failedAt = 0

  /** The monotonic clock may stand still while the machine sleeps; a wall clock set wrong only makes it look older. */
  const age = () =>
    current ? Math.max(monotonic() - current.sentAt, now() - current.sentNow) : Infinity

  async function attempt(): Promise<boolean> {
    const sent: Sent = { sentAt: monotonic(), sentNow: now() }
    try {
      const { content, maxAgeSeconds } = await load(current?.content)
      current = { ...sent, content, maxAgeMilliseconds: maxAgeSeconds * 1000 }
      failure = undefined
      failures = 0
      return true
    } catch (error) {
      failure = error instanceof Error ? error : new Error(String(error))
      failures += 1
      failedAt = monotonic()
      onFailure(failure)
      return false
    }
  }

  function isBackingOff(): boolean {
    const backoff = Math.min(1000 * 2 ** (failures - 1), longestBackoffMilliseconds)
    return failures > 0 && monotonic() - failedAt < backoff
  }

  async function refetch(): Promise<boolean> {
    if (!pending && isBackingOff()) return false
    pending ??= attempt().finally(() => {
      pending = undefined
    })
    return pending
  }

  async function getDue(): Promise<Content> {
    const isWithinItsTime = current && age() < current.maxAgeMilliseconds
    const isOutage = failures > 0
    const fetching = refetch()
    // In an outage only the first waits for an answer that will not come.
    if (!isWithinItsTime && !(isOutage && age() < staleSeconds * 1000)) await fetching
    if (current && age() < Math.max(staleSeconds * 1000, current.maxAgeMilliseconds))
      return current.content
    throw failure ?? new Error('The document could not be fetched.')
  }

  return {
    get: () =>
      current && age() < current.maxAgeMilliseconds * refreshAt ? current.content : getDue(),
    refetch,
    failure: () => failure,
    held: () =>
      current && {
        content: current.content,
        ageMilliseconds: age(),
        isStale: age() >= current.maxAgeMilliseconds,
      },
  }
}
