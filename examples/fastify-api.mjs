// A Fastify API: whoever may read orders sees them, and only an admin deletes one. The role is a custom claim, which a
// client gets by asking for the scope of its name. The API and the client orders-api are those of express-api.mjs:
//
//   echo '{"roles": ["admin"]}' | npx claviger users set-claims alice@example.com --file -
//   CLIENT_SECRET=a-secret-of-at-least-thirty-two-characters node examples/fastify-api.mjs
import { createVerifier } from '@claviger/verifier'
import verifierPlugin from '@claviger/verifier/fastify'
import fastify from 'fastify'

const resource = 'https://orders.example.com'
const verifier = createVerifier({
  issuer: process.env.ISSUER ?? 'http://localhost:3000',
  audience: resource,
  revocations: { clientId: 'orders-api', clientSecret: process.env.CLIENT_SECRET },
})
await verifier.ready()

const orders = new Map([['1', { id: '1', item: 'a bunch of keys' }]])

const api = fastify()
await api.register(verifierPlugin, { verifier, resource })

api.get('/orders', { onRequest: api.requireToken({ scopes: ['orders:read'] }) }, () => ({
  orders: [...orders.values()],
}))

api.delete(
  '/orders/:id',
  { onRequest: api.requireToken({ claims: { roles: 'admin' } }) },
  async (request, reply) => {
    if (!orders.delete(request.params.id)) return reply.code(404).send({ error: 'not_found' })
    return reply.code(204).send()
  },
)

api.addHook('onClose', () => verifier.close())
process.once('SIGTERM', () => void api.close())
console.log(`Orders are served at ${await api.listen({ port: Number(process.env.PORT ?? 4002) })}`)
