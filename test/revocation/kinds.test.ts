/** What each kind of revocation ends, what it leaves alone, and what it writes down. */
import t from 'tap'
import { createPendingRequests } from '../../src/authorization/pending-requests.ts'
import { createPendingRequestStore } from '../../src/authorization/store.ts'
import { Params } from '../../src/protocol/params.ts'
import { act, createClient, secondsAfter, setUp as setUpNode, start } from '../tokens/setup.ts'

/** The revocations are at the start; it lies in this second. */
const notBefore = new Date('2026-01-02T03:04:06Z')
const iat = notBefore.getTime() / 1000 - 1
const reason = 'a test'

async function setUp() {
  const node = await setUpNode()
  const { clock, sessions, families, codes, clientId, audit, database } = node
  const bob = await node.accounts.create({ email: 'bob@example.com' })
  clock.set(secondsAfter(start, -30)) // what is to be revoked is from before

  async function signIn(sub = node.sub) {
    const authTime = clock.now()
    const { secret } = await sessions.start({ sub, amr: ['pwd'], authTime, after: [] }, undefined)
    return { secret, ...(await sessions.find(secret))! }
  }
  const isOpen = async (code: string) => !(await codes.find(code))?.isEnded
  const isLive = async (token: string) => (await families.findLive(token)) !== undefined
  const listRecords = () =>
    database.query<{ kind: string; id: string; not_before: Date; reason: string }>(
      'select kind, id, not_before, reason from revocations order by cursor',
    )
  const listEvents = () => audit.listLatest({ limit: 10 })
  const pending = createPendingRequests({
    store: createPendingRequestStore(database),
    clock,
    ttlSeconds: 600,
    pushedTtlSeconds: 60,
  })
  const request = () => pending.save(clientId, new Params())
  return { ...node, bob, signIn, isOpen, isLive, listRecords, listEvents, pending, request }
}

t.test('a user: sessions, codes and refresh tokens are counted', async (t) => {
  const { signIn, revocations, sub, bob, beginFamily, codes, newGrant, clock, sessions, isLive } =
    await setUp()
  const [, , ofBob] = [await signIn(), await signIn(), await signIn(bob.sub)]
  const { token } = await beginFamily()
  const { token: tokenOfBob } = await beginFamily({ sub: bob.sub })
  await codes.create(newGrant())
  clock.set(start)
  const { ended } = await revocations.revokeUser(sub, act)
  t.strictSame(ended, { sessions: 4, codes: 1, refresh_tokens: 1 }, 'with the two of the setup')
  t.equal(await isLive(token), false)
  t.equal(await isLive(tokenOfBob), true)
  t.ok(await sessions.find(ofBob.secret))
  const again = await revocations.revokeUser(sub, act)
  t.strictSame(again.ended, { sessions: 0, codes: 0, refresh_tokens: 0 }, 'nothing is left')
})

t.test('a user: recorded by each subject that clients know them by', async (t) => {
  const { revocations, sub, bob, codes, newGrant, clock, listRecords, userActs } = await setUp()
  for (const [subject, of] of [
    ['one subject', sub],
    ['another subject', sub],
    ['a subject of bob', bob.sub],
  ] as const) {
    await codes.create(newGrant({ sub: of, subject }))
    await codes.create(newGrant({ sub: of, subject }))
  }
  clock.set(start)
  await revocations.revokeUser(sub, { ...act, reason })
  const recorded = (id: string) => ({ kind: 'user', id, not_before: notBefore, reason })
  t.strictSame(await listRecords(), [
    recorded(sub),
    recorded('one subject'),
    recorded('another subject'),
  ])
  for (const [named, isRevoked] of [
    [sub, true],
    ['one subject', true],
    ['another subject', true],
    [bob.sub, false],
    ['a subject of bob', false],
  ] as const)
    t.equal(await revocations.isRevoked({ iat, sub: named }), isRevoked, named)
  await userActs.delete(bob.sub, act)
  t.equal(await revocations.isRevoked({ iat, sub: 'a subject of bob' }), true, 'also when deleted')
})

t.test('a session: its codes and access tokens, not its refresh tokens', async (t) => {
  const { signIn, revocations, sub, beginFamily, codes, newGrant, clock, sessions, ...node } =
    await setUp()
  const [session, other] = [await signIn(), await signIn()]
  const { sid, secret } = session
  const { token } = await beginFamily({ sid })
  const [code, ofOther] = [
    await codes.create(newGrant({ sid })),
    await codes.create(newGrant({ sid: other.sid })),
  ]
  clock.set(start)
  t.equal(
    await revocations.revokeSession({ sid, sub: 'another' }, act),
    undefined,
    'of another user',
  )
  const revoked = await revocations.revokeSession({ sid, sub }, { ...act, reason })
  const ended = { sessions: 1, codes: 1, refresh_tokens: 0 }
  t.strictSame(revoked, { at: start, notBefore, ended })

  t.equal(await sessions.find(secret), undefined)
  t.ok(await sessions.find(other.secret))
  t.strictSame([await node.isOpen(code), await node.isOpen(ofOther)], [false, true])
  t.equal(await codes.consume(code, { refreshable: true }), 'ended')
  t.equal(await node.isLive(token), true)
  t.equal(await revocations.isRevoked({ iat, sid, sub }), true)
  t.equal(await revocations.isRevoked({ iat: iat + 1, sid, sub }), false, 'a refresh later on')
  t.equal(await revocations.isRevoked({ iat, sid: other.sid, sub }), false)
  t.strictSame(await node.listRecords(), [
    { kind: 'session', id: sid, not_before: notBefore, reason },
  ])
  t.hasStrict(await node.listEvents(), [
    {
      at: start,
      action: 'sessions.revoke',
      subject: sid,
      actor: 'ada',
      reason,
      details: { not_before: notBefore.toISOString(), ended },
    },
  ])
  t.equal(await revocations.revokeSession({ sid }, act), undefined, 'nothing is left')
  t.equal((await node.listEvents()).length, 1)
})

t.test('a session with its refresh tokens, also those that outlived it', async (t) => {
  const { signIn, revocations, beginFamily, isLive, clock } = await setUp()
  const { sid } = await signIn()
  const { token } = await beginFamily({ sid })
  const { token: ofOther } = await beginFamily()
  clock.set(start)
  await revocations.revokeSession({ sid }, act)
  const revoked = await revocations.revokeSession({ sid }, { ...act, refreshTokens: true })
  t.strictSame(revoked?.ended, { sessions: 0, codes: 0, refresh_tokens: 1 })
  t.strictSame([await isLive(token), await isLive(ofOther)], [false, true])
})

t.test('a client: codes, refresh tokens, sign-ins under way and all tokens', async (t) => {
  const { signIn, revocations, clientId, beginFamily, codes, newGrant, clock, sessions, ...node } =
    await setUp()
  const { secret } = await signIn()
  const { clientId: other } = await createClient(node)
  const { token } = await beginFamily()
  const { token: ofOther } = await beginFamily({ clientId: other })
  const [code, codeOfOther] = [
    await codes.create(newGrant()),
    await codes.create(newGrant({ clientId: other })),
  ]
  const reference = await node.request()
  clock.set(start)
  const revoked = await revocations.revokeClient(clientId, { ...act, reason })
  const ended = { codes: 1, refresh_tokens: 1, authorization_requests: 1 }
  t.strictSame(revoked, { at: start, notBefore, ended })
  t.strictSame(clock.now(), secondsAfter(notBefore, 0.5), 'it has waited')

  t.strictSame([await node.isOpen(code), await node.isOpen(codeOfOther)], [false, true])
  t.strictSame([await node.isLive(token), await node.isLive(ofOther)], [false, true])
  t.equal(await node.pending.find(reference), undefined)
  t.ok(await sessions.find(secret), 'people stay signed in')
  t.equal(await revocations.isRevoked({ iat, client_id: clientId }), true)
  t.equal(await revocations.isRevoked({ iat, client_id: other }), false)
  t.strictSame(await node.listRecords(), [
    { kind: 'client', id: clientId, not_before: notBefore, reason },
  ])
  t.hasStrict(await node.listEvents(), [
    { action: 'clients.revoke', subject: clientId, details: { ended } },
  ])

  const later = await beginFamily()
  t.equal(await node.isLive(later.token), true, 'the client goes on')
  t.equal((await node.clients.find(clientId))?.revokedAt, undefined)
  await t.rejects(revocations.revokeClient('nobody', act), { name: 'Refusal', message: /nobody/ })
})

t.test('everything: of everybody, in one row', async (t) => {
  const { signIn, revocations, accounts, sub, bob, beginFamily, clock, sessions, ...node } =
    await setUp()
  const [one, other] = [await signIn(), await signIn(bob.sub)]
  const { token } = await beginFamily()
  clock.set(start)
  const revoked = await revocations.revokeEverything({ ...act, reason })
  t.strictSame(revoked, { at: start, notBefore, ended: {} })
  t.strictSame(clock.now(), secondsAfter(notBefore, 0.5), 'it has waited')

  for (const { secret } of [one, other]) t.equal(await sessions.find(secret), undefined)
  t.strictSame(await sessions.list(sub), [])
  t.equal(await node.isLive(token), false)
  for (const user of [sub, bob.sub])
    t.strictSame((await accounts.findBySub(user))?.revokedAt, start)
  t.equal(await revocations.isRevoked({ iat, sub: 'a service', client_id: 'a service' }), true)
  t.strictSame(await node.listRecords(), [
    { kind: 'everything', id: '', not_before: notBefore, reason },
  ])
  t.hasStrict(await node.listEvents(), [{ action: 'everything.revoke', subject: 'everything' }])

  const again = await signIn()
  t.ok(await sessions.find(again.secret), 'who signs in again is in')
  await revocations.revokeUser(sub, act)
  t.strictSame((await accounts.findBySub(sub))?.revokedAt, clock.now(), 'the later one counts')
  t.strictSame((await accounts.findBySub(bob.sub))?.revokedAt, start)
})

t.test('a grant and a token, by the server or a client itself', async (t) => {
  const { revocations, beginFamily, isLive, listEvents, endGrant } = await setUp()
  const { grantId, token } = await beginFamily()
  await endGrant(grantId, 'a code came twice')
  t.equal(await isLive(token), false)
  await revocations.revokeToken('the jti', { actor: 'client:app' })
  t.hasStrict(await listEvents(), [
    { action: 'tokens.revoke', subject: 'the jti', actor: 'client:app', reason: null },
    {
      action: 'grants.revoke',
      subject: grantId,
      actor: 'server',
      reason: 'a code came twice',
      details: { ended: { refresh_tokens: 1 } },
    },
  ])
})

t.test('what cannot be audited is neither recorded', async (t) => {
  const { revocations, database, sub, beginFamily, isLive, listRecords } = await setUp()
  const { grantId, token } = await beginFamily()
  await database.query('alter table audit_events rename to lost_events')
  t.teardown(() => database.query('alter table lost_events rename to audit_events'))
  await t.rejects(revocations.revokeUser(sub, act))
  await t.rejects(revocations.revokeGrant(grantId, act))
  await t.rejects(revocations.revokeToken('J', act))
  t.strictSame(await listRecords(), [])
  t.equal(await isLive(token), true, 'nor done')
})

t.test('counting stops where nobody wants to know more', async (t) => {
  const { revocations, database, sub, clientId } = await setUp()
  await database.query(
    `insert into refresh_families
       (grant_id, client_id, sub, sid, scope, resources, auth_time, amr, generation, rotated_at, created_at,
        idle_expires_at, expires_at)
     select gen_random_uuid(), $1, $2, 's', '{}', '{}', $3, '{}', 1, $3, $3, $4, $4
     from generate_series(1, 10001)`,
    [clientId, sub, start, secondsAfter(start, 3600)],
  )
  const { ended } = await revocations.revokeClient(clientId, act)
  t.equal(ended.refresh_tokens, 10_000)
})
