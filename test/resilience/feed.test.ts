/**
 * Two server processes on one database, and verifiers that follow the feed of one of them: it is killed, it loses its
 * database, the network to it falls silent. What was revoked meanwhile is known afterwards, and nothing is called fresh
 * that is not.
 */
import { EventEmitter, once } from 'node:events'
import { decodeJwt } from 'jose'
import t, { type Test } from 'tap'
import { readConfig } from '../../src/config.ts'
import { createAdminServices } from '../../src/services/admin.ts'
import type { VerifierEvent } from '../../src/verifier/events.ts'
import { parseFeedDocument } from '../../src/verifier/feed.ts'
import { defaultRuntime } from '../../src/verifier/runtime.ts'
import { createVerifier, type Verifier } from '../../src/verifier/verifier.ts'
import { createTestClock } from '../support/clock.ts'
import { createTestDatabase } from '../support/database.ts'
import { post, toTokens } from '../support/flow.ts'
import { createNetwork } from '../support/network.ts'
import { createOutageOfRole } from '../support/outage.ts'
import { startServer, type ServerProcess } from '../support/server-process.ts'

/** More than a public feed's documents are old by themselves: kept for 2 s, at most as old as a load and a heartbeat. */
const maxFeedAgeSeconds = 5

/** Told whenever something may have changed: an event of a verifier, bytes to it, a timer of its own. */
const changes = new EventEmitter()
const onChange = () => void changes.emit('change')

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await once(changes, 'change')
}

const database = await createTestDatabase(t)
const network = await createNetwork(t, onChange)
const environment = {
  ISSUER: network.origin,
  CLAVIGER_REVOCATION_FEED: 'public',
  CLAVIGER_REVOCATION_FEED_HEARTBEAT_SECONDS: '1',
}
const { url, setReachable } = await createOutageOfRole(t, database)
/** With the way to the database that can be taken. */
const startOne = (issuer?: string) =>
  startServer(t, { url }, { environment, ...(issuer && { issuer }) })
const startTwo = (issuer?: string) =>
  startServer(t, database, { environment, ...(issuer && { issuer }) })
let [one, two] = await Promise.all([startOne(), startTwo()])
const { clients } = createAdminServices({
  config: readConfig({}),
  database,
  clock: createTestClock(),
})
const { client, clientSecret: secret = '' } = await clients.create({
  redirect_uris: [],
  grant_types: ['client_credentials'],
})
const party = { clientId: client.clientId, secret }

const decisionTypes = new Set(['accepted', 'refused', 'degraded'])

interface Follower {
  verifier: Verifier
  events: VerifierEvent[]
}

async function follow(whenStale: 'refuse' | 'accept'): Promise<Follower> {
  const events: VerifierEvent[] = []
  const verifier = createVerifier({
    issuer: network.origin,
    audience: network.origin,
    revocations: { public: true, maxFeedAgeSeconds, whenStale },
    onEvent(event) {
      events.push(event)
      onChange()
    },
    // What waits for longer than for a heartbeat gives up, or tries again, after 1.5 s.
    setTimer: (callback, milliseconds) =>
      defaultRuntime.setTimer(
        () => {
          callback()
          onChange()
        },
        milliseconds > 2_500 ? 1_500 : milliseconds,
      ),
  })
  t.teardown(() => verifier.close())
  await verifier.ready()
  return { verifier, events }
}

function statusOf({ verifier }: Follower) {
  const { revocations } = verifier.status()
  if (revocations === 'off') throw new Error('It does not follow')
  return revocations
}

async function requestToken({ issuer }: { issuer: string }): Promise<string> {
  const fields = { grant_type: 'client_credentials' }
  return toTokens(await post({ issuer }, '/token', party, fields)).access_token
}

async function revoke(token: string, { issuer }: { issuer: string }): Promise<void> {
  const { status } = await post({ issuer }, '/revoke', party, { token })
  if (status !== 200) throw new Error(`Not revoked: ${status}`)
}

async function decide(token: string, { verifier, events }: Follower): Promise<string> {
  await verifier.verify(token).catch(() => {})
  const { type, code } = events.findLast(({ type }) => decisionTypes.has(type))!
  return code ?? type
}

/** All decisions until this one, which is sure to come. */
async function decisionsUntil(last: string, token: string, follower: Follower) {
  const decisions = [await decide(token, follower)]
  while (decisions.at(-1) !== last) {
    await once(changes, 'change')
    decisions.push(await decide(token, follower))
  }
  return decisions
}

const untilListening = () =>
  until(() => followers.every((follower) => statusOf(follower).connection === 'stream'))
const untilCutOff = () =>
  until(() => followers.every((follower) => statusOf(follower).connection !== 'stream'))

network.leadTo(one.issuer)
const kept = await requestToken(two)
/** Revoked, and known to be. */
let gone = ''
const followers = await Promise.all([follow('refuse'), follow('accept')])
const [refusing, accepting] = followers
await untilListening()

t.test('a node is killed: another one goes on, or itself once it is back', async (t) => {
  const [first, second] = [await requestToken(one), await requestToken(two)]
  for (const follower of followers) await decisionsUntil('accepted', first, follower)
  one.kill('SIGKILL')
  await untilCutOff()
  await revoke(first, two)
  network.leadTo(two.issuer)
  for (const follower of followers) {
    await decisionsUntil('token_revoked', first, follower)
    await decisionsUntil('accepted', second, follower)
  }

  one = await startOne(one.issuer)
  await untilListening()
  two.kill('SIGKILL')
  await untilCutOff()
  await revoke(second, one)
  two = await startTwo(two.issuer)
  for (const follower of followers) {
    await decisionsUntil('token_revoked', second, follower)
    await decisionsUntil('accepted', kept, follower)
    t.equal(statusOf(follower).count, 2)
  }
  gone = first
})

/** What holds for as long as nothing new can be known. Since `since` nothing was: what is older cannot be fresh. */
async function checkStale(t: Test, meanwhile: string, since: number): Promise<void> {
  await until(() => Date.now() > since + maxFeedAgeSeconds * 1000)
  await t.rejects(refusing.verifier.verify(kept), { code: 'revocations_stale', status: 503 })
  t.equal(await decide(meanwhile, refusing), 'revocations_stale')
  t.equal(await decide(kept, accepting), 'degraded')
  t.equal(await decide(meanwhile, accepting), 'degraded')
  for (const follower of followers) t.equal(await decide(gone, follower), 'token_revoked')
}

/** Fresh again, and never so before what was revoked meanwhile is known. */
async function checkCaughtUp(t: Test, meanwhile: string): Promise<void> {
  for (const follower of followers) {
    const decisions = await decisionsUntil('token_revoked', meanwhile, follower)
    t.notOk(decisions.includes('accepted'))
    await decisionsUntil('accepted', kept, follower)
    t.equal(await decide(meanwhile, follower), 'token_revoked')
  }
}

/** Until when the node knows what was revoked, as it says itself. */
async function readAsOf({ issuer }: ServerProcess): Promise<number | undefined> {
  const response = await fetch(`${issuer}/revocations`)
  return parseFeedDocument(decodeJwt(await response.text()))?.as_of
}

t.test('a node loses its database: what it says gets stale, until it is back', async (t) => {
  network.leadTo(one.issuer)
  network.cut()
  const meanwhile = await requestToken(two)
  for (const follower of followers) await decisionsUntil('accepted', meanwhile, follower)
  await untilListening()
  await setReachable(false)
  t.teardown(() => setReachable(true))
  await one.said({ msg: 'a background job failed; it runs again at its next turn' })
  const asOf = await readAsOf(one)
  await revoke(meanwhile, two)
  await checkStale(t, meanwhile, Date.now())
  t.equal(await readAsOf(one), asOf, 'it stands still')

  await setReachable(true)
  await checkCaughtUp(t, meanwhile)
})

t.test('a network falls silent: missing heartbeats tell, until it is heard again', async (t) => {
  const meanwhile = await requestToken(two)
  for (const follower of followers) await decisionsUntil('accepted', meanwhile, follower)
  await untilListening()
  const heard = followers.map(({ events }) => events.length)
  network.silence(true)
  await untilCutOff()
  for (const [index, { events }] of followers.entries())
    t.match(
      events.slice(heard[index]).find(({ type }) => type === 'feed_lost'),
      { detail: 'The stream fell silent' },
    )
  await revoke(meanwhile, two)
  await checkStale(t, meanwhile, Date.now())

  network.silence(false)
  await checkCaughtUp(t, meanwhile)
})
