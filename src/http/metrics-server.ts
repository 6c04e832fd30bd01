/** `GET /metrics` on a port of its own, so that no proxy in front of the provider can show it to the world. */
import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import { Refusal } from '../protocol/refusal.ts'
import type { Metrics } from '../watch/metrics.ts'

export interface MetricsServer {
  port: number
  close(): Promise<void>
}

/** None without a port. Throws when it cannot listen. It does not keep the process alive. */
export async function serveMetrics({
  metrics,
  host,
  port,
}: {
  metrics: Pick<Metrics, 'text' | 'contentType'>
  host: string
  /** 0 for a free one. */
  port: number | undefined
}): Promise<MetricsServer | undefined> {
  if (port === undefined) return undefined

  async function answer(response: ServerResponse): Promise<void> {
    const text = await metrics.text()
    response.writeHead(200, { 'content-type': metrics.contentType, 'cache-control': 'no-store' })
    response.end(text)
  }

  const server = createServer((request, response) => {
    const isAsked = request.method === 'GET' && request.url?.split('?', 1)[0] === '/metrics'
    if (isAsked) answer(response).catch(() => response.writeHead(500).end())
    else response.writeHead(404).end('GET /metrics\n')
  })
  server.unref().listen(port, host)
  await once(server, 'listening').catch((cause: Error) => {
    throw new Refusal(
      `The metrics cannot be served: ${cause.message}. Set another CLAVIGER_METRICS_PORT or CLAVIGER_METRICS_HOST.`,
      { cause },
    )
  })
  const address = server.address()
  return {
    port: typeof address === 'object' && address ? address.port : port,
    async close() {
      server.close()
      server.closeAllConnections()
    },
  }
}
