import fastify, { type FastifyInstance } from 'fastify'
import t from 'tap'
import { VerificationError } from '../../src/verifier/errors.ts'
import verifierPlugin from '../../src/verifier/fastify.ts'
import { testBinding } from './adapter-binding.ts'
import { testAdapter, type ServeApi } from './adapter.ts'
import { createTestTokens } from './holder.ts'

const serve: ServeApi = async (t, verifier, options, tls) => {
  const app = (
    tls ? fastify({ https: { ...tls, requestCert: true, rejectUnauthorized: false } }) : fastify()
  ) as FastifyInstance
  t.teardown(() => app.close())
  app.setErrorHandler((error: Error, _request, reply) => {
    const isRefusal = error instanceof VerificationError
    if (!isRefusal) void reply.code(500)
    return reply.send(`passed: ${isRefusal ? error.code : error.message}`)
  })
  await app.register(verifierPlugin, { verifier, ...options })
  await app.register(
    async (orders) => {
      const onRequest = orders.requireToken({ scopes: ['orders:read'] })
      orders.get('/orders', { onRequest }, async ({ auth }) => auth?.claims.sub)
      orders.options('/orders', { onRequest }, async (_request, reply) => reply.code(204).send())
      const preHandler = orders.requireToken({ claims: { roles: 'admin' } })
      orders.delete<{ Params: { id: string } }>(
        '/orders/:id',
        { preHandler },
        async ({ auth }) => auth?.claims.sub,
      )
    },
    { prefix: '/v1' },
  )
  if (options.resource !== undefined) app.addHook('onRequest', app.requireToken())
  return app.listen({ host: '127.0.0.1', port: 0 })
}

t.test('Fastify', async (t) => testAdapter(t, serve))

t.test('Fastify, with bound tokens', async (t) => testBinding(t, serve))

t.test('requests by inject are requests', async (t) => {
  const tokens = await createTestTokens(t)
  const app = fastify()
  await app.register(verifierPlugin, { verifier: tokens.createVerifier() })
  app.get('/', { onRequest: app.requireToken() }, async ({ auth }) => auth?.claims.sub)
  app.get('/open', async ({ auth }) => typeof auth)
  const headers = { authorization: `Bearer ${await tokens.issue()}` }
  t.equal((await app.inject({ url: '/', headers })).body, 'alice')
  t.equal((await app.inject('/')).statusCode, 401)
  t.equal((await app.inject({ url: '/open', headers })).body, 'undefined')
})

t.test('two verifiers stand side by side in their own contexts', async (t) => {
  const [one, other] = [await createTestTokens(t), await createTestTokens(t)]
  const app = fastify()
  for (const [prefix, tokens] of [
    ['/one', one],
    ['/other', other],
  ] as const)
    await app.register(
      async (child) => {
        await child.register(verifierPlugin, { verifier: tokens.createVerifier() })
        child.get('/', { onRequest: child.requireToken() }, async ({ auth }) => auth?.claims.sub)
      },
      { prefix },
    )
  const headers = { authorization: `Bearer ${await one.issue()}` }
  t.equal((await app.inject({ url: '/one/', headers })).statusCode, 200)
  t.equal((await app.inject({ url: '/other/', headers })).statusCode, 401)
})

t.test('metadata are not served where nobody would look for them', async (t) => {
  const tokens = await createTestTokens(t)
  const app = fastify()
  const registered = app.register(
    async (child) => {
      await child.register(verifierPlugin, {
        verifier: tokens.createVerifier(),
        resource: 'https://api.example.com/v1',
      })
    },
    { prefix: '/v1' },
  )
  await t.rejects(async () => registered, /outside of a prefix/)
})
