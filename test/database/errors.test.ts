import t from 'tap'
import { DatabaseUnavailable } from '../../src/database/database.ts'
import { toDatabaseError } from '../../src/database/errors.ts'

const coded = (code: string, more: object = {}) => Object.assign(new Error(code), { code, ...more })

const outages = [
  coded('ECONNREFUSED'),
  coded('ECONNRESET'),
  coded('ENOENT'),
  coded('57P01'),
  coded('57P03'),
  coded('08006'),
  coded('53300'),
  coded('57014'),
  coded('08P01'), // a pooler without a server
  new Error('Connection terminated unexpectedly'),
  new Error('timeout expired'),
  new Error('timeout exceeded when trying to connect'),
  new Error('Query read timeout'),
]
const faults = [
  coded('23505'),
  coded('42P01'),
  coded('40001'),
  coded('08P01', { routine: 'exec_bind_message' }),
  new Error('something else'),
  'no error at all',
]

t.test('an outage becomes DatabaseUnavailable and keeps its cause', async (t) => {
  for (const error of outages) {
    const unavailable = toDatabaseError(error)
    t.ok(unavailable instanceof DatabaseUnavailable, error.message)
    t.match(unavailable, { cause: error })
  }
})

t.test('Postgres refusing us is an outage too, and says what its operator must do', async (t) => {
  const refusals: [code: string, remedy: RegExp][] = [
    ['28P01', /the user and the password of DATABASE_URL/],
    ['28000', /the user and the password of DATABASE_URL/],
    ['3D000', /Create the database/],
    ['25006', /primary/],
    ['53300', /max_connections.*CLAVIGER_DATABASE_POOL_SIZE/],
    ['53100', /disk is full/],
    ['53200', /see its log/],
    ['55000', /ALTER DATABASE/],
  ]
  for (const [code, message] of refusals) {
    const error = coded(code)
    const unavailable = toDatabaseError(error)
    t.ok(unavailable instanceof DatabaseUnavailable, code)
    t.match(unavailable, { cause: error, message })
  }
})

t.test('a fault of the statement passes through', async (t) => {
  for (const error of faults) t.equal(toDatabaseError(error), error)
})
