/** Answers a document from memory that others may cache, with its ETag (RFC 9110 §8.8.3, RFC 9111 §5.2). */
import type { FastifyReply, FastifyRequest } from 'fastify'

export interface CacheableDocument {
  body: string
  etag: string
  contentType: string
  maxAgeSeconds: number
}

export function sendCacheable(
  request: FastifyRequest,
  reply: FastifyReply,
  { body, etag, contentType, maxAgeSeconds }: CacheableDocument,
): FastifyReply {
  reply.headers({
    etag,
    'cache-control': `public, max-age=${maxAgeSeconds}, stale-if-error=${maxAgeSeconds}`,
  })
  if (matchesEtag(request.headers['if-none-match'], etag)) return reply.code(304).send()
  return reply.type(contentType).send(body)
}

/** RFC 9110 §13.1.2: the weak comparison, as a proxy may have weakened our tag. */
export function matchesEtag(ifNoneMatch: string | undefined, etag: string): boolean {
  const tags = (ifNoneMatch ?? '').split(',').map((tag) => tag.trim().replace(/^W\//, ''))
  return tags.some((tag) => tag === etag || tag === '*')
}
