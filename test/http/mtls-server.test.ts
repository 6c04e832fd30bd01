import fastify from 'fastify'
import { once } from 'node:events'
import { Agent, request } from 'node:https'
import { createServer } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { addMtlsServer } from '../../src/http/mtls-server.ts'
import { freePort } from '../support/provider.ts'
import { createSelfSigned } from '../support/self-signed.ts'

const { cert, key } = createSelfSigned()
const directory = t.testdir({ 'cert.pem': cert, 'key.pem': key })
const tls = { certFile: join(directory, 'cert.pem'), keyFile: join(directory, 'key.pem') }
const host = '127.0.0.1'

t.test('a port that is taken stops the start', async (t) => {
  const other = createServer().listen(0, host)
  await once(other, 'listening')
  t.teardown(() => other.close())
  const { port } = other.address() as { port: number }
  const app = fastify()
  addMtlsServer(app, { tls, host, port })
  await t.rejects(async () => app.ready(), /EADDRINUSE.*Set another CLAVIGER_MTLS_PORT\.$/)
})

t.test('it stops with the app, whoever keeps a connection open', async (t) => {
  const port = await freePort()
  const app = fastify()
  app.get('/', async () => 'here')
  addMtlsServer(app, { tls, host, port })
  await app.ready()
  const agent = new Agent({ keepAlive: true })
  t.teardown(() => agent.destroy())
  const outgoing = request({ host, port, ca: cert, agent }).end()
  const [incoming] = await once(outgoing, 'response')
  t.equal(incoming.statusCode, 200)
  incoming.resume()
  await once(incoming, 'end')
  await app.close()
  const again = request({ host, port, ca: cert }).end()
  const [error] = await once(again, 'error')
  t.equal(error.code, 'ECONNREFUSED')
})

t.test('it keeps connections as long as the app does', async (t) => {
  const port = await freePort()
  const app = fastify({ keepAliveTimeout: 40_000 })
  app.get('/', async () => 'here')
  addMtlsServer(app, { tls, host, port })
  await app.ready()
  t.teardown(() => app.close())
  const agent = new Agent({ keepAlive: true })
  t.teardown(() => agent.destroy())
  const outgoing = request({ host, port, ca: cert, agent }).end()
  const [incoming] = await once(outgoing, 'response')
  incoming.resume()
  t.equal(incoming.headers['keep-alive'], 'timeout=40')
})
