/** The feed over HTTP: documents one by one, or as a stream. Every wait and size is bounded, redirects are refused. */
import { discard, readErrorCode, readText } from './bounded-body.ts'
import { readEvents } from './event-stream.ts'
import type { FeedAccess } from './feed-access.ts'
import { longestDocument } from './feed-documents.ts'
import { FeedError, reasonOf } from './feed-error.ts'
import { feedScope } from './feed.ts'
import type { Fetch, SetTimer } from './runtime.ts'
import { createDeadline, unlessAborted, type Deadline } from './timers.ts'

export interface FeedRequests {
  /** One document of what follows the cursor, or the first of the whole state. `sentAt` by the monotonic clock. */
  ask(cursor: string | undefined): Promise<{ jws: string; sentAt: number }>
  /** Documents as they come, until the deadline; never ends but by an error. */
  listen(cursor: string, deadline: Deadline): AsyncGenerator<string, void>
}

interface Sent {
  response: Response
  sentAt: number
  token: string | undefined
}

const timeoutMilliseconds = 10_000

const redirects = new Set([0, 301, 302, 303, 307, 308]) // 0 where the runtime hides which

export function createFeedRequests({
  issuer,
  endpoint,
  metadata,
  access,
  fetch,
  monotonic,
  setTimer,
  closing,
}: {
  issuer: string
  /** Undefined: as the metadata say. */
  endpoint: string | undefined
  metadata: { get(): Promise<{ revocation_feed_endpoint?: string }> }
  access: FeedAccess
  fetch: Fetch
  monotonic: () => number
  setTimer: SetTimer
  closing: AbortSignal
}): FeedRequests {
  async function urlOf(cursor: string | undefined): Promise<URL> {
    const text = endpoint ?? (await metadata.get()).revocation_feed_endpoint
    if (text === undefined)
      throw new FeedError(
        `${issuer} has no revocation feed (no revocation_feed_endpoint in its metadata): set endpoint, or revocations: 'off'`,
      )
    const url = new URL(text)
    if (cursor !== undefined) url.searchParams.set('cursor', cursor)
    return url
  }

  async function send(url: URL, accept: string, signal: AbortSignal): Promise<Sent> {
    const token = await access.token()
    const sentAt = monotonic()
    const response = await fetch(url.href, {
      headers: { accept, ...(token !== undefined && { authorization: `Bearer ${token}` }) },
      redirect: 'manual',
      cache: 'no-store',
      signal,
    })
    return { response, sentAt, token }
  }

  async function request(cursor: string | undefined, accept: string, signal: AbortSignal) {
    const url = await urlOf(cursor)
    let sent = await send(url, accept, signal)
    if (sent.response.status === 401 && access.drop(sent.token)) {
      discard(sent.response)
      sent = await send(url, accept, signal)
    }
    await refuseUnless(sent, accept)
    return sent
  }

  return {
    async ask(cursor) {
      const deadline = createDeadline({ setTimer, closing })
      deadline.extend(
        timeoutMilliseconds,
        new FeedError('The feed is too slow: no document in 10 s'),
      )
      const { signal } = deadline
      const work = async () => {
        const { response, sentAt } = await request(cursor, 'application/jwt', signal)
        return { jws: await readText(response, longestDocument), sentAt }
      }
      try {
        return await unlessAborted(signal, work())
      } catch (error) {
        throw asFeedError(error, signal)
      } finally {
        deadline.end()
      }
    },

    async *listen(cursor, deadline) {
      const { signal } = deadline
      deadline.extend(timeoutMilliseconds, new FeedError('The stream did not open in 10 s'))
      try {
        const { response } = await unlessAborted(
          signal,
          request(cursor, 'text/event-stream', signal),
        )
        if (!response.body) throw new FeedError('The stream has no body')
        const events = readEvents(response.body, { maxLength: longestDocument, signal })
        for await (const { type, data } of events) if (type === 'revocations') yield data
        signal.throwIfAborted()
        throw new FeedError('The stream ended')
      } catch (error) {
        throw asFeedError(error, signal)
      }
    },
  }
}

function asFeedError(error: unknown, signal: AbortSignal): FeedError {
  const cause: unknown = signal.aborted ? signal.reason : error
  if (cause instanceof FeedError) return cause
  return new FeedError(
    `The feed cannot be read (${reasonOf(cause)}): check that the issuer is up, and the network to it`,
    { cause },
  )
}

async function refuseUnless({ response, token }: Sent, accept: string): Promise<void> {
  const { status, headers } = response
  const type = headers.get('content-type') ?? 'no type'
  if (status === 200 && type.split(';', 1)[0]!.trim().toLowerCase() === accept) return
  const code = status === 200 ? undefined : await readErrorCode(response)
  if (status === 200) discard(response)
  const hint = status === 200 ? `${type}, not ${accept}` : hintOf(status, token !== undefined)
  throw new FeedError(`The feed answered ${[status, code].filter(Boolean).join(' ')}: ${hint}`, {
    status,
  })
}

function hintOf(status: number, hasToken: boolean): string {
  if (status === 401 && !hasToken) return 'it wants an access token, set clientId and clientSecret'
  if (status === 401) return 'it refused a new access token, too'
  if (status === 403) return `the access token needs the scope ${feedScope}`
  if (status === 404) return 'check the endpoint'
  if (redirects.has(status)) return 'redirects are not followed'
  return 'see the log of the issuer'
}
