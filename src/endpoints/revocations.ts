/** The revocation feed (docs/revocation-feed.md): what no longer counts, signed, to poll or to listen to. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { matchesEtag } from '../http/cacheable.ts'
import { openEventStream } from '../http/event-stream.ts'
import { queryParams } from '../http/requests.ts'
import { watched } from '../http/witness.ts'
import { paths } from '../protocol/paths.ts'
import { createFeedBroadcast } from '../revocation/feed-broadcast.ts'
import type { FeedDocuments } from '../revocation/feed-documents.ts'
import type { RevocationFeed } from '../revocation/feed.ts'
import type { SetTimer } from '../revocation/pace.ts'
import type { Metrics } from '../watch/metrics.ts'
import type { Watch } from '../watch/watch.ts'
import type { Witness } from '../watch/witness.ts'
import type { FeedAccess, FeedMode } from './feed-access.ts'

export interface RevocationsDependencies {
  mode: FeedMode
  access: FeedAccess
  feed: Pick<RevocationFeed, 'cursor' | 'onChange'>
  documents: FeedDocuments
  heartbeatSeconds: number
  maxListeners: number
  setTimer?: SetTimer
  watch: Watch
  metrics: Pick<Metrics, 'gauge'>
}

export function registerRevocations(
  app: FastifyInstance,
  { mode, access, documents, watch, metrics, ...broadcasting }: RevocationsDependencies,
): void {
  if (mode === 'off') return
  const broadcast = createFeedBroadcast({
    ...broadcasting,
    documents,
    onError: (err) => app.log.error({ err }, 'the revocation feed could not be signed'),
  })
  app.addHook('preClose', async () => broadcast.close())
  metrics.gauge({
    name: 'feed_listeners',
    help: 'Who listens to the revocation feed at this node.',
    read: () => broadcast.listeners(),
  })

  app.get(paths.revocations, watched(watch, 'revocations', answer))

  async function answer(request: FastifyRequest, witness: Witness, reply: FastifyReply) {
    const isWelcome = await access.admit(request, witness)
    const cursor = queryParams(request).refuseDuplicates().get('cursor')
    reply.header('vary', 'Accept')
    if (!wantsStream(request)) return poll(request, reply, cursor)
    await broadcast.open({
      cursor: lastEventId(request) ?? cursor,
      isWelcome,
      connect: () => openEventStream(reply),
    })
    return reply
  }

  async function poll(request: FastifyRequest, reply: FastifyReply, cursor: string | undefined) {
    const { jwt } = await documents.after(cursor)
    const etag = `"${jwt.slice(jwt.lastIndexOf('.') + 1)}"` // no other document has its signature
    reply.headers({
      etag,
      'cache-control': mode === 'public' ? 'public, max-age=1' : 'no-store',
    })
    if (matchesEtag(request.headers['if-none-match'], etag)) return reply.code(304).send()
    return reply.type('application/jwt').send(jwt)
  }
}

function wantsStream({ method, headers }: FastifyRequest): boolean {
  return method === 'GET' && (headers.accept ?? '').includes('text/event-stream')
}

/** What an EventSource says when it reconnects (WHATWG HTML §9.2.4): newer than the cursor in its URL. */
function lastEventId({ headers }: FastifyRequest): string | undefined {
  const id = headers['last-event-id']
  return typeof id === 'string' && id !== '' ? id : undefined
}
