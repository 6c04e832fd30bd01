import t from 'tap'
import { createAuditStore, type AuditEvent } from '../../src/audit/store.ts'
import { createTestClock } from '../support/clock.ts'
import { createTestDatabase } from '../support/database.ts'

t.test('events are listed as they were recorded, page by page', async (t) => {
  const database = await createTestDatabase(t)
  const audit = createAuditStore(database)
  const at = createTestClock().now()
  const event = (subject: string, reason: string | null): AuditEvent => ({
    at,
    action: 'keys.revoke',
    subject,
    actor: 'ada@laptop',
    reason,
    details: { changes: [{ change: 'revoke' }] },
  })
  for (const each of [event('k1', 'stolen'), event('k2', null), event('k3', null)])
    await database.transaction((transaction) => audit.record(each, transaction))

  const first = await audit.list({ limit: 2 })
  t.strictSame(first, [
    { id: 1, ...event('k1', 'stolen') },
    { id: 2, ...event('k2', null) },
  ])
  t.strictSame(await audit.list({ after: 2 }), [{ id: 3, ...event('k3', null) }])
})

t.test('the latest come first, of one subject, one action or one noun', async (t) => {
  const database = await createTestDatabase(t)
  const audit = createAuditStore(database)
  const at = createTestClock().now()
  const done = [
    ['users.revoke', 'alice'],
    ['users.disable', 'alice'],
    ['users.revoke', 'bob'],
    ['usersx.revoke', 'alice'],
    ['keys.revoke', 'k1'],
  ]
  for (const [action = '', subject = ''] of done)
    await database.transaction((transaction) =>
      audit.record({ at, action, subject, actor: 'x', reason: null, details: {} }, transaction),
    )
  const list = async (selection: { subject?: string; action?: string; limit?: number }) =>
    (await audit.listLatest({ limit: 10, ...selection })).map(({ id }) => id)
  t.strictSame(await list({}), [5, 4, 3, 2, 1])
  t.strictSame(await list({ limit: 2 }), [5, 4])
  t.strictSame(await list({ limit: 0 }), [])
  t.strictSame(await list({ subject: 'alice' }), [4, 2, 1])
  t.strictSame(await list({ action: 'users.revoke' }), [3, 1])
  t.strictSame(await list({ action: 'users' }), [3, 2, 1])
  t.strictSame(await list({ action: 'users', subject: 'alice' }), [2, 1])
  t.strictSame(await list({ action: '%' }), [])
})

t.test('what is rolled back was not done', async (t) => {
  const database = await createTestDatabase(t)
  const audit = createAuditStore(database)
  const at = createTestClock().now()
  const event = { at, action: 'a', subject: 's', actor: 'x', reason: null, details: {} }
  const work = database.transaction(async (transaction) => {
    await audit.record(event, transaction)
    throw new Error('no')
  })
  await t.rejects(work, { message: 'no' })
  t.strictSame(await audit.list(), [])
})
