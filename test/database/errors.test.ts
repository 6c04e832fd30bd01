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

t.test('a fault of the statement passes through', async (t) => {
  for (const error of faults) t.equal(toDatabaseError(error), error)
})
