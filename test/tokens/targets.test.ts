import t from 'tap'
import type { Resource } from '../../src/clients/resources-store.ts'
import { createTargets } from '../../src/tokens/targets.ts'
import { toClient } from '../authorization/clients.ts'

const issuer = 'https://issuer.example'
const createdAt = new Date('2026-01-01T00:00:00Z')

const registered = [
  resource('https://plain.example', {}),
  resource('https://read.example', { scopes: ['read'], accessTokenTtlSeconds: 60 }),
  resource('https://write.example', { scopes: ['write'], accessTokenTtlSeconds: 7200 }),
  resource('https://es.example', { accessTokenSignedResponseAlg: 'ES256' }),
  resource('https://rs.example', { accessTokenSignedResponseAlg: 'RS256' }),
]

function resource(uri: string, settings: Partial<Resource>): Resource {
  return {
    resource: uri,
    name: uri,
    scopes: undefined,
    accessTokenTtlSeconds: undefined,
    accessTokenSignedResponseAlg: undefined,
    createdAt,
    updatedAt: createdAt,
    ...settings,
  }
}

const targets = createTargets({
  resources: { find: async (uri) => registered.find((one) => one.resource === uri) },
  defaultAudience: issuer,
  accessTokenTtlSeconds: 600,
})
const rsClient = toClient()
const esClient = toClient({ id_token_signed_response_alg: 'ES256' })
const scope = ['openid', 'offline_access', 'email', 'read', 'write']

const resolve = (resources: string[], client = rsClient) =>
  targets.resolve({ client, resources, scope })

t.test(
  'without a resource the token is for the issuer, as the client wants it signed',
  async (t) => {
    const target = { audience: issuer, ttlSeconds: 600, scope }
    t.strictSame(await resolve([]), { ...target, alg: 'RS256' })
    t.strictSame(await resolve([], esClient), { ...target, alg: 'ES256' })
  },
)

t.test(
  'a resource is the audience, with its lifetime, algorithm and scopes (RFC 8707 §2)',
  async (t) => {
    const rows: [resources: string[], target: object][] = [
      [
        ['https://plain.example'],
        { audience: 'https://plain.example', alg: 'RS256', ttlSeconds: 600, scope },
      ],
      [['https://read.example'], { ttlSeconds: 60, scope: ['openid', 'offline_access', 'read'] }],
      [
        ['https://write.example'],
        { ttlSeconds: 7200, scope: ['openid', 'offline_access', 'write'] },
      ],
      [['https://es.example'], { alg: 'ES256' }],
      [[issuer], { audience: issuer, alg: 'RS256', ttlSeconds: 600, scope }],
    ]
    for (const [resources, target] of rows) {
      const resolved = await resolve(resources)
      t.strictSame({ ...resolved, ...target }, resolved, resources.join())
    }
  },
)

t.test('a resource that is named twice is one', async (t) => {
  const uri = 'https://read.example'
  t.equal((await resolve([uri, uri])).audience, uri)
})

t.test(
  'several resources: all audiences, the shortest lifetime, what means something to any',
  async (t) => {
    const resources = ['https://write.example', 'https://read.example']
    t.strictSame(await resolve(resources), {
      audience: resources,
      alg: 'RS256',
      ttlSeconds: 60,
      scope: ['openid', 'offline_access', 'read', 'write'],
    })
    const withIssuer = await resolve(['https://read.example', issuer])
    t.strictSame(withIssuer.audience, ['https://read.example', issuer])
    t.strictSame(withIssuer.scope, scope)
  },
)

t.test('no API has RS256 from a client of the profile fapi2 (FAPI 2.0 §5.4.1)', async (t) => {
  const bank = toClient({
    profile: 'fapi2',
    jwks_uri: 'https://bank.example/jwks',
    redirect_uris: ['https://bank.example/callback'],
  })
  for (const uri of ['https://plain.example', 'https://es.example'])
    t.equal((await resolve([uri], bank)).alg, 'ES256')
  await t.rejects(resolve(['https://rs.example'], bank), { code: 'invalid_target' })
})

t.test('resources that want different algorithms need a token each', async (t) => {
  const conflict = { code: 'invalid_target', description: /differently signed/ }
  await t.rejects(resolve(['https://es.example', 'https://rs.example']), conflict)
  await t.rejects(resolve(['https://es.example', 'https://plain.example']), conflict)
  t.match(await resolve(['https://es.example', 'https://plain.example'], esClient), {
    alg: 'ES256',
  })
})

t.test(
  'what is not registered is invalid_target, alone or beside others (RFC 8707 §2)',
  async (t) => {
    const unknown = { code: 'invalid_target', description: /'https:\/\/unknown.example'/ }
    const resources = ['https://read.example', 'https://unknown.example']
    await t.rejects(resolve(['https://unknown.example']), unknown)
    await t.rejects(resolve(resources), unknown)
    await t.rejects(targets.requireRegistered(resources), unknown)
    await t.resolves(targets.requireRegistered(['https://read.example', issuer]))
    await t.resolves(targets.requireRegistered([]))
  },
)
