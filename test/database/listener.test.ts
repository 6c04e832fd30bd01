import { EventEmitter, once } from 'node:events'
import t from 'tap'
import { createTestDatabase } from '../support/database.ts'

t.test('hears a NOTIFY, and looks anew once it listens', async (t) => {
  const database = await createTestDatabase(t)
  const events = new EventEmitter()
  const listening = once(events, 'change')
  database.listen('changes', (payload) => events.emit('change', payload))
  t.same(await listening, [''])

  const heard = once(events, 'change')
  await database.query("select pg_notify('changes', 'it')")
  t.same(await heard, ['it'])
})

t.test('listens again after its connection broke, and looks anew', async (t) => {
  const database = await createTestDatabase(t)
  const events = new EventEmitter()
  const listening = once(events, 'change')
  database.listen('changes', (payload) => events.emit('change', payload))
  await listening

  const again = once(events, 'change')
  const broken = await database.query(
    `select pg_terminate_backend(pid) from pg_stat_activity
     where datname = current_database() and query like 'listen%'`,
  )
  t.equal(broken.length, 1)
  t.same(await again, [''])

  const heard = once(events, 'change')
  await database.query("select pg_notify('changes', 'it')")
  t.same(await heard, ['it'])
})

t.test('channels share one connection; a subscriber that throws harms no other', async (t) => {
  const database = await createTestDatabase(t)
  const events = new EventEmitter()
  const first = once(events, 'first')
  database.listen('one', (payload) => {
    events.emit('first', payload)
    throw new Error('a careless subscriber')
  })
  await first
  const second = once(events, 'second')
  const stop = database.listen('one', (payload) => events.emit('second', payload))
  await second
  const third = once(events, 'third')
  database.listen('Two Words', (payload) => events.emit('third', payload))
  await third

  const heard = Promise.all([once(events, 'first'), once(events, 'third')])
  await stop()
  events.once('second', () => t.fail('has stopped listening'))
  await database.query(`select pg_notify('one', 'a'), pg_notify('Two Words', 'b')`)
  t.same(await heard, [['a'], ['b']])
  t.match(
    await database.query(
      `select count(*) as listeners from pg_stat_activity
       where datname = current_database() and query like 'listen%'`,
    ),
    [{ listeners: 1 }],
  )
})

t.test('can be closed before it has connected', async (t) => {
  const database = await createTestDatabase(t)
  database.listen('changes', () => t.fail('closed'))
  await database.close()
})
