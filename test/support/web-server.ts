/** Somebody else's web server, over https with a certificate that signs itself, and how this server reaches it. */
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer as createPlainServer, type RequestListener } from 'node:http'
import { createServer, type Server } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { createSelfSigned } from './self-signed.ts'

export interface WebServer {
  server: Server
  /** With the name localhost. */
  origin: string
  port: number
  /** Path and host of each request, in order. */
  requests: { path: string; host: string }[]
  /** The certificate, as CLAVIGER_OUTGOING_CA_FILE. */
  caFile: string
}

export async function createWebServer(t: Test, listener: RequestListener): Promise<WebServer> {
  const { cert, key } = createSelfSigned()
  const directory = await mkdtemp(join(tmpdir(), 'web-server-')) // each t.testdir empties the former
  t.teardown(() => rm(directory, { recursive: true }))
  const caFile = join(directory, 'ca.pem')
  await writeFile(caFile, cert)
  const requests: WebServer['requests'] = []
  const server = createServer({ cert, key }, (request, response) => {
    requests.push({ path: request.url ?? '', host: request.headers.host ?? '' })
    listener(request, response)
  })
  const port = await listen(t, server)
  return { server, origin: `https://localhost:${port}`, port, requests, caFile }
}

/** Answers its origin. */
export async function createPlainWebServer(t: Test, listener: RequestListener): Promise<string> {
  return `http://127.0.0.1:${await listen(t, createPlainServer(listener))}`
}

async function listen(t: Test, server: Server | ReturnType<typeof createPlainServer>) {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  const address = server.address()
  return typeof address === 'object' && address ? address.port : 0
}
