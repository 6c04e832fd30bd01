/** Logout tokens arrive, whatever happens to clients and nodes meanwhile. */
import { EventEmitter, once } from 'node:events'
import { setImmediate } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { createDatabase } from '../../src/database/pool.ts'
import { followChanges } from '../../src/services/background.ts'
import { createServices } from '../../src/services/index.ts'
import { retryDelaySeconds } from '../../src/sessions/logout-delivery.ts'
import { obtainTokens, startSession, type Party } from '../support/flow.ts'
import {
  createDeliveringNode,
  createLogoutReceiver,
  verifyLogoutToken,
  type LogoutReceiver,
} from '../support/logout-receiver.ts'
import { createTestProvider } from '../support/provider.ts'

const onError = () => {}
const refuses =
  (status: number, body?: string) => (response: Parameters<LogoutReceiver['answer']>[0]) =>
    response.writeHead(status).end(body)

const provider = await createTestProvider(t)
const { sub } = await provider.createUser()

/** For one test after the other, with nothing to deliver yet. */
async function setUp(t: Test) {
  const { services, clock, config } = provider
  await provider.database.query('delete from logout_deliveries')

  async function createListener() {
    const receiver = await createLogoutReceiver(t)
    const metadata = { skip_consent: true, backchannel_logout_uri: receiver.uri }
    return { ...(await provider.createClient(metadata)), receiver }
  }
  /** Sessions with tokens of all these clients, which end at once. */
  async function endSessions(count: number, ...listeners: Party[]) {
    clock.advance(10)
    for (let number = 0; number < count; number++) {
      const browser = await startSession(provider, sub)
      for (const listener of listeners) await obtainTokens(provider, browser, listener)
    }
    await services.revocations.revokeUser(sub, { actor: 'test' })
  }

  /** Another one on the same database, with connections of its own. */
  async function startNode({ hasKeys = true } = {}) {
    const database = createDatabase(provider.database.url, { onError })
    t.teardown(() => database.close())
    const others = await createServices({ config, database, clock })
    if (hasKeys) await others.keyring.load()
    return createDeliveringNode({ config, database, clock }, others)
  }

  const node = createDeliveringNode(provider, services)
  const waiting = () => services.logouts.list({ clientId: undefined, limit: 100 })
  return { provider, services, clock, node, createListener, endSessions, startNode, waiting }
}

t.test('200 and 204 are success, whatever else they say (§2.8)', async (t) => {
  const { node, createListener, endSessions, waiting } = await setUp(t)
  const listeners = [await createListener(), await createListener(), await createListener()]
  listeners[1]!.receiver.answer = refuses(204)
  listeners[2]!.receiver.answer = refuses(200, '{"error": "none"}')
  await endSessions(1, ...listeners)
  await node.run()
  t.strictSame(await waiting(), [])
  t.equal(node.logged.length, 3)
})

t.test('a client that is down is told later, with the same jti and new times', async (t) => {
  const { provider, clock, node, createListener, endSessions, waiting } = await setUp(t)
  const listener = await createListener()
  const { clientId, receiver } = listener
  receiver.answer = refuses(503)
  await endSessions(1, listener)
  const begun = clock.now().getTime()

  const delays = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]
  let elapsed = 0
  for (const [index, seconds] of delays.entries()) {
    await node.run()
    await node.run()
    elapsed += seconds
    const [delivery] = await waiting()
    t.hasStrict(delivery, {
      attempts: index + 1,
      nextAttemptAt: new Date(begun + elapsed * 1000),
      lastError: 'answered 503',
    })
    t.equal(receiver.received.length, index + 1, 'not again before it is due')
    clock.advance(seconds)
  }
  receiver.answer = refuses(200)
  await node.run()
  t.strictSame(await waiting(), [])
  const [first, last] = [receiver.received[0]!, receiver.received.at(-1)!]
  const token = await verifyLogoutToken(provider, last, clientId)
  t.equal(token.iat, Math.floor(begun / 1000) + elapsed)
  await t.rejects(verifyLogoutToken(provider, first, clientId), { code: 'ERR_JWT_EXPIRED' })
  const jtis = receiver.received.map(({ fields }) => jtiOf(fields['logout_token']))
  t.strictSame(new Set(jtis), new Set([token.jti]))
})

t.test('the delay grows to 15 minutes, and is up to half shorter by chance', async (t) => {
  const rows: [attempts: number, random: number, seconds: number][] = [
    [1, 0, 1],
    [1, 1, 0.5],
    [2, 0.5, 1.5],
    [10, 0, 512],
    [11, 0, 900],
    [11, 1, 450],
    [100, 0, 900],
  ]
  for (const [attempts, random, seconds] of rows)
    t.equal(retryDelaySeconds(attempts, random), seconds)
})

t.test('every refusal and failure is tried again, and said why', async (t) => {
  const { clock, node, createListener, endSessions, waiting } = await setUp(t)
  const listener = await createListener()
  const { receiver } = listener
  await endSessions(1, listener)
  const elsewhere = await createLogoutReceiver(t)
  const rows: [answer: LogoutReceiver['answer'], lastError: string | RegExp][] = [
    [refuses(400, '{"error": "invalid_request"}'), 'answered 400 invalid_request'],
    [refuses(400, `{"error": "${'x'.repeat(100)}"}`), 'answered 400'],
    [refuses(202), 'answered 202'],
    [(response) => response.writeHead(307, { location: elsewhere.uri }).end(), 'answered 307'],
    [(response) => response.destroy(), /^no connection: [A-Z_]+$/],
  ]
  for (const [answer, lastError] of rows) {
    receiver.answer = answer
    await node.run()
    t.match(await waiting(), [{ lastError }])
    clock.advance(3600)
  }
  t.strictSame(elsewhere.received, [], 'a redirect is not followed')
  const log = JSON.stringify(node.logged)
  for (const { fields } of receiver.received)
    t.notOk(log.includes(fields['logout_token']!), 'no token in the log')
})

t.test('after a day it is given up, audited and warned of', async (t) => {
  const { services, clock, node, createListener, endSessions, waiting } = await setUp(t)
  const listener = await createListener()
  const { clientId, receiver } = listener
  receiver.answer = refuses(500)
  await endSessions(1, listener)
  clock.advance(86_400 - 901)
  await node.run()
  t.match(await waiting(), [{ attempts: 1 }])
  const [delivery] = await waiting()
  clock.advance(900)
  await node.run()
  t.strictSame(await waiting(), [])
  t.match(node.logged.at(-1), { details: { client_id: clientId }, message: /will not be any more/ })
  t.match((await services.audit.list()).at(-1), {
    action: 'logouts.give-up',
    subject: clientId,
    actor: 'schedule',
    details: { jti: delivery?.id, sid: delivery?.sid, attempts: 2, error: 'answered 500' },
  })
})

t.test('what no node was there to deliver for days is tried all the same', async (t) => {
  const { clock, node, createListener, endSessions } = await setUp(t)
  const listener = await createListener()
  await endSessions(1, listener)
  clock.advance(3 * 86_400)
  await node.run()
  t.equal(listener.receiver.received.length, 1)
})

t.test('a node that stops right after the logout leaves its delivery to the next', async (t) => {
  const { provider, createListener, endSessions, startNode, waiting } = await setUp(t)
  const listener = await createListener()
  const { clientId, receiver } = listener
  await endSessions(1, listener)
  const next = await startNode()
  await next.run()
  t.ok(await verifyLogoutToken(provider, receiver.received[0]!, clientId))
  t.strictSame(await waiting(), [])
})

t.test('of several nodes at work each delivery is that of one', async (t) => {
  const { node, createListener, endSessions, startNode, waiting } = await setUp(t)
  const listeners = [await createListener(), await createListener(), await createListener()]
  const nodes = [node, await startNode(), await startNode()]
  await endSessions(9, ...listeners)
  await Promise.all(nodes.map((one) => one.run()))
  t.strictSame(await waiting(), [])
  for (const { receiver } of listeners) {
    const jtis = receiver.received.map(({ fields }) => jtiOf(fields['logout_token']))
    t.equal(jtis.length, 9)
    t.equal(new Set(jtis).size, 9)
  }
})

t.test('a node that hangs or dies in an attempt is relieved after the lease', async (t) => {
  const { clock, node, createListener, endSessions, startNode, waiting } = await setUp(t)
  const listener = await createListener()
  const { receiver } = listener
  receiver.answer = () => {}
  await endSessions(1, listener)
  const stuck = node.run()
  await receiver.whenReceived(1)

  const other = await startNode()
  clock.advance(29)
  await other.run()
  t.equal(receiver.received.length, 1, 'not before the lease has ended')
  clock.advance(1)
  receiver.answer = refuses(503)
  await other.run()
  t.match(await waiting(), [{ attempts: 2, lastError: 'answered 503' }])

  receiver.received[0]?.response.destroy()
  await stuck
  t.match(await waiting(), [{ attempts: 2, lastError: 'answered 503' }], 'the latecomer is ignored')
  receiver.answer = refuses(200)
  clock.advance(2)
  await other.run()
  t.strictSame(await waiting(), [])
})

t.test('a client that hangs does not hold up others, nor what ends meanwhile', async (t) => {
  const { node, createListener, endSessions, waiting } = await setUp(t)
  const [hanging, one, other] = [
    await createListener(),
    await createListener(),
    await createListener(),
  ]
  hanging.receiver.answer = () => {}
  await endSessions(10, hanging, one)
  const run = node.run()
  await one.receiver.whenReceived(10)
  t.equal(hanging.receiver.received.length, 4, 'a few at a time')

  await endSessions(1, other)
  const again = node.run()
  await other.receiver.whenReceived(1)
  const stopped = node.stop()
  for (const { response } of hanging.receiver.received) response.destroy()
  await Promise.all([run, again, stopped])
  t.equal((await waiting()).length, 10)
  t.equal(hanging.receiver.received.length, 4, 'and none after the stop')
})

t.test('what ends while a node looks is not overlooked', async (t) => {
  const { provider, createListener, endSessions } = await setUp(t)
  const listener = await createListener()
  const { config, clock, services } = provider
  let again: Promise<void> | undefined
  const query: typeof provider.database.query = async (text, values) => {
    const rows = await provider.database.query<never>(text, values)
    if (!again && text.startsWith('update logout_deliveries')) {
      await endSessions(1, listener)
      again = node.run()
    }
    return rows
  }
  const node = createDeliveringNode(
    { config, clock, database: { ...provider.database, query } },
    services,
  )
  await node.run()
  await again
  t.equal(listener.receiver.received.length, 1)
})

t.test('who is done while a node looks for others is looked at again', async (t) => {
  const { provider, createListener, endSessions } = await setUp(t)
  const [hanging, one] = [await createListener(), await createListener()]
  hanging.receiver.answer = () => {}
  await endSessions(5, hanging, one)
  const removed = new EventEmitter()
  let looks = 0
  let removals = 0
  const query: typeof provider.database.query = async (text, values) => {
    const rows = await provider.database.query<never>(text, values)
    if (text.startsWith('delete from logout_deliveries') && ++removals === 4) removed.emit('four')
    // The second look passes both over, and ends after the first four of one.
    if (text.startsWith('update logout_deliveries d') && ++looks === 2) {
      if (removals < 4) await once(removed, 'four')
      await setImmediate()
    }
    return rows
  }
  const { config, clock, services } = provider
  const database = { ...provider.database, query }
  const node = createDeliveringNode({ config, clock, database }, services)
  const run = node.run()
  await one.receiver.whenReceived(5)
  t.equal(hanging.receiver.received.length, 4)
  const stopped = node.stop()
  for (const { response } of hanging.receiver.received) response.destroy()
  await Promise.all([run, stopped])
})

t.test('a server is woken by the logout itself', async (t) => {
  const { provider, services, node, createListener, endSessions } = await setUp(t)
  const listener = await createListener()
  const database = createDatabase(provider.database.url, { onError })
  t.teardown(() => database.close())
  const onLogouts = () => void node.run().catch(onError)
  t.teardown(followChanges({ database }, services, { onError, onLogouts }))
  await endSessions(1, listener)
  await listener.receiver.whenReceived(1)
  listener.receiver.answer = refuses(503)
  await endSessions(1, listener)
  await listener.receiver.whenReceived(2)
  await node.run()
  listener.receiver.answer = refuses(200)
  t.equal(await services.logouts.retry('another client'), 0)
  t.equal(await services.logouts.retry(listener.clientId), 1)
  await listener.receiver.whenReceived(3)
  await node.stop()
})

t.test('without the database, or without a key that can sign, nothing is lost', async (t) => {
  const { provider, createListener, endSessions, startNode, waiting } = await setUp(t)
  const listener = await createListener()
  await endSessions(1, listener)
  const { database, config, clock, services } = provider
  const cut = createDatabase(database.url, { onError })
  await cut.close()
  await t.rejects(createDeliveringNode({ config, database: cut, clock }, services).run())
  t.match(await waiting(), [{ attempts: 0 }])

  const keyless = await startNode({ hasKeys: false })
  await keyless.run()
  t.match(await waiting(), [{ attempts: 1, lastError: 'no key for RS256 could sign' }])
  t.strictSame(listener.receiver.received, [])
})

function jtiOf(token = ''): unknown {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())['jti']
}
