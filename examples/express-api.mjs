// An Express API that checks tokens by itself and refuses those of a revoked user within a second.
//
//   echo '{"resource": "https://orders.example.com", "name": "Orders", "scopes": ["orders:read", "roles"]}' | npx claviger resources create --file -
//   echo '{"client_id": "orders-api", "client_secret": "a-secret-of-at-least-thirty-two-characters",
//     "grant_types": ["client_credentials"], "scope": "revocations"}' | npx claviger clients create --file -
//   CLIENT_SECRET=a-secret-of-at-least-thirty-two-characters node examples/express-api.mjs
import { createVerifier } from '@claviger/verifier'
import { requireToken, serveMetadata } from '@claviger/verifier/express'
import express from 'express'

const resource = 'https://orders.example.com'
const verifier = createVerifier({
  issuer: process.env.ISSUER ?? 'http://localhost:3000',
  audience: resource,
  revocations: { clientId: 'orders-api', clientSecret: process.env.CLIENT_SECRET },
})
await verifier.ready()

const orders = new Map([['1', { id: '1', item: 'a bunch of keys' }]])

const api = express()
api.use(serveMetadata(verifier, { resource }))
api.get(
  '/orders',
  requireToken(verifier, { resource, scopes: ['orders:read'] }),
  (request, response) => {
    response.json({ for: request.auth.claims.sub, orders: [...orders.values()] })
  },
)

const server = api.listen(Number(process.env.PORT ?? 4001), '127.0.0.1', () => {
  console.log(`Orders are served at http://127.0.0.1:${server.address().port}/orders`)
})
process.once('SIGTERM', () => {
  verifier.close()
  server.close()
  server.closeAllConnections()
})
