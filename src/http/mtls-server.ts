/**
 * The same app on a port that asks for client certificates (RFC 8705 §5): browsers, which would show people a choice of
 * certificates, stay on the other. Any certificate will do here; whose it is, is judged where it matters.
 */
import type { FastifyInstance } from 'fastify'
import { once } from 'node:events'
import { createServer } from 'node:https'
import { Refusal } from '../protocol/refusal.ts'
import { tlsOptions, type TlsFiles } from './tls.ts'

export interface MtlsServerOptions {
  tls: TlsFiles
  host: string
  port: number
}

/** Listens as soon as the app is ready, and stops with it. */
export function addMtlsServer(app: FastifyInstance, { tls, host, port }: MtlsServerOptions): void {
  const server = createServer({ ...tlsOptions(tls), requestCert: true, rejectUnauthorized: false })
  let closed: Promise<unknown> | undefined

  app.addHook('onReady', async () => {
    server.requestTimeout = app.server.requestTimeout
    server.keepAliveTimeout = app.server.keepAliveTimeout // Node's is so short that requests meet the end of it
    server.on('request', (request, response) => app.routing(request, response))
    for (const listener of app.server.listeners('clientError'))
      server.on('clientError', listener as () => void)
    server.listen(port, host)
    await once(server, 'listening').catch((cause: Error) => {
      throw new Refusal(
        `Client certificates cannot be asked for: ${cause.message}. Set another CLAVIGER_MTLS_PORT.`,
        { cause },
      )
    })
  })
  app.addHook('preClose', async () => {
    if (!server.listening) return
    closed = once(server, 'close')
    server.close()
  })
  app.addHook('onClose', async () => {
    await closed
  })
}
