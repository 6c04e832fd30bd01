import { EventEmitter, once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { DatabaseUnavailable, type Database } from '../../src/database/database.ts'
import { createDatabase, type PoolOptions } from '../../src/database/pool.ts'
import { createTestDatabase } from '../support/database.ts'

const ignore = () => {}

function open(t: Test, url: string, options: Partial<PoolOptions> = {}): Database {
  const database = createDatabase(url, { onError: ignore, ...options })
  t.teardown(() => database.close())
  return database
}

t.test('values go to Postgres and come back as what they are', async (t) => {
  const database = await createTestDatabase(t)
  const row = {
    number: 9007199254740991,
    beyond: '9007199254740993', // not a safe integer: stays text
    list: ['a', 'b,"c'],
    object: { a: [1, null] },
    bytes: Buffer.from([0, 1, 255]),
    instant: new Date('2026-01-02T03:04:05.678Z'),
    nothing: null,
  }
  const rows = await database.query(
    `select $1::int8 as number, $2::int8 as beyond, $3::text[] as list, $4::jsonb as object,
            $5::bytea as bytes, $6::timestamptz as instant, $7::text as nothing`,
    Object.values(row),
  )
  t.strictSame(rows, [row])
})

t.test('a transaction commits what it did and answers what the work answers', async (t) => {
  const database = await createTestDatabase(t)
  await database.query('create table things (n integer)')
  const answer = await database.transaction(async (transaction) => {
    await transaction.query('insert into things values (1)')
    return 'done'
  })
  t.equal(answer, 'done')
  t.same(await database.query('select n from things'), [{ n: 1 }])
})

t.test('a transaction whose work throws leaves nothing', async (t) => {
  const database = await createTestDatabase(t)
  await database.query('create table things (n integer)')
  const work = database.transaction(async (transaction) => {
    await transaction.query('insert into things values (1)')
    throw new Error('changed my mind')
  })
  await t.rejects(work, { message: 'changed my mind' })
  t.same(await database.query('select n from things'), [])
})

t.test('a failed statement that the work ignores fails the transaction', async (t) => {
  const database = await createTestDatabase(t)
  const work = database.transaction(async (transaction) => {
    await transaction.query('select 1 / 0').catch(ignore)
  })
  await t.rejects(work, { message: /was rolled back/ })
})

t.test('a statement after the end of its transaction is refused', async (t) => {
  const database = await createTestDatabase(t)
  const ended = await database.transaction(async (transaction) => transaction)
  await t.rejects(async () => ended.query('select 1'), { message: /after the end/ })
})

t.test('a connection that breaks in a transaction is not used again', async (t) => {
  const database = await createTestDatabase(t)
  const single = open(t, database.url, { maxConnections: 1 })
  const work = single.transaction(async (transaction) => {
    const [backend] = await transaction.query<{ pid: number }>('select pg_backend_pid() as pid')
    await database.query('select pg_terminate_backend($1)', [backend?.pid])
    await transaction.query('select 1')
  })
  await t.rejects(work, DatabaseUnavailable)
  t.same(await single.query('select 1 as one'), [{ one: 1 }])
})

t.test('an idle connection that breaks is reported and replaced', async (t) => {
  const database = await createTestDatabase(t)
  const events = new EventEmitter()
  const single = open(t, database.url, {
    maxConnections: 1,
    onError: (error) => events.emit('broken', error),
  })
  const [backend] = await single.query<{ pid: number }>('select pg_backend_pid() as pid')
  const broken = once(events, 'broken')
  await database.query('select pg_terminate_backend($1)', [backend?.pid])
  t.match(await broken, [{ code: '57P01' }])
  t.same(await single.query('select 1 as one'), [{ one: 1 }])
})

t.test('a statement that takes too long ends as an outage', async (t) => {
  const database = await createTestDatabase(t)
  const hasty = open(t, database.url, { statementTimeoutSeconds: 1, maxConnections: 1 })
  await t.rejects(hasty.query('select pg_sleep(60)'), DatabaseUnavailable)
  await t.rejects(
    hasty.transaction((transaction) => transaction.query('select pg_sleep(60)')),
    DatabaseUnavailable,
  )
  t.same(await hasty.query('select 1 as one'), [{ one: 1 }])
})

t.test('no free connection, no server and a silent server are outages', async (t) => {
  const database = await createTestDatabase(t)
  const single = open(t, database.url, { maxConnections: 1 }) // has to connect in that time itself
  await single.transaction(() => t.rejects(single.query('select 1'), DatabaseUnavailable))

  const gone = open(t, 'postgresql://claviger@/x?host=%2Fnonexistent')
  await t.rejects(gone.query('select 1'), DatabaseUnavailable)
  await t.rejects(
    gone.transaction(async () => 1),
    DatabaseUnavailable,
  )

  const silent = createServer().listen(0, '127.0.0.1')
  await once(silent, 'listening')
  t.teardown(() => silent.close())
  const { port } = silent.address() as AddressInfo
  const unheard = open(t, `postgresql://claviger@127.0.0.1:${port}/x`, {
    connectTimeoutSeconds: 0.1,
  })
  await t.rejects(unheard.query('select 1'), DatabaseUnavailable)
})

t.test('errors of a statement pass through with their code', async (t) => {
  const database = await createTestDatabase(t)
  await t.rejects(database.query('select * from absent'), { code: '42P01' })
  await t.rejects(database.query('select $1::integer', [1, 2]), { code: '08P01' })
})
