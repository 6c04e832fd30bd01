/** The verifier and its follower at a whole Claviger: whatever is revoked there is refused here. */
import fastify from 'fastify'
import { decodeProtectedHeader } from 'jose'
import { pino } from 'pino'
import t, { type Test } from 'tap'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createGatewayApp } from '../../src/gateway/app.ts'
import { createAdminServices } from '../../src/services/admin.ts'
import { createKeyServices } from '../../src/services/keys.ts'
import { requireToken } from '../../src/verifier/express.ts'
import verifierPlugin from '../../src/verifier/fastify.ts'
import { createVerifier, type VerifierOptions } from '../../src/verifier/verifier.ts'
import { obtainTokens, signIn } from '../support/flow.ts'
import { createTestProvider, type TestProvider } from '../support/provider.ts'
import { codeOf } from './test-issuer.ts'
import { setImmediate as turn } from 'node:timers/promises'

const act = { actor: 'test' }

async function setUp(t: Test, options: Partial<VerifierOptions> = {}) {
  const provider = await createTestProvider(t)
  const feed = await provider.createClient({
    redirect_uris: [],
    grant_types: ['client_credentials'],
    scope: 'revocations',
  })
  const verifier = createVerifier({
    issuer: provider.issuer,
    audience: provider.issuer,
    revocations: { clientId: feed.clientId, clientSecret: feed.secret },
    // The provider's time jumps to where a revocation waits; by another clock that would be a machine that slept.
    now: () => provider.clock.now().getTime(),
    monotonic: () => provider.clock.now().getTime(),
    ...options,
  })
  t.teardown(() => verifier.close())
  await provider.createUser()
  const app = await provider.createClient({ skip_consent: true })
  const issue = async () => (await obtainTokens(provider, await signIn(provider), app)).access_token
  return { provider, verifier, issue }
}

interface Revoked {
  kid: string
  sub: string
  sid: string
  client_id: string
  grant_id: string
  jti: string
}

const acts: Record<string, (provider: TestProvider, revoked: Revoked) => Promise<unknown>> = {
  user: ({ services }, { sub }) => services.revocations.revokeUser(sub, act),
  session: ({ services }, { sid, sub }) => services.revocations.revokeSession({ sid, sub }, act),
  client: ({ services }, { client_id: id }) => services.revocations.revokeClient(id, act),
  grant: ({ services }, { grant_id: id }) => services.revocations.revokeGrant(id, act),
  token: ({ services }, { jti }) => services.revocations.revokeToken(jti, act),
  everything: ({ services }) => services.revocations.revokeEverything(act),
  async key({ config, database, clock, services }, { kid }) {
    const keys = await createKeyServices(
      { config, database, clock },
      createAdminServices({ config, database, clock }),
    )
    await keys.revokeKey(kid, act)
    await services.keyring.load()
  },
}

t.test(
  'a revocation of each kind is refused once it has arrived, and what comes later is not',
  async (t) => {
    const { provider, verifier, issue } = await setUp(t)
    await verifier.ready()
    for (const [kind, revoke] of Object.entries(acts)) {
      const token = await issue()
      const { claims } = await verifier.verify(token)
      const kid = String(decodeProtectedHeader(token).kid)
      await revoke(provider, { ...(claims as unknown as Revoked), kid })
      let code: unknown
      while ((code = await codeOf(verifier.verify(token))) === 'accepted') await turn()
      t.equal(code, kind === 'key' ? 'key_revoked' : 'token_revoked', kind)
      if (kind !== 'key') t.equal(await codeOf(verifier.verify(await issue())), 'accepted', kind)
    }
  },
)

t.test('while the feed is stale each adapter answers 503', async (t) => {
  const { verifier, issue } = await setUp(t, {
    fetch: (url, init) =>
      url.includes('/revocations') ? Promise.reject(new Error('cut')) : fetch(url, init),
  })
  const headers = { authorization: `Bearer ${await issue()}` }
  const api = fastify()
  await api.register(verifierPlugin, { verifier })
  api.get('/orders', { onRequest: api.requireToken() }, () => 'orders')
  const gateway = createGatewayApp({
    verifier,
    rules: [{ path: '/orders' }],
    publicUrl: 'https://api.example.com',
    log: pino({ enabled: false }),
  })
  const connect = createServer((request, response) => {
    void requireToken(verifier)(request, response, () => response.end('orders'))
  })
  await new Promise<void>((resolve) => connect.listen(0, '127.0.0.1', resolve))
  t.teardown(() => connect.close())
  const { port } = connect.address() as AddressInfo
  const answers = {
    fastify: await api.inject({ url: '/orders', headers }),
    gateway: await gateway.inject({ url: '/envoy/orders', headers }),
  }
  for (const [name, answer] of Object.entries(answers)) {
    t.equal(answer.statusCode, 503, name)
    t.equal(answer.headers['retry-after'], '5', name)
    t.match(answer.json(), { code: 'revocations_stale' }, name)
  }
  const answer = await fetch(`http://127.0.0.1:${port}/orders`, { headers })
  t.equal(answer.status, 503)
  t.match(await answer.json(), { code: 'revocations_stale' })
})
