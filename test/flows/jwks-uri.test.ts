/** Clients that publish their keys (RFC 7591 §2 jwks_uri, OpenID Connect Core §10.1.1). */
import { randomUUID } from 'node:crypto'
import { exportJWK, generateKeyPair, SignJWT, type JWK } from 'jose'
import t from 'tap'
import { post } from '../support/flow.ts'
import { createTestProvider } from '../support/provider.ts'
import { createWebServer } from '../support/web-server.ts'

const client = { clientId: 'service', secret: '' }

async function createKey(kid: string) {
  const { publicKey, privateKey } = await generateKeyPair('ES256')
  return { kid, privateKey, publicJwk: { ...(await exportJWK(publicKey)), kid } }
}

const published: JWK[] = []
const publish = (...keys: JWK[]) => published.splice(0, published.length, ...keys)
const web = await createWebServer(t, (request, response) => {
  if (request.url === '/moved') return response.writeHead(302, { location: '/keys' }).end()
  return response
    .writeHead(200, { 'content-type': 'application/json' })
    .end(JSON.stringify({ keys: published }))
})
const provider = await createTestProvider(t, { CLAVIGER_OUTGOING_CA_FILE: web.caFile })
const metadata = {
  grant_types: ['client_credentials'],
  token_endpoint_auth_method: 'private_key_jwt',
}
await provider.createClient({ ...metadata, client_id: 'service', jwks_uri: `${web.origin}/keys` })
await provider.createClient({ ...metadata, client_id: 'moved', jwks_uri: `${web.origin}/moved` })

async function authenticate(
  { kid, privateKey }: Awaited<ReturnType<typeof createKey>>,
  clientId = 'service',
) {
  const now = Math.floor(provider.clock.now().getTime() / 1000)
  const client_assertion = await new SignJWT({ jti: randomUUID() })
    .setProtectedHeader({ alg: 'ES256', kid })
    .setIssuer(clientId)
    .setSubject(clientId)
    .setAudience(provider.issuer)
    .setExpirationTime(now + 60)
    .sign(privateKey)
  const { status, body } = await post(
    provider,
    '/token',
    { ...client, clientId },
    {
      grant_type: 'client_credentials',
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion,
    },
  )
  return status === 200 ? 'authenticated' : body['error']
}

t.test(
  'keys are fetched at the first use and then known (oidcc-registration-jwks-uri)',
  async (t) => {
    const [a, stranger] = [await createKey('a'), await createKey('a')]
    publish(a.publicJwk)
    t.equal(await authenticate(a), 'authenticated')
    t.equal(await authenticate(a), 'authenticated')
    t.equal(await authenticate(stranger), 'invalid_client')
    t.strictSame(
      web.requests.map(({ path }) => path),
      ['/keys'],
    )
  },
)

t.test(
  'a new key is found by its kid within a minute (oidcc-refresh-token-rp-key-rotation)',
  async (t) => {
    provider.clock.advance(60)
    const b = await createKey('b')
    publish(b.publicJwk)
    t.equal(await authenticate(b), 'authenticated')
  },
)

t.test('a new key under the same kid is found by its signature', async (t) => {
  provider.clock.advance(60)
  const [b, stranger] = [await createKey('b'), await createKey('b')]
  publish(b.publicJwk)
  t.equal(await authenticate(b), 'authenticated')
  const fetches = web.requests.length
  t.equal(await authenticate(stranger), 'invalid_client')
  t.equal(await authenticate(stranger), 'invalid_client')
  t.equal(web.requests.length, fetches, 'a stranger does not make us fetch them again and again')
})

t.test('a redirect instead of keys is refused, and the log says why', async (t) => {
  t.equal(await authenticate(await createKey('b'), 'moved'), 'invalid_client')
  const details = provider.logged.map(({ detail }) => String(detail))
  const reason = 'The jwks_uri gave an answer of 302: redirects are not'
  t.ok(details.some((one) => one.includes(reason)))
})

t.test('keys and their address exclude each other (RFC 7591 §2)', async (t) => {
  const { publicJwk } = await createKey('a')
  const both = { ...metadata, jwks: { keys: [publicJwk] }, jwks_uri: `${web.origin}/keys` }
  await t.rejects(provider.createClient(both), /^jwks_uri: Give jwks or jwks_uri, not both/)
  for (const jwks_uri of ['http://app.example.com/keys', 'https://app.example.com/#keys'])
    await t.rejects(provider.createClient({ ...metadata, jwks_uri }), /jwks_uri: /, jwks_uri)
})
