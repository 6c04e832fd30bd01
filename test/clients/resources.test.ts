import t from 'tap'
import type { Test } from 'tap'
import { createResources, toDescription } from '../../src/clients/resources.ts'
import { createResourceStore, resourcesChannel } from '../../src/clients/resources-store.ts'
import { Refusal } from '../../src/protocol/refusal.ts'
import { createTestClock } from '../support/clock.ts'
import { createTestDatabase } from '../support/database.ts'

const uri = 'https://api.example.com'
const api = { resource: uri, name: 'The API' }
const full = {
  ...api,
  scopes: ['read', 'write'],
  access_token_ttl_seconds: 300,
  access_token_signed_response_alg: 'ES256',
}

async function setUp(t: Test) {
  const database = await createTestDatabase(t)
  const clock = createTestClock(new Date('2026-01-02T03:04:05Z'))
  const algorithms = ['RS256', 'ES256']
  const node = () =>
    createResources({ store: createResourceStore(database), clock, cacheSize: 100, algorithms })
  return { database, clock, resources: node(), other: node() }
}

t.test('a created resource is found with all it was given (RFC 8707)', async (t) => {
  const { resources, other, clock } = await setUp(t)
  const created = await resources.create(full)
  t.same(created, {
    resource: uri,
    name: 'The API',
    scopes: ['read', 'write'],
    accessTokenTtlSeconds: 300,
    accessTokenSignedResponseAlg: 'ES256',
    createdAt: clock.now(),
    updatedAt: clock.now(),
  })
  t.same(await resources.find(uri), created)
  t.same(await other.find(uri), created)
  t.same(toDescription(created), full)
  const plain = await resources.create({ ...api, resource: 'urn:example:plain' })
  t.same(toDescription(plain), { ...api, resource: 'urn:example:plain' })
  t.same(
    (await resources.list()).map(({ resource }) => resource),
    [uri, 'urn:example:plain'],
  )
})

t.test('a resource is found by its exact URI only', async (t) => {
  const { resources } = await setUp(t)
  await resources.create(api)
  for (const other of [
    `${uri}/`,
    'HTTPS://api.example.com',
    `${uri}?x`,
    `${uri}#`,
    'x',
    '',
    'a\0b',
  ])
    t.equal(await resources.find(other), undefined, other)
})

t.test('what cannot be a resource is refused with every fault', async (t) => {
  const { resources } = await setUp(t)
  const cases: [unknown, RegExp][] = [
    [7, /^Give the resource as a JSON object/],
    [{}, /^resource: Give it. name: Give it.$/],
    [{ ...api, resource: 'api.example.com' }, /^resource: Give an absolute URI/],
    [{ ...api, resource: '/api' }, /^resource: Give an absolute URI/],
    [{ ...api, resource: 'https://a b' }, /^resource: Give an absolute URI/],
    [{ ...api, resource: 'https://' }, /^resource: Give an absolute URI/],
    [{ ...api, resource: `${uri}/#x` }, /^resource: Leave out the fragment/],
    [{ ...api, resource: `${uri}/${'a'.repeat(2048)}` }, /^resource: Keep it within 2048/],
    [{ ...api, resource: 7, name: '' }, /^resource: Give a string. name: /],
    [{ ...api, scopes: 'read' }, /^scopes: Give a list/],
    [{ ...api, scopes: ['read', 'a b'] }, /^scopes\[1\]: /],
    [{ ...api, scopes: ['read', 'read'] }, /^scopes: Give each value once/],
    [{ ...api, access_token_ttl_seconds: 0 }, /^access_token_ttl_seconds: .* 1 to 86400/],
    [{ ...api, access_token_ttl_seconds: 86_401 }, /^access_token_ttl_seconds: /],
    [
      { ...api, access_token_signed_response_alg: 'none' },
      /"none" is not supported. Use RS256, ES256/,
    ],
    [{ ...api, scope: ['read'] }, /^"scope": Did you mean scopes\?/],
  ]
  for (const [input, message] of cases)
    await t.rejects(resources.create(input), { name: 'Refusal', message }, JSON.stringify(input))
  t.same(await resources.list(), [])
  await resources.create(api)
  await t.rejects(
    resources.create(api),
    new Refusal(`The resource "${uri}" exists already. Update it.`),
  )
})

t.test('an update replaces what is given, removes what is null and keeps the rest', async (t) => {
  const { resources, other, clock } = await setUp(t)
  const created = await resources.create(full)
  clock.advance(60)
  const updated = await resources.update(uri, { name: 'New', scopes: null })
  t.same(updated, { ...created, name: 'New', scopes: undefined, updatedAt: clock.now() })
  t.same(await resources.find(uri), updated)
  t.same(await other.find(uri), updated)
  const none = await resources.update(uri, { resource: uri, scopes: [] })
  t.same(none.scopes, [], 'no scope at all is not the same as every scope')
  await t.rejects(resources.update(uri, { resource: `${uri}/2` }), { message: /cannot be changed/ })
  await t.rejects(resources.update(uri, { name: null }), { message: /^name: Give it/ })
  await t.rejects(resources.update(`${uri}/2`, {}), { message: /There is no resource/ })
})

t.test('a deleted resource is gone', async (t) => {
  const { resources } = await setUp(t)
  await resources.create(api)
  await resources.find(uri)
  await resources.delete(uri)
  t.equal(await resources.find(uri), undefined)
  await t.rejects(resources.delete(uri), { name: 'Refusal' })
})

t.test('the longest lifetime of all is known', async (t) => {
  const { resources } = await setUp(t)
  t.equal(await resources.longestTtlSeconds(), 0)
  await resources.create(api)
  t.equal(await resources.longestTtlSeconds(), 0)
  for (const ttl of [300, 7200, 60])
    await resources.create({ ...api, resource: `${uri}/${ttl}`, access_token_ttl_seconds: ttl })
  t.equal(await resources.longestTtlSeconds(), 7200)
})

t.test('every write tells the other nodes, which then see it (LISTEN/NOTIFY)', async (t) => {
  const { database, resources, other } = await setUp(t)
  const told: string[] = []
  let wake: (() => void) | undefined
  database.listen(resourcesChannel, (resource) => {
    told.push(resource)
    other.invalidate(resource)
    wake?.()
  })
  const toldTimes = async (count: number) => {
    while (told.length < count) await new Promise<void>((resolve) => (wake = resolve))
  }
  await toldTimes(1) // once connected
  t.equal(await other.find(uri), undefined)
  const writes = [
    () => resources.create(api),
    () => resources.update(uri, { name: 'New' }),
    () => resources.delete(uri),
  ]
  for (const [done, write] of writes.entries()) {
    await write()
    await toldTimes(done + 2)
    t.same(await other.find(uri), await resources.find(uri))
  }
  t.same(told, ['', uri, uri, uri])
})
