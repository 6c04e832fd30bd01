import t from 'tap'
import { DatabaseUnavailable, type Queryable } from '../../src/database/database.ts'
import { createRateLimits, type RateLimits } from '../../src/http/rate-limits.ts'
import { createTestDatabase } from '../support/database.ts'

const alice = { address: '192.0.2.1', identifier: 'alice@example.com' }

async function fail(rateLimits: RateLimits, attempt: typeof alice): Promise<boolean> {
  const { allowed } = await rateLimits.loginAttempt(attempt)
  if (allowed) await rateLimits.recordFailure(attempt)
  return allowed
}

t.test('ten failures for one name from one address, then wait', async (t) => {
  const rateLimits = createRateLimits({ database: await createTestDatabase(t), enabled: true })
  for (let count = 1; count <= 10; count++) t.equal(await fail(rateLimits, alice), true)

  const verdict = await rateLimits.loginAttempt(alice)
  if (verdict.allowed) throw new Error('allowed')
  t.ok(verdict.retryAfterSeconds > 14 * 60 && verdict.retryAfterSeconds <= 15 * 60)

  const sameName = { ...alice, identifier: ' Alice@Example.COM' }
  t.equal((await rateLimits.loginAttempt(sameName)).allowed, false)
  const elsewhere = { ...alice, address: '198.51.100.7' }
  t.equal((await rateLimits.loginAttempt(elsewhere)).allowed, true)
  const somebodyElse = { ...alice, identifier: 'bob@example.com' }
  t.equal((await rateLimits.loginAttempt(somebodyElse)).allowed, true)
})

t.test('of simultaneous guesses no more pass than of those one by one', async (t) => {
  const rateLimits = createRateLimits({ database: await createTestDatabase(t), enabled: true })
  const verdicts = await Promise.all(
    Array.from({ length: 30 }, () => rateLimits.loginAttempt(alice)),
  )
  t.equal(verdicts.filter(({ allowed }) => allowed).length, 10)
})

t.test('of simultaneous guesses at user codes thirty pass for each network', async (t) => {
  const rateLimits = createRateLimits({ database: await createTestDatabase(t), enabled: true })
  const guess = async (address: string) => {
    const verdicts = Array.from({ length: 40 }, () => rateLimits.userCodeAttempt(address))
    return (await Promise.all(verdicts)).filter(({ allowed }) => allowed).length
  }
  t.equal(await guess('192.0.2.1'), 30)
  t.equal(await guess('2001:db8::1'), 30)
  t.equal(await guess('2001:db8::2'), 0, 'one line has them all')
})

t.test('a success forgets the failures before it', async (t) => {
  const rateLimits = createRateLimits({ database: await createTestDatabase(t), enabled: true })
  for (let round = 1; round <= 2; round++) {
    for (let count = 1; count <= 9; count++) t.equal(await fail(rateLimits, alice), true)
    t.equal((await rateLimits.loginAttempt(alice)).allowed, true)
    await rateLimits.recordSuccess(alice)
  }
})

t.test('many may sign in from one address, but only a hundred may fail', async (t) => {
  const rateLimits = createRateLimits({ database: await createTestDatabase(t), enabled: true })
  for (let person = 1; person <= 120; person++) {
    const attempt = { ...alice, identifier: `person${person}` }
    t.equal((await rateLimits.loginAttempt(attempt)).allowed, true)
    await rateLimits.recordSuccess(attempt)
  }
  for (let person = 1; person <= 100; person++)
    t.equal(await fail(rateLimits, { ...alice, identifier: `guess${person}` }), true)
  t.equal((await rateLimits.loginAttempt(alice)).allowed, false)
  t.equal((await rateLimits.loginAttempt({ ...alice, address: '198.51.100.7' })).allowed, true)
})

t.test('a hundred failures for one name from many addresses, then wait', async (t) => {
  const rateLimits = createRateLimits({ database: await createTestDatabase(t), enabled: true })
  for (let host = 1; host <= 100; host++)
    t.equal(await fail(rateLimits, { ...alice, address: `198.51.100.${host}` }), true)
  t.equal((await rateLimits.loginAttempt({ ...alice, address: '203.0.113.1' })).allowed, false)
})

t.test('an address that is refused cannot lock the name for others', async (t) => {
  const rateLimits = createRateLimits({ database: await createTestDatabase(t), enabled: true })
  for (let count = 1; count <= 150; count++) await fail(rateLimits, alice)
  t.equal((await rateLimits.loginAttempt({ ...alice, address: '198.51.100.7' })).allowed, true)
})

t.test('one IPv6 line is one address, and an IPv4 address has one form', async (t) => {
  const rateLimits = createRateLimits({ database: await createTestDatabase(t), enabled: true })
  const from = (address: string) => fail(rateLimits, { ...alice, address })
  for (let count = 1; count <= 10; count++)
    t.equal(await from(`2001:db8:0:1:${count}::${count}`), true)
  t.equal(await from('2001:db8::1:0:0:0:99'), false)
  t.equal(await from('2001:db8:0:2::1'), true)
  for (let count = 1; count <= 10; count++) t.equal(await from('::ffff:192.0.2.9'), true)
  t.equal(await from('192.0.2.9'), false)
})

t.test('counters end by themselves', async (t) => {
  const database = await createTestDatabase(t)
  const rateLimits = createRateLimits({ database, enabled: true })
  for (let count = 1; count <= 11; count++) await fail(rateLimits, alice)
  t.equal((await rateLimits.loginAttempt(alice)).allowed, false)
  await database.query('update rate_limits set expire = $1', [Date.now() - 1])
  t.equal((await rateLimits.loginAttempt(alice)).allowed, true)
})

t.test('neither names nor addresses are stored', async (t) => {
  const database = await createTestDatabase(t)
  await fail(createRateLimits({ database, enabled: true }), alice)
  const rows = await database.query<{ key: string }>('select key from rate_limits')
  t.equal(rows.length, 3)
  for (const { key } of rows) t.match(key, /^(pair|address|identifier):[\w-]{43}$/)
})

t.test('without the database nobody may try', async (t) => {
  const down: Queryable = {
    query: async () => {
      throw new DatabaseUnavailable(new Error('ECONNREFUSED'))
    },
  }
  const rateLimits = createRateLimits({ database: down, enabled: true })
  await t.rejects(rateLimits.loginAttempt(alice), DatabaseUnavailable)
})

t.test(
  'switched off, everything is allowed and nothing is counted (CLAVIGER_RATE_LIMIT=off)',
  async (t) => {
    const database = await createTestDatabase(t)
    const rateLimits = createRateLimits({ database, enabled: false })
    for (let count = 1; count <= 20; count++) t.equal(await fail(rateLimits, alice), true)
    await rateLimits.recordSuccess(alice)
    t.strictSame(await database.query('select key from rate_limits'), [])
  },
)

t.test('a hundred registrations of one network an hour, then wait', async (t) => {
  const rateLimits = createRateLimits({ database: await createTestDatabase(t), enabled: true })
  const verdicts = await Promise.all(
    Array.from({ length: 130 }, (_, count) => rateLimits.registration(`2001:db8::${count}`)),
  )
  t.equal(verdicts.filter(({ allowed }) => allowed).length, 100)
  t.equal((await rateLimits.registration('2001:db8:0:1::1')).allowed, true)
  t.equal((await rateLimits.loginAttempt({ ...alice, address: '2001:db8::1' })).allowed, true)
})

t.test('other clients of strangers are bounded by network, too', async (t) => {
  const rateLimits = createRateLimits({ database: await createTestDatabase(t), enabled: true })
  for (const [limit, count] of [
    [rateLimits.unknownDocument, 100],
    [rateLimits.strangersRequest, 1000],
  ] as const) {
    let allowed = 0
    // No more at once, since a statement waits three seconds for a connection and then gives up.
    for (let asked = 0; asked <= count; asked += 100) {
      const verdicts = await Promise.all(Array.from({ length: 100 }, () => limit('192.0.2.1')))
      allowed += verdicts.filter((verdict) => verdict.allowed).length
    }
    t.equal(allowed, count)
    t.equal((await limit('192.0.2.2')).allowed, true)
  }
})
