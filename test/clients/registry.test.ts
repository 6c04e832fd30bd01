import t from 'tap'
import type { Test } from 'tap'
import { createClientRegistry } from '../../src/clients/registry.ts'
import { toClientInformation } from '../../src/clients/registration.ts'
import { hashSecret } from '../../src/protocol/secrets.ts'
import { clientsChannel, createClientStore } from '../../src/clients/store.ts'
import type { Database } from '../../src/database/database.ts'
import { Refusal } from '../../src/protocol/refusal.ts'
import { createTestClock } from '../support/clock.ts'
import { createTestDatabase } from '../support/database.ts'

const supported = {
  grantTypes: ['authorization_code', 'refresh_token', 'client_credentials'],
  authMethods: ['client_secret_basic', 'client_secret_post', 'private_key_jwt', 'none'],
  algorithms: ['RS256', 'ES256'],
}
const web = { redirect_uris: ['https://app.example.com/cb'] }
const spa = { ...web, token_endpoint_auth_method: 'none' }
const goodSecret = 'a-secret-of-thirty-two-characters-or-more'

async function setUp(t: Test) {
  const database = await createTestDatabase(t)
  const clock = createTestClock(new Date('2026-01-02T03:04:05Z'))
  let queries = 0
  const counted: Database = {
    ...database,
    query: (text, values) => {
      queries++
      return database.query(text, values)
    },
  }
  const node = (served: Database) =>
    createClientRegistry({
      store: createClientStore(served),
      clock,
      cacheSize: 100,
      supported,
      findSectorFault: async ({ sector_identifier_uri: uri }, before) =>
        uri === undefined || uri === before?.sector_identifier_uri
          ? undefined
          : { message: `Its list at ${uri} is wrong.`, detail: 'an answer of 404' },
    })
  return { database, clock, registry: node(counted), other: node(database), queries: () => queries }
}

t.test('a created client is found, with defaults and a secret that is shown once', async (t) => {
  const { registry, other, clock } = await setUp(t)
  const { client, clientSecret, warnings } = await registry.create({ ...web, client_name: 'Wiki' })
  t.match(clientSecret, /^[\w-]{43}$/)
  t.same(warnings, [])
  t.match(client, {
    isPublic: false,
    allowedOrigins: [],
    createdAt: clock.now(),
    updatedAt: clock.now(),
    revokedAt: undefined,
    secretHash: hashSecret(clientSecret!),
    metadata: { client_name: 'Wiki', scope: 'openid profile email' },
  })
  t.same(await registry.find(client.clientId), client)
  t.same(await other.find(client.clientId), client)
  t.notOk(JSON.stringify(await registry.list()).includes(clientSecret!))
})

t.test('a client_id and a client_secret can be given; a weak secret brings warnings', async (t) => {
  const { registry } = await setUp(t)
  const chosen = { client_id: 'wiki', client_secret: goodSecret }
  const { client, clientSecret, warnings } = await registry.create({ ...web, ...chosen })
  t.equal(client.clientId, 'wiki')
  t.equal(clientSecret, goodSecret)
  t.same(warnings, [])
  t.same(client.secretHash, hashSecret(goodSecret))
  t.notOk('client_secret' in client.metadata || 'client_id' in client.metadata)
  const weak = await registry.create({ ...web, client_id: 'weak', client_secret: 'secret' })
  t.match(weak.warnings, [/fewer than 32/])
})

t.test('public clients, and those that sign, get no secret and may not be given one', async (t) => {
  const { registry } = await setUp(t)
  const { client, clientSecret } = await registry.create(spa)
  t.equal(client.isPublic, true)
  t.equal(client.secretHash, undefined)
  t.equal(clientSecret, undefined)
  await t.rejects(
    registry.create({ ...spa, client_secret: goodSecret }),
    new Refusal('client_secret: The token_endpoint_auth_method none has none. Leave it out.'),
  )
  await t.rejects(registry.rotateSecret(client.clientId), { message: /none has none/ })
})

t.test('a refusal tells every fault in one line, and nothing is stored', async (t) => {
  const { registry } = await setUp(t)
  const input = { client_id: 'a b', client_secret: '', scope: 7, redirectUris: [] }
  await t.rejects(registry.create(input), {
    name: 'Refusal',
    message:
      /^client_id: .* client_secret: .* scope: .* "redirectUris": Did you mean redirect_uris\? redirect_uris: .*[^\n]$/,
  })
  for (const wrong of [undefined, null, [], 'x'])
    await t.rejects(registry.create(wrong), new Refusal('Give the client as a JSON object.'))
  t.same(await registry.list(), [])
})

t.test('a client_id can be taken once, also by two at the same time', async (t) => {
  const { registry, other } = await setUp(t)
  const input = { ...web, client_id: 'wiki' }
  const results = await Promise.allSettled([registry.create(input), other.create(input)])
  t.same(results.map(({ status }) => status).toSorted(), ['fulfilled', 'rejected'])
  await t.rejects(registry.create(input), { name: 'Refusal', message: /"wiki" exists already/ })
})

t.test(
  'an update replaces what is given, removes what is null and keeps the rest (RFC 7592 §2.2)',
  async (t) => {
    const { registry, other, clock } = await setUp(t)
    const { client } = await registry.create({
      ...web,
      client_id: 'wiki',
      client_name: 'Wiki',
      contacts: ['a@b.example'],
    })
    clock.advance(60)
    const change = {
      client_name: 'New',
      contacts: null,
      grant_types: ['authorization_code', 'refresh_token'],
    }
    const updated = await registry.update('wiki', change)
    t.equal(updated.clientSecret, undefined, 'the secret stays')
    const { contacts, ...kept } = client.metadata
    t.same(contacts, ['a@b.example'])
    t.same(updated.client, {
      ...client,
      updatedAt: clock.now(),
      metadata: {
        ...kept,
        client_name: 'New',
        grant_types: ['authorization_code', 'refresh_token'],
        scope: 'openid profile email offline_access', // a default, so it follows
      },
    })
    t.same(await registry.find('wiki'), updated.client)
    t.same(await other.find('wiki'), updated.client)
  },
)

t.test('an update that makes no sense is refused and changes nothing', async (t) => {
  const { registry, other } = await setUp(t)
  const { client } = await registry.create({ ...web, client_id: 'wiki' })
  await t.rejects(registry.update('wiki', { redirect_uris: [] }), { name: 'Refusal' })
  await t.rejects(registry.update('wiki', { client_id: 'other' }), { message: /cannot be changed/ })
  await t.rejects(registry.update('wiki', 7), { message: /JSON object/ })
  await t.rejects(registry.update('unknown', {}), {
    message: /no client with the client_id "unknown"/,
  })
  t.same(await other.find('wiki'), client)
})

t.test(
  'what is shown of a client can be given back as an update, and changes nothing',
  async (t) => {
    const { registry, clock } = await setUp(t)
    const { client, clientSecret } = await registry.create({ ...web, client_id: 'wiki' })
    const shown = toClientInformation(client, clientSecret)
    t.match(shown, {
      client_id: 'wiki',
      client_secret: clientSecret,
      client_secret_expires_at: 0,
      client_id_issued_at: clock.now().getTime() / 1000,
      redirect_uris: web.redirect_uris,
    })
    t.notOk('client_secret' in toClientInformation(client))
    t.same((await registry.update('wiki', shown)).client, client)
  },
)

t.test('a change of the authentication method makes a secret, or drops it', async (t) => {
  const { registry } = await setUp(t)
  await registry.create({ ...web, client_id: 'wiki' })
  const open = await registry.update('wiki', { token_endpoint_auth_method: 'none' })
  t.equal(open.client.isPublic, true)
  t.equal(open.client.secretHash, undefined)
  const closed = await registry.update('wiki', { token_endpoint_auth_method: 'client_secret_post' })
  t.match(closed.clientSecret, /^[\w-]{43}$/)
  t.same(closed.client.secretHash, hashSecret(closed.clientSecret!))
})

t.test('a rotated secret is new, or the given one, and the former stops at once', async (t) => {
  const { registry, other } = await setUp(t)
  await registry.create({ ...web, client_id: 'wiki', client_secret: goodSecret })
  const { clientSecret } = await registry.rotateSecret('wiki')
  t.not(clientSecret, goodSecret)
  t.same((await registry.find('wiki'))?.secretHash, hashSecret(clientSecret!))
  const given = await registry.rotateSecret('wiki', 'short')
  t.equal(given.clientSecret, 'short')
  t.match(given.warnings, [/fewer than 32/])
  t.same((await other.find('wiki'))?.secretHash, hashSecret('short'))
  await t.rejects(registry.rotateSecret('wiki', 'not\nprintable'), { name: 'Refusal' })
  await t.rejects(registry.rotateSecret('unknown'), { name: 'Refusal' })
})

t.test('a deleted client is gone', async (t) => {
  const { registry } = await setUp(t)
  await registry.create({ ...web, client_id: 'wiki' })
  await registry.find('wiki')
  await registry.delete('wiki')
  t.equal(await registry.find('wiki'), undefined)
  await t.rejects(registry.delete('wiki'), { name: 'Refusal' })
})

t.test('clients are listed in the order of their creation', async (t) => {
  const { registry, clock } = await setUp(t)
  for (const client_id of ['c', 'a', 'b']) {
    await registry.create({ ...web, client_id })
    clock.advance(1)
  }
  t.same(
    (await registry.list()).map(({ clientId }) => clientId),
    ['c', 'a', 'b'],
  )
})

t.test(
  'a known client costs no statement, and what cannot be a client_id never does',
  async (t) => {
    const { registry, queries } = await setUp(t)
    await registry.create({ ...web, client_id: 'wiki' })
    await registry.find('wiki')
    const before = queries()
    for (const id of ['wiki', '', 'a b', 'a\0b', 'é', 'a'.repeat(129)]) await registry.find(id)
    await Promise.all(Array.from({ length: 20 }, () => registry.find('unknown')))
    t.equal(queries() - before, 1, 'one for the unknown client')
  },
)

t.test('every write tells the other nodes, which then see it (LISTEN/NOTIFY)', async (t) => {
  const { database, registry, other } = await setUp(t)
  const told: string[] = []
  let wake: (() => void) | undefined
  database.listen(clientsChannel, (clientId) => {
    told.push(clientId)
    other.invalidate(clientId)
    wake?.()
  })
  const toldTimes = async (count: number) => {
    while (told.length < count) await new Promise<void>((resolve) => (wake = resolve))
  }
  await toldTimes(1) // once connected
  t.equal(await other.find('wiki'), undefined)
  const writes = [
    () => registry.create({ ...web, client_id: 'wiki' }),
    () => registry.update('wiki', { client_name: 'Wiki' }),
    () => registry.rotateSecret('wiki'),
    () => registry.delete('wiki'),
  ]
  for (const [done, write] of writes.entries()) {
    await write()
    await toldTimes(done + 2)
    t.same(await other.find('wiki'), await registry.find('wiki'))
  }
  t.same(told, ['', 'wiki', 'wiki', 'wiki', 'wiki'])
  await t.rejects(registry.update('wiki', {}))
})

t.test('an origin is allowed as long as a client names it', async (t) => {
  const { registry, other, database } = await setUp(t)
  const origin = 'https://app.example.com'
  t.equal(await registry.isAllowedOrigin(origin), false)
  await registry.create({ ...spa, client_id: 'one' })
  await registry.create({ ...spa, client_id: 'two' })
  t.equal(await registry.isAllowedOrigin(origin), true)
  for (const wrong of [
    'null',
    '',
    'https://app.example.com/',
    'HTTPS://APP.EXAMPLE.COM',
    `https://${'a'.repeat(400)}`,
  ])
    t.equal(await registry.isAllowedOrigin(wrong), false, wrong)
  await registry.update('one', { allowed_cors_origins: ['https://new.example.com'] })
  t.equal(await registry.isAllowedOrigin(origin), true)
  t.equal(await registry.isAllowedOrigin('https://new.example.com'), true)
  await registry.delete('two')
  t.equal(await registry.isAllowedOrigin(origin), false)
  await database.query('update clients set revoked_at = created_at')
  t.equal(await other.isAllowedOrigin('https://new.example.com'), false)
})

t.test('two updates at the same time are both kept', async (t) => {
  const { registry, other } = await setUp(t)
  await registry.create({ ...web, client_id: 'wiki' })
  await Promise.all([
    registry.update('wiki', { client_name: 'Wiki' }),
    other.update('wiki', { software_version: '2' }),
    registry.update('wiki', { contacts: ['a@b.example'] }),
  ])
  registry.invalidate()
  const client = await registry.find('wiki')
  t.match(client?.metadata, {
    client_name: 'Wiki',
    software_version: '2',
    contacts: ['a@b.example'],
  })
})
