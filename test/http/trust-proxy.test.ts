import fastify from 'fastify'
import t from 'tap'
import { toFastifyTrustProxy } from '../../src/http/trust-proxy.ts'

const forwarded = '203.0.113.66, 198.51.100.7, 10.0.0.2' // spoofed by the client, the client, an outer proxy

async function clientAddress(trustProxy: Parameters<typeof toFastifyTrustProxy>[0]) {
  const app = fastify({ trustProxy: toFastifyTrustProxy(trustProxy) })
  app.get('/', async (request) => request.ip)
  const answer = await app.inject({
    url: '/',
    remoteAddress: '10.0.0.1',
    headers: { 'x-forwarded-for': forwarded },
  })
  return answer.body
}

t.test('the client is whom the outermost trusted proxy saw (TRUST_PROXY)', async (t) => {
  t.equal(await clientAddress(false), '10.0.0.1')
  t.equal(await clientAddress(1), '10.0.0.2')
  t.equal(await clientAddress(2), '198.51.100.7')
  t.equal(await clientAddress(['10.0.0.0/8']), '198.51.100.7')
  t.equal(await clientAddress(['192.0.2.1']), '10.0.0.1')
})
