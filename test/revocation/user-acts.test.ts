import t from 'tap'
import { password } from '../support/provider.ts'
import { act, setUp as setUpNode } from '../tokens/setup.ts'

async function setUp() {
  const node = await setUpNode()
  const { sessions, sub, clock, audit, database } = node
  const { secret } = await sessions.start(
    { sub, amr: [], authTime: clock.now(), after: [] },
    undefined,
  )
  clock.advance(10)
  const isSignedIn = async () => (await sessions.find(secret)) !== undefined
  const listEvents = async () =>
    (await audit.listLatest({ limit: 10 })).map(({ action, subject, actor, reason }) => [
      action,
      subject === sub,
      actor,
      reason,
    ])
  const listRecords = () =>
    database.query<{ kind: string; id: string; reason: string }>(
      'select distinct kind, id, reason from revocations',
    )
  return { ...node, isSignedIn, listEvents, listRecords }
}

t.test('a disabled user is revoked too, and who is enabled again stays revoked', async (t) => {
  const { userActs, accounts, sub, isSignedIn, listEvents, listRecords } = await setUp()
  t.match(await userActs.disable(sub, { ...act, reason: 'left' }), { ended: { sessions: 2 } })
  t.ok((await accounts.findBySub(sub))?.disabledAt)
  t.strictSame(await listRecords(), [{ kind: 'user', id: sub, reason: 'left' }])
  t.match(await userActs.enable(sub, act), { sub, disabledAt: undefined })
  t.equal(await isSignedIn(), false)
  t.strictSame(await listEvents(), [
    ['users.enable', true, 'ada', null],
    ['users.revoke', true, 'ada', 'left'],
    ['users.disable', true, 'ada', 'left'],
  ])
})

t.test('a deleted user leaves the record of their tokens behind', async (t) => {
  const { userActs, accounts, sub, listEvents, listRecords } = await setUp()
  t.match(await userActs.delete(sub, act), { ended: { sessions: 2 } })
  t.equal(await accounts.findBySub(sub), undefined)
  t.strictSame(await listRecords(), [{ kind: 'user', id: sub, reason: 'deleted' }])
  t.strictSame(await listEvents(), [
    ['users.delete', true, 'ada', null],
    ['users.revoke', true, 'ada', 'deleted'],
  ])
})

t.test('a new password ends what the former one opened', async (t) => {
  const { userActs, accounts, sub, isSignedIn, listEvents } = await setUp()
  t.match(await userActs.setPassword(sub, password, act), { ended: { sessions: 2 } })
  t.match(await accounts.authenticate('alice@example.com', password), { sub })
  t.equal(await isSignedIn(), false)
  t.strictSame(await listEvents(), [
    ['users.revoke', true, 'ada', 'new password'],
    ['users.set-password', true, 'ada', null],
  ])
})

t.test('whoever is stopped in the middle has changed nothing', async (t) => {
  const { userActs, accounts, sub, isSignedIn, listEvents, database } = await setUp()
  const before = await accounts.findBySub(sub)
  await database.query(`alter table revocations add constraint full_disk check (kind <> 'user')`)
  await t.rejects(userActs.setPassword(sub, 'another passphrase', act))
  await t.rejects(userActs.disable(sub, act))
  await t.rejects(userActs.delete(sub, act))
  t.strictSame(await accounts.findBySub(sub), before)
  t.equal(await isSignedIn(), true)
  t.strictSame(await listEvents(), [])
})

t.test('unless that is not wanted', async (t) => {
  const { userActs, accounts, sub, isSignedIn, listEvents, listRecords } = await setUp()
  t.equal(await userActs.setPassword(sub, password, { ...act, keepSessions: true }), undefined)
  t.match(await accounts.authenticate('alice@example.com', password), { sub })
  t.equal(await isSignedIn(), true)
  t.strictSame(await listRecords(), [])
  t.strictSame(await listEvents(), [['users.set-password', true, 'ada', null]])
})

t.test('a bad password changes nothing, and nobody is unknown quietly', async (t) => {
  const { userActs, sub, isSignedIn, listEvents } = await setUp()
  await t.rejects(userActs.setPassword(sub, 'short', act), { name: 'Refusal' })
  const works: (() => Promise<unknown>)[] = [
    () => userActs.disable('nobody', act),
    () => userActs.enable('nobody', act),
    () => userActs.delete('nobody', act),
    () => userActs.setPassword('nobody', password, act),
  ]
  for (const work of works) await t.rejects(work, { name: 'Refusal', message: /nobody/ })
  t.equal(await isSignedIn(), true)
  t.strictSame(await listEvents(), [])
})
