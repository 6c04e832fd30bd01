import t, { type Test } from 'tap'
import { createClientDocuments } from '../../src/clients/client-documents.ts'
import { isClientIdUrl } from '../../src/clients/client-id-url.ts'
import { createDocumentStore } from '../../src/clients/document-store.ts'
import type { FetchedDocument } from '../../src/clients/documents.ts'
import { createClientRegistry } from '../../src/clients/registry.ts'
import { createClientStore } from '../../src/clients/store.ts'
import { createTestClock } from '../support/clock.ts'
import { createTestDatabase } from '../support/database.ts'

const clientId = 'https://app.example.com/client.json'
const hour = 3600
const algorithms = ['RS256', 'ES256']
const supported = { grantTypes: ['authorization_code'], authMethods: ['none'], algorithms }

async function setUp(t: Test) {
  const database = await createTestDatabase(t)
  const clock = createTestClock()
  const store = createClientStore(database)
  const cached = { clock, cacheSize: 10 }
  const clients = createClientRegistry({
    store,
    ...cached,
    supported,
    isClientIdUrl,
    findSectorFault: async () => undefined,
  })
  const site = {
    fetches: 0,
    /** Who asked for what nobody knew. */
    allowances: [] as string[],
    answer: { failure: 'no luck' } as FetchedDocument | { failure: string },
    publish(path: string, maxAgeSeconds?: number, more = {}) {
      const redirect_uris = [`https://app.example.com${path}`]
      site.answer = { document: { client_id: clientId, redirect_uris, ...more }, maxAgeSeconds }
    },
    fail() {
      site.answer = { failure: 'no luck' }
    },
  }
  const documents = createClientDocuments({
    clients,
    store: createDocumentStore(database),
    isClientIdUrl,
    supported,
    scopes: ['openid', 'tools:use'],
    mayFetchUnknown: async (address) => {
      site.allowances.push(address)
      return site.allowances.length > 20
        ? { allowed: false, retryAfterSeconds: 7 }
        : { allowed: true }
    },
    clock,
    fetchDocument: async () => {
      site.fetches++
      return site.answer
    },
  })
  const ofNetwork = documents.askedFrom('192.0.2.1')
  /** Of the redirect URI that the client has now. */
  async function path() {
    const client = await ofNetwork.find(clientId)
    return client && new URL(client.metadata.redirect_uris[0] ?? '').pathname
  }
  return { site, clock, clients, documents, path }
}

t.test(
  'a document is fetched at the first use, and kept as HTTP says (RFC 9111 §5.2.2)',
  async (t) => {
    const world = await setUp(t)
    t.equal(await world.clients.find(clientId), undefined)
    world.site.publish('/a', 2 * hour)
    t.equal(await world.path(), '/a')
    world.site.publish('/b')
    world.clock.advance(2 * hour - 1)
    t.equal(await world.path(), '/a')
    t.equal(world.site.fetches, 1)
    world.clock.advance(1)
    t.equal(await world.path(), '/b', 'another redirect URI counts from the next fetch on')
    world.site.publish('/c')
    world.clock.advance(hour)
    t.equal(await world.path(), '/c', 'an hour, when HTTP says nothing')
  },
)

t.test('a minute at least, a day at most', async (t) => {
  const world = await setUp(t)
  for (const [maxAgeSeconds, seconds] of [
    [0, 60],
    [1_000_000, 24 * hour],
  ] as const) {
    world.site.publish('/a', maxAgeSeconds)
    t.equal(await world.path(), '/a')
    world.site.publish('/b')
    world.clock.advance(seconds - 1)
    t.equal(await world.path(), '/a')
    world.clock.advance(1)
    t.equal(await world.path(), '/b')
    world.clock.advance(hour)
  }
})

t.test('what is known serves for a day while the document cannot be fetched', async (t) => {
  const world = await setUp(t)
  world.site.publish('/a', hour)
  await world.path()
  world.site.fail()
  world.clock.advance(25 * hour - 1)
  t.equal(await world.path(), '/a')
  world.clock.advance(60)
  await t.rejects(world.path(), { code: 'invalid_request', detail: 'no luck' })
  t.match(await world.clients.find(clientId), { clientId }, 'its tokens can still be dealt with')
  world.site.publish('/b')
  world.clock.advance(11)
  t.equal(await world.path(), '/b')
})

t.test('a fault is said to the browser, the reason of a failure to the log', async (t) => {
  const world = await setUp(t)
  await t.rejects(world.path(), {
    code: 'invalid_request',
    message: /'client_id' names could not be fetched/,
    detail: 'no luck',
  })
  world.site.publish('/a', hour, { client_secret: 'x' })
  world.clock.advance(11)
  await t.rejects(world.path(), { message: /has a fault: client_secret: / })
})

t.test('nobody is asked again within ten seconds of a refusal, or twice at a time', async (t) => {
  const world = await setUp(t)
  world.site.publish('/a', hour, { client_id: 'https://other.example/client.json' })
  await t.rejects(world.path(), { code: 'invalid_request' })
  world.site.publish('/a')
  world.clock.advance(9)
  await t.rejects(world.path(), { code: 'invalid_request' })
  t.equal(world.site.fetches, 1)
  world.clock.advance(2)
  t.strictSame(await Promise.all([world.path(), world.path(), world.path()]), ['/a', '/a', '/a'])
  t.equal(world.site.fetches, 2)
})

t.test('what an administrator has stopped stays so, and cannot be changed here', async (t) => {
  const world = await setUp(t)
  world.site.publish('/a', 0)
  await world.path()
  const update = world.clients.update(clientId, { client_name: 'Mine' })
  await t.rejects(update, /describes itself by the document at that URL/)
  await world.clients.disable(clientId)
  world.clock.advance(2 * hour)
  world.site.publish('/b')
  t.match(await world.documents.askedFrom('192.0.2.1').find(clientId), { revokedAt: Date })
  t.equal(world.site.fetches, 1, 'it is not even asked')
})

t.test('strangers name so many applications that nobody knows, and no more', async (t) => {
  const { site, clock, documents, path } = await setUp(t)
  const ask = (id: string) => documents.askedFrom('192.0.2.1').find(id)
  site.publish('/a', 60)
  await path()
  clock.advance(60)
  await path()
  t.strictSame([site.fetches, site.allowances], [2, ['192.0.2.1']], 'a known one is fetched anew')
  const unknown = 'https://app.example.com/other.json'
  await Promise.all([t.rejects(ask(unknown)), t.rejects(ask(unknown))])
  const { length } = site.allowances
  await t.rejects(ask(unknown), { code: 'invalid_request' })
  t.equal(site.allowances.length, length, 'nor does a refusal that is repeated count')

  for (let n = length; n < 20; n++)
    await t.rejects(ask(`${unknown}?${n}`), { code: 'invalid_request' })
  const { fetches } = site
  const refusal = await ask(`${unknown}?20`).catch((error: unknown) => error)
  t.match(refusal, { status: 429, headers: { 'retry-after': '7' } })
  t.equal(site.fetches, fetches)
  await path()
})
