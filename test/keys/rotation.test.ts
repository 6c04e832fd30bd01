import { calculateJwkThumbprint } from 'jose'
import t, { type Test } from 'tap'
import { createDatabase } from '../../src/database/pool.ts'
import { inUseSeconds } from '../../src/keys/rotation.ts'
import { keyState } from '../../src/keys/schedule.ts'
import type { SigningKeyStore } from '../../src/keys/store.ts'
import { Refusal } from '../../src/protocol/refusal.ts'
import { createTestClock } from '../support/clock.ts'
import { createTestDatabase } from '../support/database.ts'
import { createNode, createTestKeys, newSecret } from './setup.ts'

const day = 86_400

async function statesOf(store: SigningKeyStore, now: Date): Promise<string[]> {
  return (await store.list()).map((key) => `${key.alg} ${keyState(key, now)}`).toSorted()
}

async function findKid(store: SigningKeyStore, alg: string, state: string, now: Date) {
  const found = (await store.list()).find((key) => key.alg === alg && keyState(key, now) === state)
  return found?.kid ?? 'none'
}

/** On one database, each with connections of its own. */
async function createSixNodes(t: Test) {
  const database = await createTestDatabase(t)
  const [clock, secret] = [createTestClock(), newSecret()]
  const create = async () => {
    const pool = createDatabase(database.url, { onError: () => {}, maxConnections: 2 })
    t.teardown(() => pool.close())
    return createNode(pool, secret, clock)
  }
  return { clock, nodes: await Promise.all(Array.from({ length: 6 }, create)) }
}

const fresh = ['ES256 published', 'ES256 signing', 'RS256 published', 'RS256 signing']

t.test('the first start makes a signing and a next key per algorithm', async (t) => {
  const { rotation, store, clock } = await createTestKeys(t)
  t.equal(await store.hasKeys(), false)
  const made = await rotation.ensureKeys()
  t.same(
    made.map(({ change }) => change),
    ['publish', 'publish', 'publish', 'publish'],
  )
  t.same(await statesOf(store, clock.now()), fresh)
  t.equal(await store.hasKeys(), true)
  t.same(await rotation.ensureKeys(), [])
})

t.test('a kid is the RFC 7638 thumbprint of its public key', async (t) => {
  const { rotation, store } = await createTestKeys(t)
  await rotation.ensureKeys()
  for (const { kid, publicJwk } of await store.list())
    t.equal(kid, await calculateJwkThumbprint(publicJwk, 'sha256'))
})

t.test('no private member lies in the database in clear', async (t) => {
  const { rotation, database } = await createTestKeys(t)
  await rotation.ensureKeys()
  const rows = await database.query<{ members: string[] }>(
    `select array(select jsonb_object_keys(public_jwk) order by 1) as members
     from signing_keys order by alg`,
  )
  const ec = { members: ['crv', 'kty', 'x', 'y'] }
  const rsa = { members: ['e', 'kty', 'n'] }
  t.same(rows, [ec, ec, rsa, rsa])
})

t.test('six nodes that start at once make one signing and one next key each', async (t) => {
  const { nodes, clock } = await createSixNodes(t)
  const made = await Promise.all(nodes.map(({ rotation }) => rotation.ensureKeys()))
  t.equal(made.flat().length, 4)
  for (const { store, keyring } of nodes) {
    t.same(await statesOf(store, clock.now()), fresh)
    await keyring.load()
  }
  t.equal(new Set(nodes.map(({ keyring }) => keyring.jwks().etag)).size, 1)
})

t.test('six nodes that rotate at once rotate once', async (t) => {
  const { nodes, clock } = await createSixNodes(t)
  await nodes[0]?.rotation.ensureKeys()
  clock.advance(30 * day)
  const made = await Promise.all(nodes.map(({ rotation }) => rotation.runDue()))
  t.equal(made.flat().length, 6, 'retire, activate and publish for two algorithms')
  t.same(
    await statesOf(nodes[0]!.store, clock.now()),
    [...fresh, 'ES256 retired', 'RS256 retired'].toSorted(),
  )
})

t.test('an early rotation is refused with the instant from which it may be', async (t) => {
  const { rotation, store, clock } = await createTestKeys(t)
  const start = clock.now()
  await rotation.ensureKeys()
  clock.advance(day - 1)
  const outcomes = await rotation.rotate({ actor: 'ada' })
  const signsFrom = new Date(start.getTime() + day * 1000)
  t.same(outcomes, [
    { alg: 'RS256', verdict: 'too-early', signsFrom, changes: [] },
    { alg: 'ES256', verdict: 'too-early', signsFrom, changes: [] },
  ])
  t.same(await statesOf(store, clock.now()), fresh)
})

t.test('a rotation by hand promotes the next key once its lead has passed', async (t) => {
  const { rotation, store, clock } = await createTestKeys(t)
  await rotation.ensureKeys()
  clock.advance(day)
  const next = await findKid(store, 'ES256', 'published', clock.now())
  const old = await findKid(store, 'ES256', 'signing', clock.now())
  const [outcome, ...others] = await rotation.rotate({ actor: 'ada', algorithms: ['ES256'] })
  t.equal(outcome?.verdict, 'promoted')
  t.same(others, [])
  t.match(outcome?.changes, [
    {
      change: 'retire',
      kid: old,
      retiredAt: clock.now(),
      leavesJwksAt: new Date(clock.now().getTime() + 3_690_000),
    },
    { change: 'activate', kid: next, activatedAt: clock.now() },
    { change: 'publish', alg: 'ES256', signsFrom: new Date(clock.now().getTime() + day * 1000) },
  ])
  t.equal(await findKid(store, 'ES256', 'signing', clock.now()), next)
  t.same(await statesOf(store, clock.now()), [...fresh, 'ES256 retired'].toSorted())
})

t.test('force promotes before the lead has passed', async (t) => {
  const { rotation, store, clock } = await createTestKeys(t)
  await rotation.ensureKeys()
  const next = await findKid(store, 'RS256', 'published', clock.now())
  const [outcome] = await rotation.rotate({ actor: 'ada', algorithms: ['RS256'], force: true })
  t.equal(outcome?.verdict, 'promoted')
  t.same(outcome?.signsFrom, new Date(clock.now().getTime() + day * 1000))
  t.equal(await findKid(store, 'RS256', 'signing', clock.now()), next)
})

t.test('an algorithm that is not in use is refused', async (t) => {
  const database = await createTestDatabase(t)
  const node = await createNode(database, newSecret(), createTestClock(), { algorithms: ['ES256'] })
  await t.rejects(node.rotation.rotate({ actor: 'ada', algorithms: ['RS256'] }), Refusal)
})

t.test('what the schedule says is due is done, and nothing before', async (t) => {
  const { rotation, store, clock } = await createTestKeys(t)
  await rotation.ensureKeys()
  clock.advance(30 * day - 1)
  t.same(await rotation.runDue(), [])
  clock.advance(1)
  t.equal((await rotation.runDue()).length, 6)
  t.same(await rotation.runDue(), [])
  clock.advance(3690)
  t.same(await statesOf(store, clock.now()), [...fresh, 'ES256 gone', 'RS256 gone'].toSorted())
})

t.test('a longer lifetime that an API resource asks for keeps the key in the JWKS', async (t) => {
  const { rotation, clock } = await createTestKeys(t, {
    longestTokenSeconds: () => Promise.resolve(7200),
  })
  await rotation.ensureKeys()
  clock.advance(30 * day)
  const [retirement] = await rotation.runDue()
  const leavesJwksAt = new Date(clock.now().getTime() + 7_290_000)
  t.match(retirement, { change: 'retire', leavesJwksAt })
})

t.test('revoking the signing key lets the next one sign at once', async (t) => {
  const { rotation, store, clock } = await createTestKeys(t)
  await rotation.ensureKeys()
  const stolen = await findKid(store, 'ES256', 'signing', clock.now())
  const next = await findKid(store, 'ES256', 'published', clock.now())
  const outcome = await rotation.revoke(stolen, { actor: 'ada', reason: 'laptop stolen' })
  t.equal(outcome.verdict, 'revoked')
  t.equal(await findKid(store, 'ES256', 'signing', clock.now()), next)
  t.same(await statesOf(store, clock.now()), [...fresh, 'ES256 revoked'].toSorted())
  const row = (await store.list()).find(({ kid }) => kid === stolen)
  t.match(row, { revokedAt: clock.now(), revocationReason: 'laptop stolen' })

  t.same(await rotation.revoke(stolen, { actor: 'ada' }), {
    verdict: 'already-revoked',
    changes: [],
  })
  t.same(await rotation.revoke('nobody', { actor: 'ada' }), { verdict: 'unknown', changes: [] })
})

t.test('revoking the next key publishes another', async (t) => {
  const { rotation, store, clock } = await createTestKeys(t)
  await rotation.ensureKeys()
  const signing = await findKid(store, 'ES256', 'signing', clock.now())
  const outcome = await rotation.revoke(await findKid(store, 'ES256', 'published', clock.now()), {
    actor: 'ada',
  })
  t.same(
    outcome.changes.map(({ change }) => change),
    ['revoke', 'publish'],
  )
  t.equal(await findKid(store, 'ES256', 'signing', clock.now()), signing)
  t.same(await statesOf(store, clock.now()), [...fresh, 'ES256 revoked'].toSorted())
})

t.test('a publication makes sure of a next key and promotes none', async (t) => {
  const { rotation, store, clock } = await createTestKeys(t)
  const start = clock.now()
  await rotation.ensureKeys()
  clock.advance(30 * day)
  const next = await findKid(store, 'ES256', 'published', clock.now())
  const request = { actor: 'ada', publishOnly: true, algorithms: ['ES256'] } as const
  const signsFrom = new Date(start.getTime() + day * 1000)
  t.same(await rotation.rotate(request), [
    { alg: 'ES256', verdict: 'published', signsFrom, changes: [] },
  ])
  t.equal(await findKid(store, 'ES256', 'published', clock.now()), next)
})

t.test('a dry run answers what would be done, and does nothing', async (t) => {
  const { rotation, store, audit, clock } = await createTestKeys(t)
  await rotation.ensureKeys()
  const before = [await store.list(), await audit.list()]
  const act = { actor: 'ada', dryRun: true }
  const [outcome] = await rotation.rotate({ ...act, force: true, algorithms: ['ES256'] })
  t.equal(outcome?.verdict, 'promoted')
  const signing = await findKid(store, 'ES256', 'signing', clock.now())
  const next = await findKid(store, 'ES256', 'published', clock.now())
  t.match(outcome?.changes, [
    { change: 'retire', kid: signing },
    { change: 'activate', kid: next },
    { change: 'publish', kid: undefined },
  ])
  const revocation = await rotation.revoke(signing, act)
  t.match(revocation, { verdict: 'revoked', changes: [{ change: 'revoke', kid: signing }, {}, {}] })
  t.same([await store.list(), await audit.list()], before)
})

t.test('every change is audited with who made it and why', async (t) => {
  const { rotation, audit, store, clock } = await createTestKeys(t)
  await rotation.ensureKeys()
  const signing = await findKid(store, 'ES256', 'signing', clock.now())
  const next = await findKid(store, 'ES256', 'published', clock.now())
  t.match(await audit.list(), [
    { action: 'keys.rotate', actor: 'schedule', reason: null, details: { alg: 'RS256' } },
    { action: 'keys.rotate', actor: 'schedule', subject: signing, details: { alg: 'ES256' } },
  ])
  const algorithms = ['ES256'] as const
  await rotation.rotate({ actor: 'ada', algorithms })
  t.equal((await audit.list({ after: 2 })).length, 0, 'too early: nothing was done')
  await rotation.rotate({ actor: 'ada', reason: 'drill', algorithms, force: true })
  await rotation.revoke(signing, { actor: 'bob', reason: 'leaked' })
  t.match(await audit.list({ after: 2 }), [
    {
      at: clock.now(),
      action: 'keys.force',
      subject: next,
      actor: 'ada',
      reason: 'drill',
      details: {
        alg: 'ES256',
        changes: [{ change: 'retire', kid: signing }, { change: 'activate', kid: next }, {}],
      },
    },
    { action: 'keys.revoke', subject: signing, actor: 'bob', reason: 'leaked' },
  ])
})

t.test('every change is notified once it is committed', async (t) => {
  const { rotation, store, database, secret, clock } = await createTestKeys(t)
  await rotation.ensureKeys()
  const other = await createNode(database, secret, clock)
  await other.keyring.load()
  const kid = await findKid(store, 'RS256', 'signing', clock.now())
  const heard = new Promise<void>((resolve, reject) => {
    const stop = other.store.onChange(() => {
      other.keyring.load().then(() => {
        if (other.keyring.find(kid)?.state === 'revoked') resolve()
      }, reject)
    })
    t.teardown(stop)
  })
  await rotation.revoke(kid, { actor: 'ada' })
  await heard
  t.equal(other.keyring.find(kid)?.state, 'revoked')
})

t.test('an algorithm that was taken out of the settings is withdrawn', async (t) => {
  const { database, secret, clock, rotation, store, audit } = await createTestKeys(t)
  await rotation.ensureKeys()
  const withEdDsa = { algorithms: ['RS256', 'ES256', 'EdDSA'] as const }
  const other = await createNode(database, secret, clock, withEdDsa)
  await other.rotation.ensureKeys()
  clock.advance(day)
  await other.rotation.runDue()
  const edDsa = async () =>
    (await statesOf(store, clock.now())).filter((text) => text.startsWith('EdDSA'))
  const inUse = ['EdDSA published', 'EdDSA signing']

  for (let minutes = 0; minutes < 180; minutes += 20) {
    clock.advance(20 * 60)
    t.same(await rotation.runDue(), [], 'not by a node of a rolling restart')
    t.same(await other.rotation.runDue(), [])
  }
  t.same(await edDsa(), inUse)
  clock.advance(inUseSeconds / 2)
  t.same(await rotation.runDue(), [], 'nor while the others may only be restarting')
  clock.advance(inUseSeconds / 2)
  t.match(await rotation.runDue(), [
    { change: 'retire', alg: 'EdDSA' },
    { change: 'revoke', alg: 'EdDSA' },
  ])
  t.same(await edDsa(), ['EdDSA retired', 'EdDSA revoked'])
  t.match((await audit.list()).at(-1), { action: 'keys.rotate', actor: 'schedule' })
  t.same(await rotation.runDue(), [])

  t.match(await other.rotation.runDue(), [{ change: 'publish', alg: 'EdDSA' }])
  t.same(await rotation.runDue(), [], 'back in use, it is left alone')
  await other.keyring.load()
  t.equal(other.keyring.canSign('EdDSA'), false, 'and waits for its lead')
  t.equal(other.keyring.isLoaded(), true)
})
