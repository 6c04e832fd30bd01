/** Health checks: is the process alive, and can it serve. */
import type { FastifyInstance } from 'fastify'
import type { Clock } from '../database/clock.ts'
import type { Keyring } from '../keys/keyring.ts'
import { paths } from '../protocol/paths.ts'

export function registerHealth(
  app: FastifyInstance,
  { clock, keyring }: { clock: Pick<Clock, 'databaseNow'>; keyring: Pick<Keyring, 'isLoaded'> },
): void {
  app.get(paths.live, { logLevel: 'warn' }, () => ({ status: 'live' }))

  app.get(paths.ready, { logLevel: 'warn' }, async (_request, reply) => {
    if (!keyring.isLoaded())
      return reply.code(503).send({ status: 'not-ready', reason: 'no signing key is loaded' })
    await clock.databaseNow()
    return { status: 'ready' }
  })
}
