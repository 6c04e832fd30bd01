/** How long answers take, by route and class of status: as many series as there are routes, whatever is asked for. */
import type { FastifyInstance } from 'fastify'
import type { Metrics } from '../watch/metrics.ts'

export function measureRequests(
  app: FastifyInstance,
  { requests }: Pick<Metrics, 'requests'>,
): void {
  app.addHook('onResponse', async (request, reply) => {
    const route = request.routeOptions.url ?? 'none'
    const status = `${Math.floor(reply.statusCode / 100)}xx`
    requests.observe({ route, status }, reply.elapsedTime / 1000)
  })
}
