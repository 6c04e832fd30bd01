/** The endpoints of an issuer that a follower needs, over HTTP, in the hands of a test. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Test } from 'tap'
import { createFeedIssuer, type FeedIssuer, type View } from './feed-issuer.ts'
import type { TestTime } from './test-time.ts'

export interface FeedRequest {
  way: 'stream' | 'poll' | 'token'
  cursor: string | undefined
  authorization: string | undefined
}

export interface FeedStream {
  /** Where the last document ended. */
  cursor: string | undefined
  /** One more document, of a node with this view, or that of the node that was asked. */
  send(view?: View): Promise<void>
  write(text: string): void
  /** Holds up what is written from now on. */
  stall(): void
  release(): void
  end(): void
  /** Breaks the connection off. */
  cut(): void
  isOpen(): boolean
}

export interface FeedServer extends FeedIssuer {
  requests: FeedRequest[]
  streams: FeedStream[]
  /** How many requests of this kind came. */
  count(way: FeedRequest['way']): number
  /** The view of the node that answers. */
  node: () => View
  /** Answers instead of the issuer, where it answers true. */
  intercept: (
    request: FeedRequest,
    response: ServerResponse,
  ) => boolean | undefined | void | Promise<boolean | undefined | void>
}

export interface FeedServerOptions {
  pageSize?: number
  hasFeed?: boolean
}

export function toEvent(jwt: string): string {
  return `event: revocations\nid: c\ndata: ${jwt}\n\n`
}

export async function createFeedServer(
  t: Pick<Test, 'teardown'>,
  time: Pick<TestTime, 'trueNow'>,
  { pageSize = 100, hasFeed = true }: FeedServerOptions = {},
): Promise<FeedServer> {
  const http = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => {
      response.destroy(error as Error)
    })
  })
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    http.closeAllConnections()
    http.close()
  })
  const issuer = `http://127.0.0.1:${(http.address() as AddressInfo).port}`
  const feed = await createFeedIssuer({ issuer, now: time.trueNow, pageSize })
  const requests: FeedRequest[] = []
  const streams: FeedStream[] = []
  const server: FeedServer = {
    ...feed,
    requests,
    streams,
    count: (way) => requests.filter((request) => request.way === way).length,
    node: feed.view,
    intercept: () => false,
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url!, issuer)
    if (pathname === '/.well-known/openid-configuration') return answerMetadata(response)
    if (pathname === '/jwks') return answerJson(response, { keys: feed.keys.map(({ jwk }) => jwk) })
    const isStream = request.headers.accept === 'text/event-stream'
    const received: FeedRequest = {
      way: pathname === '/token' ? 'token' : isStream ? 'stream' : 'poll',
      cursor: searchParams.get('cursor') ?? undefined,
      authorization: request.headers.authorization,
    }
    requests.push(received)
    if (await server.intercept(received, response)) return
    if (received.way === 'token')
      answerJson(response, { access_token: 'token-1', token_type: 'Bearer', expires_in: 300 })
    else if (received.way === 'stream') await openStream(received, response)
    else await answerPoll(received, response)
  }

  function answerMetadata(response: ServerResponse): void {
    answerJson(response, {
      issuer,
      jwks_uri: `${issuer}/jwks`,
      token_endpoint: `${issuer}/token`,
      ...(hasFeed && { revocation_feed_endpoint: `${issuer}/revocations` }),
    })
  }

  async function answerPoll({ cursor }: FeedRequest, response: ServerResponse): Promise<void> {
    response.writeHead(200, { 'content-type': 'application/jwt', 'cache-control': 'no-store' })
    response.end(await feed.sign(feed.documentAfter(cursor, server.node())))
  }

  async function openStream({ cursor }: FeedRequest, response: ServerResponse): Promise<void> {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    const { node } = server
    let heldUp: string[] | undefined
    const stream: FeedStream = {
      cursor,
      async send(view = node()) {
        const document = feed.documentAfter(stream.cursor, view)
        stream.cursor = document.cursor
        stream.write(toEvent(await feed.sign(document)))
      },
      write: (text) => void (heldUp ? heldUp.push(text) : response.write(text)),
      stall: () => void (heldUp ??= []),
      release() {
        response.write(heldUp?.join('') ?? '')
        heldUp = undefined
      },
      end: () => void response.end(),
      cut: () => void response.destroy(),
      isOpen: () => !response.closed,
    }
    await stream.send()
    streams.push(stream)
  }

  return server
}

export function answerJson(response: ServerResponse, body: object, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(JSON.stringify(body))
}
