/** The public signing keys (RFC 7517 §5), from memory. The publication lead is what makes caching them safe. */
import type { FastifyInstance } from 'fastify'
import { sendCacheable } from '../http/cacheable.ts'
import type { Keyring } from '../keys/keyring.ts'
import { paths } from '../protocol/paths.ts'

export function registerJwks(
  app: FastifyInstance,
  {
    keyring,
    jwksMaxAgeSeconds: maxAgeSeconds,
  }: { keyring: Pick<Keyring, 'jwks'>; jwksMaxAgeSeconds: number },
): void {
  app.get(paths.jwks, (request, reply) =>
    sendCacheable(request, reply, {
      ...keyring.jwks(),
      contentType: 'application/json; charset=utf-8',
      maxAgeSeconds,
    }),
  )
}
