/** An answer that goes on and on: server-sent events (WHATWG HTML §9.2). */
import type { FastifyReply } from 'fastify'
import type { Connection } from '../revocation/feed-broadcast.ts'

/** Takes the answer out of Fastify's hands, with the headers that it has so far. */
export function openEventStream(reply: FastifyReply): Connection {
  const { raw: response, log } = reply.hijack()
  const hasEnded = () => response.writableEnded || response.destroyed
  const ended = new Promise<void>((resolve) => {
    if (response.destroyed) resolve() // the client did not wait
    else response.once('close', resolve)
  })
  response.on('error', () => {}) // 'close' follows
  for (const [name, value] of Object.entries(reply.getHeaders()))
    if (value !== undefined) response.setHeader(name, value)
  response.writeHead(200, {
    'content-type': 'text/event-stream',
    'cache-control': 'no-store',
    'x-accel-buffering': 'no', // nginx would collect it
    connection: 'close',
  })
  return {
    ended,
    hasEnded,
    send: (event) => void response.write(event),
    pendingBytes: () => response.writableLength,
    async drained() {
      if (!response.writableNeedDrain) return
      await Promise.race([new Promise((resolve) => response.once('drain', resolve)), ended])
    },
    end(reason) {
      if (hasEnded()) return
      if (reason !== undefined) log.info({ reason }, 'stream ended')
      if (response.writableLength > 0) response.destroy()
      else response.end()
    },
  }
}
