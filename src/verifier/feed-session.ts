/**
 * What was read of the feed, and how to read on: page by page by asking, or as it comes by listening. Documents of one
 * way follow on each other, from a cursor up to which all is known, so that both ways may run at the same time.
 */
import { FeedError } from './feed-error.ts'
import type { FeedRequests } from './feed-requests.ts'
import type { FeedDocument } from './feed.ts'
import type { Freshness } from './freshness.ts'
import type { HeldRevocations } from './held-revocations.ts'
import type { SetTimer } from './runtime.ts'
import { createDeadline } from './timers.ts'

export interface FeedSession {
  /** Asks for what follows, now and then for the whole state, up to the last page. */
  catchUp(): Promise<void>
  /** Listens, once caught up, until the stream ends: by an error. `onDocument` after each document. */
  listen(onDocument: () => void): Promise<void>
  isWholeStateDue(): boolean
  cursor(): string | undefined
}

const wholeStateMilliseconds = 600_000
const maxPages = 1_000
const silentHeartbeats = 2.5
const longestHeartbeatSeconds = 120

export function createFeedSession({
  requests,
  readDocument,
  held,
  freshness,
  monotonic,
  setTimer,
  random,
  closing,
}: {
  requests: FeedRequests
  readDocument: (jws: string) => Promise<FeedDocument>
  held: HeldRevocations
  freshness: Freshness
  monotonic: () => number
  setTimer: SetTimer
  random: () => number
  closing: AbortSignal
}): FeedSession {
  /** All up to there is held. Another node, or another way, may set it back: that costs reading some entries twice. */
  let cursor: string | undefined
  let wholeStateDueAt = -Infinity

  const isWholeStateDue = () => cursor === undefined || monotonic() >= wholeStateDueAt

  /** Merges, even the whole state: a database that was restored may have lost what we hold. */
  async function take(
    jws: string,
    after: string | undefined,
    sentAt?: number,
  ): Promise<FeedDocument> {
    const document = await readDocument(jws)
    if (document.after !== undefined && document.after !== after)
      throw new FeedError('A document of the feed begins where none ended: entries are missing')
    closing.throwIfAborted()
    held.merge(document.entries)
    freshness.learn(document, sentAt)
    held.expire(freshness.issuerMilliseconds() / 1000)
    cursor = document.cursor
    return document
  }

  async function readPages(from: string | undefined): Promise<void> {
    let after = from
    for (let page = 0; page < maxPages; page += 1) {
      const { jws, sentAt } = await requests.ask(after)
      const document = await take(jws, after, sentAt)
      if (document.as_of !== undefined) return
      if (document.cursor === after) throw new FeedError('A page of the feed leads to itself')
      after = document.cursor
    }
    throw new FeedError(`The feed has more than ${maxPages} pages`)
  }

  async function readWholeState(): Promise<void> {
    await readPages(undefined)
    wholeStateDueAt = monotonic() + wholeStateMilliseconds * (1 - random() / 10)
  }

  async function catchUp(): Promise<void> {
    if (isWholeStateDue()) return readWholeState()
    try {
      await readPages(cursor)
    } catch (error) {
      if (!isCursorRefused(error)) throw error
      await readWholeState()
    }
  }

  async function listen(onDocument: () => void): Promise<void> {
    let after = cursor
    if (after === undefined) throw new FeedError('There is no cursor to listen from yet')
    const deadline = createDeadline({ setTimer, closing })
    try {
      for await (const jws of requests.listen(after, deadline)) {
        const document = await take(jws, after)
        after = document.cursor
        const heartbeat = Math.min(Math.max(document.heartbeat, 1), longestHeartbeatSeconds)
        deadline.extend(
          silentHeartbeats * heartbeat * 1000,
          new FeedError('The stream fell silent'),
        )
        onDocument()
      }
    } finally {
      deadline.end()
    }
  }

  return { catchUp, listen, isWholeStateDue, cursor: () => cursor }
}

/** It is none (any more), so that only the whole state can be asked for. */
function isCursorRefused(error: unknown): boolean {
  return error instanceof FeedError && (error.status === 400 || error.status === 410)
}
