import express, { type ErrorRequestHandler } from 'express'
import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import t from 'tap'
import { requireToken, serveMetadata } from '../../src/verifier/express.ts'
import { VerificationError } from '../../src/verifier/errors.ts'
import { testBinding } from './adapter-binding.ts'
import { testAdapter, type ServeApi } from './adapter.ts'

const onError: ErrorRequestHandler = (error, _request, response, _next) => {
  const isRefusal = error instanceof VerificationError
  if (!isRefusal) response.status(500)
  response.send(`passed: ${isRefusal ? error.code : error.message}`)
}

const serve: ServeApi = async (t, verifier, options, tls) => {
  const app = express()
  const { resource, schemes } = options
  if (resource !== undefined) {
    app.use(serveMetadata(verifier, { resource, schemes }))
    app.use(requireToken(verifier, options))
  }
  const orders = express.Router()
  const readers = requireToken(verifier, { ...options, scopes: ['orders:read'] })
  orders.get('/orders', readers, (request, response) => {
    response.send(request.auth?.claims.sub)
  })
  orders.options('/orders', readers, (_request, response) => {
    response.status(204).end()
  })
  const admins = requireToken(verifier, { ...options, claims: { roles: 'admin' } })
  orders.delete('/orders/:id', admins, (request, response) => {
    response.send(request.auth?.claims.sub)
  })
  app.use('/v1', orders)
  app.use(onError)

  const server = tls
    ? createHttpsServer({ ...tls, requestCert: true, rejectUnauthorized: false }, app)
    : createHttpServer(app)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.close()
    server.closeAllConnections()
  })
  return `${tls ? 'https' : 'http'}://127.0.0.1:${(server.address() as AddressInfo).port}`
}

t.test('Express', async (t) => testAdapter(t, serve))

t.test('Express, with bound tokens', async (t) => testBinding(t, serve))
