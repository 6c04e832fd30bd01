/** The feed of a node as verifiers meet it, over a network that is a function. */
import type { Clock } from '../../src/database/clock.ts'
import type { Database } from '../../src/database/database.ts'
import type { Keyring } from '../../src/keys/keyring.ts'
import { createFeedBroadcast, type Connection } from '../../src/revocation/feed-broadcast.ts'
import { createFeedDocuments } from '../../src/revocation/feed-documents.ts'
import { createRevocationFeed } from '../../src/revocation/feed.ts'
import { createRevocationStore } from '../../src/revocation/store.ts'
import { feedType } from '../../src/verifier/feed.ts'
import { createTestTimers } from '../support/timers.ts'
import { issuer } from './play.ts'

export const heartbeatSeconds = 5

export function createFeedNode(
  database: Database,
  clock: Clock,
  keyring: Pick<Keyring, 'sign' | 'jwks'>,
) {
  const feed = createRevocationFeed({ store: createRevocationStore(database), clock, pageSize: 1 })
  const documents = createFeedDocuments({
    feed,
    sign: (payload) => keyring.sign('ES256', feedType, payload),
    clock,
    issuer,
    heartbeatSeconds,
  })
  const timers = createTestTimers()
  const connections = new Set<Connection>()
  const broadcast = createFeedBroadcast({
    feed,
    documents,
    heartbeatSeconds,
    maxListeners: 1,
    onError(error) {
      throw error
    },
    setTimer: timers.setTimer,
  })
  const metadata = {
    issuer,
    jwks_uri: `${issuer}/jwks`,
    revocation_feed_endpoint: `${issuer}/revocations`,
  }

  async function answerStream(cursor: string | undefined): Promise<Response> {
    const { stream, connection } = openPipe()
    const connect = () => connection
    await broadcast.open({ cursor, isWelcome: () => true, connect })
    connections.add(connection)
    return new Response(stream, { headers: { 'content-type': 'text/event-stream' } })
  }

  return {
    feed,
    timers,
    async answer({ pathname, searchParams }: URL, { headers }: RequestInit): Promise<Response> {
      if (pathname === '/.well-known/openid-configuration') return Response.json(metadata)
      if (pathname === '/jwks') return new Response(keyring.jwks().body)
      const cursor = searchParams.get('cursor') ?? undefined
      if (new Headers(headers).get('accept') === 'text/event-stream') return answerStream(cursor)
      const { jwt } = await documents.after(cursor)
      return new Response(jwt, { headers: { 'content-type': 'application/jwt' } })
    },
    cut() {
      for (const connection of connections) connection.end()
      connections.clear()
    },
  }
}

function openPipe(): { stream: ReadableStream<Uint8Array>; connection: Connection } {
  const { readable: stream, writable } = new TransformStream<Uint8Array, Uint8Array>()
  const writer = writable.getWriter()
  const ended = writer.closed.catch(() => {})
  let hasEnded = false
  const end = () => {
    hasEnded = true
    writer.close().catch(() => {}) // by the reader already
  }
  void ended.then(() => (hasEnded = true))
  const connection: Connection = {
    send: (event) => void writer.write(event).catch(() => {}),
    pendingBytes: () => 0,
    drained: async () => {},
    hasEnded: () => hasEnded,
    ended,
    end,
  }
  return { stream, connection }
}
