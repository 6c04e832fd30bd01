/** Whatever is answered to a DPoP proof offers the nonce for the next one (RFC 9449 §8.2). */
import type { FastifyInstance } from 'fastify'
import type { Possession } from '../possession/possession.ts'

export function offerDpopNonces(
  app: FastifyInstance,
  { nextNonce }: Pick<Possession, 'nextNonce'>,
): void {
  app.addHook('onSend', async (request, reply) => {
    // Never into a cache, where it would grow old.
    if (request.headers['dpop'] === undefined || reply.getHeader('cache-control') !== 'no-store')
      return
    const nonce = nextNonce()
    if (nonce !== undefined) reply.header('dpop-nonce', nonce)
  })
}
