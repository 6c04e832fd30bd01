import { randomUUID } from 'node:crypto'
import t from 'tap'
import type { Test } from 'tap'
import { Refusal } from '../../src/protocol/refusal.ts'
import { createAccounts } from '../../src/users/accounts.ts'
import { createPasswordHasher } from '../../src/users/passwords.ts'
import { createUserStore } from '../../src/users/store.ts'
import { createTestClock } from '../support/clock.ts'
import { createTestDatabase } from '../support/database.ts'

const password = 'correct horse battery staple'
const weakHash = // of the password above, with m=8,t=1,p=1
  '$argon2id$v=19$m=8,t=1,p=1$c2l4dGVlbiBieXRlcyBvaw$NbwdtvaXwovGE1OM1+PHFh5g2RaySEEXIWynPz00Nvo'

async function setUp(t: Test) {
  const database = await createTestDatabase(t)
  const clock = createTestClock(new Date('2026-01-02T03:04:05Z'))
  const store = createUserStore(database)
  const hasher = createPasswordHasher()
  /** Whether each verification had a hash to compare with. */
  const verifications: boolean[] = []
  const accounts = createAccounts({
    store,
    clock,
    hasher: {
      ...hasher,
      async verify(hash, candidate) {
        verifications.push(hash !== undefined)
        return hasher.verify(hash, candidate)
      },
    },
  })
  return { database, clock, store, hasher, accounts, verifications }
}

t.test(
  'a created account can be found by email, username and sub, in any letter case',
  async (t) => {
    const { accounts, clock } = await setUp(t)
    const created = await accounts.create({
      email: ' Jane@Example.com',
      username: 'Zoe\u0308',
      name: 'Jane',
      password,
      emailVerified: true,
      claims: { roles: ['admin'], locale: 'en' },
    })
    t.strictSame(created, {
      sub: created.sub,
      email: 'Jane@Example.com',
      username: 'Zoë',
      emailVerified: true,
      claims: { roles: ['admin'], locale: 'en', name: 'Jane' },
      createdAt: clock.now(),
      updatedAt: clock.now(),
      disabledAt: undefined,
      revokedAt: undefined,
      hasPassword: true,
    })
    t.match(created.sub, /^[\da-f-]{36}$/)
    for (const name of [
      'jane@example.COM',
      'ZOË ',
      'zoe\u0308',
      created.sub,
      created.sub.toUpperCase(),
    ])
      t.strictSame(await accounts.find(name), created, name)
    t.strictSame(await accounts.findBySub(created.sub), created)
    for (const name of ['', 'nobody', 'no@body', randomUUID(), 'a\0b', '%'])
      t.equal(await accounts.find(name), undefined, JSON.stringify(name))
    t.equal(await accounts.findBySub('nobody'), undefined)
  },
)

t.test('an email or a username alone is enough, and a password is not needed', async (t) => {
  const { accounts } = await setUp(t)
  const byEmail = await accounts.create({ email: 'a@example.com' })
  t.match(byEmail, { username: undefined, hasPassword: false, emailVerified: false, claims: {} })
  t.match(await accounts.create({ username: 'a' }), { email: undefined, hasPassword: false })
  t.match(await accounts.create({ claims: { email: 'b@example.com', email_verified: true } }), {
    email: 'b@example.com',
    emailVerified: true,
    claims: {},
  })
})

t.test('everything that is wrong with a new account is said at once', async (t) => {
  const { accounts } = await setUp(t)
  const cases: [Parameters<typeof accounts.create>[0], RegExp[]][] = [
    [{}, [/neither an email nor a username/]],
    [{ email: '' }, [/must be an address/]],
    [{ username: 'a', emailVerified: true }, [/no email that could be verified/]],
    [{ username: 'a', claims: [] }, [/not a JSON object/]],
    [{ username: 'a', name: '' }, [/"name" must be a non-empty string/]],
    [{ username: 'janejane', password: 'JaneJane' }, [/same as the username/]],
    [
      { email: 'jane@example.com', password: 'jane@example.com' },
      [/same as the username or email/],
    ],
    [
      { email: 'a@b@c', username: 'a b', password: 'short', claims: { sub: '1', name: 2 } },
      [
        /email must be/,
        /username must have/,
        /fewer than 8/,
        /"sub" has a meaning/,
        /"name" must be/,
      ],
    ],
    [
      {
        email: 'a@example.com',
        name: 'A',
        emailVerified: true,
        claims: { email: 'b@example.com', name: 'B', email_verified: false },
      },
      [/claim 'email' differ/, /claim 'name' differ/, /claim 'email_verified' differ/],
    ],
  ]
  for (const [input, expected] of cases) {
    const error = await accounts.create(input).catch((cause: unknown) => cause)
    t.type(error, Refusal)
    for (const pattern of expected) t.match(error, { message: pattern })
    t.notMatch(error, { message: /\n/ })
  }
  t.same(await accounts.list({ limit: 10 }), [])
})

t.test(
  'an email or username that another user has is refused by name, in any letter case',
  async (t) => {
    const { accounts } = await setUp(t)
    await accounts.create({ email: 'jane@example.com', username: 'jane' })
    const cases: [Parameters<typeof accounts.create>[0], RegExp][] = [
      [{ email: 'JANE@example.com' }, /already has the email JANE@example.com\. /],
      [{ username: 'Jane', email: 'j@example.com' }, /already has the username Jane\. /],
      [
        { username: 'jane', email: 'jane@example.com' },
        /already has the email jane@example.com and the username jane\. /,
      ],
    ]
    for (const [input, message] of cases)
      await t.rejects(accounts.create(input), { name: 'Refusal', message })
    t.equal((await accounts.list({ limit: 10 })).length, 1)
  },
)

t.test('of two who take one username at the same time one gets it', async (t) => {
  const { accounts } = await setUp(t)
  const outcomes = await Promise.allSettled(
    ['jane', 'JANE', 'Jane'].map((username) => accounts.create({ username })),
  )
  t.same(outcomes.map(({ status }) => status).toSorted(), ['fulfilled', 'rejected', 'rejected'])
})

t.test('the right password authenticates by email and by username', async (t) => {
  const { accounts } = await setUp(t)
  const account = await accounts.create({ email: 'jane@example.com', username: 'jane', password })
  t.strictSame(await accounts.authenticate('JANE@example.com', password), account)
  t.strictSame(await accounts.authenticate(' jane', password), account)
  t.notOk('passwordHash' in account)
})

t.test('everyone who cannot sign in gets the same answer after the same work', async (t) => {
  const { accounts, verifications } = await setUp(t)
  const known = await accounts.create({ username: 'known', password })
  const disabled = await accounts.create({ username: 'disabled', password })
  await accounts.disable(disabled.sub)
  await accounts.create({ username: 'nopassword' })

  const cases: [string, string, boolean][] = [
    ['known', 'wrong horse battery staple', true],
    ['known', '', true],
    ['known', 'x'.repeat(2000), true],
    [known.sub, password, false],
    ['unknown', password, false],
    ['unknown@example.com', password, false],
    ['not an identifier', password, false],
    ['', '', false],
    ['disabled', password, false],
    ['nopassword', password, false],
  ]
  for (const [identifier, candidate, hasHash] of cases) {
    verifications.length = 0
    t.equal(await accounts.authenticate(identifier, candidate), undefined, identifier)
    t.same(verifications, [hasHash], 'one verification')
  }
  await accounts.enable(disabled.sub)
  t.match(await accounts.authenticate('disabled', password), { sub: disabled.sub })
})

t.test('a hash made with other parameters is renewed at the next login', async (t) => {
  const { accounts, store, hasher, clock } = await setUp(t)
  const { sub } = await accounts.create({ username: 'jane', password })
  const at = clock.now()
  await store.setPasswordHash(sub, weakHash, at)
  clock.advance(60)

  t.equal(await accounts.authenticate('jane', 'wrong horse'), undefined)
  t.equal((await store.findByUsername('jane'))?.passwordHash, weakHash, 'not by a wrong password')

  t.match(await accounts.authenticate('jane', password), { sub })
  const renewed = await store.findByUsername('jane')
  t.equal(hasher.needsRehash(renewed?.passwordHash ?? weakHash), false)
  t.same(renewed?.account.updatedAt, at, 'nothing that the user would call a change')
  t.match(await accounts.authenticate('jane', password), { sub })
})

t.test('a login succeeds though its hash cannot be renewed', async (t) => {
  const { store, clock, hasher, accounts } = await setUp(t)
  const { sub } = await accounts.create({ username: 'jane', password })
  await store.setPasswordHash(sub, weakHash, clock.now())
  const busy = createAccounts({
    store,
    clock,
    hasher: {
      ...hasher,
      hash: async () => {
        throw new Error('the queue is full')
      },
    },
  })
  t.match(await busy.authenticate('jane', password), { sub })
  t.equal((await store.findByUsername('jane'))?.passwordHash, weakHash)
})

t.test('a renewed hash never overwrites a password that was set meanwhile', async (t) => {
  const { store, clock, hasher, accounts } = await setUp(t)
  const { sub } = await accounts.create({ username: 'jane', password })
  await store.setPasswordHash(sub, weakHash, clock.now())
  const slow = createAccounts({
    store,
    clock,
    hasher: {
      ...hasher,
      async hash(candidate) {
        await accounts.setPassword(sub, 'another password')
        return hasher.hash(candidate)
      },
    },
  })
  t.match(await slow.authenticate('jane', password), { sub })
  t.equal(await accounts.authenticate('jane', password), undefined)
  t.match(await accounts.authenticate('jane', 'another password'), { sub })
})

t.test('a new password replaces the old one, by the same rules', async (t) => {
  const { accounts, clock } = await setUp(t)
  const { sub } = await accounts.create({ username: 'janejane', password })
  clock.advance(10)
  t.same((await accounts.setPassword(sub, 'another password')).updatedAt, clock.now())
  t.equal(await accounts.authenticate('janejane', password), undefined)
  t.match(await accounts.authenticate('janejane', 'another password'), { sub })
  await t.rejects(accounts.setPassword(sub, 'janejane'), { name: 'Refusal', message: /same as/ })
  await t.rejects(accounts.setPassword(sub, 'short'), { name: 'Refusal', message: /fewer than 8/ })
  t.match(await accounts.authenticate('janejane', 'another password'), { sub })
})

t.test('claims are replaced as a whole, and the email stays with the account', async (t) => {
  const { accounts, clock } = await setUp(t)
  const { sub } = await accounts.create({ email: 'a@example.com', claims: { roles: ['admin'] } })
  clock.advance(10)
  const claims = { email: 'a@example.com', email_verified: false, name: 'A', updated_at: 1 }
  t.same((await accounts.updateClaims(sub, claims)).updatedAt, clock.now())
  t.strictSame((await accounts.findBySub(sub))?.claims, { name: 'A' })
  for (const [input, message] of [
    [{ email: 'b@example.com', iss: 'x' }, /"iss" has a meaning.*'email' is not the user's email/],
    [{ email_verified: true }, /'email_verified' is not/],
    ['claims', /not a JSON object/],
  ] as const)
    await t.rejects(accounts.updateClaims(sub, input), { name: 'Refusal', message })
  t.strictSame((await accounts.findBySub(sub))?.claims, { name: 'A' })
})

t.test('disabling again keeps the first instant; enabling clears it', async (t) => {
  const { accounts, clock } = await setUp(t)
  const { sub } = await accounts.create({ username: 'jane' })
  clock.advance(1)
  const first = clock.now()
  t.same((await accounts.disable(sub)).disabledAt, first)
  clock.advance(1)
  const again = await accounts.disable(sub)
  t.same([again.disabledAt, again.updatedAt], [first, clock.now()])
  t.strictSame((await accounts.enable(sub)).disabledAt, undefined)
})

t.test('revokedAt moves forward and never back', async (t) => {
  const { accounts } = await setUp(t)
  const { sub, updatedAt } = await accounts.create({ username: 'jane' })
  const [early, late] = [new Date('2026-02-01T00:00:00Z'), new Date('2026-03-01T00:00:00Z')]
  t.strictSame((await accounts.markRevoked(sub, early)).revokedAt, early)
  t.strictSame((await accounts.markRevoked(sub, late)).revokedAt, late)
  t.strictSame(await accounts.markRevoked(sub, early), {
    ...(await accounts.findBySub(sub)),
    revokedAt: late,
    updatedAt,
  })
})

t.test('changes in a transaction that fails did not happen', async (t) => {
  const { accounts, database, clock } = await setUp(t)
  const account = await accounts.create({ username: 'jane' })
  const { sub } = account
  const failing = database.transaction(async (transaction) => {
    t.same((await accounts.disable(sub, transaction)).disabledAt, clock.now())
    const revoked = await accounts.markRevoked(sub, clock.now(), transaction)
    t.same(revoked.revokedAt, clock.now())
    await accounts.enable(sub, transaction)
    await accounts.delete(sub, transaction)
    throw new Error('changed my mind')
  })
  await t.rejects(failing, { message: 'changed my mind' })
  t.strictSame(await accounts.findBySub(sub), account)
})

t.test('a deleted account is gone and its names are free', async (t) => {
  const { accounts } = await setUp(t)
  const { sub } = await accounts.create({ username: 'jane', password })
  await accounts.delete(sub)
  t.equal(await accounts.findBySub(sub), undefined)
  t.equal(await accounts.authenticate('jane', password), undefined)
  t.not((await accounts.create({ username: 'jane' })).sub, sub)
})

t.test('whoever is not there cannot be changed', async (t) => {
  const { accounts } = await setUp(t)
  const attempts: (() => Promise<unknown>)[] = [
    () => accounts.setPassword('nobody', password),
    () => accounts.updateClaims('nobody', {}),
    () => accounts.disable('nobody'),
    () => accounts.enable('nobody'),
    () => accounts.markRevoked('nobody', new Date()),
    () => accounts.delete('nobody'),
  ]
  for (const attempt of attempts)
    await t.rejects(attempt(), { name: 'Refusal', message: /^No user has the sub "nobody"\./ })
})

t.test('accounts are listed page by page, each once', async (t) => {
  const { accounts } = await setUp(t)
  const created = await Promise.all(
    ['a', 'b', 'c', 'd', 'e'].map((username) => accounts.create({ username })),
  )
  const expected = created.toSorted((a, b) => (a.sub < b.sub ? -1 : 1))
  const first = await accounts.list({ limit: 2 })
  const second = await accounts.list({ limit: 2, after: first[1]?.sub })
  const third = await accounts.list({ limit: 2, after: second[1]?.sub })
  t.strictSame([...first, ...second, ...third], expected)
  t.same(await accounts.list({ limit: 2, after: third[0]?.sub }), [])
  for (const limit of [0, -1, 1.5, 1001, Number.NaN])
    await t.rejects(accounts.list({ limit }), { name: 'Refusal', message: /1 to 1000/ })
})

t.test('a query finds parts of email, username and name, and has no wildcards', async (t) => {
  const { accounts } = await setUp(t)
  await accounts.create({ username: 'jane', email: 'doe@example.com' })
  await accounts.create({ username: 'joe', name: 'Joe 100% Bloggs' })
  const cases: [string, string[]][] = [
    ['JAN', ['jane']],
    ['example.com', ['jane']],
    ['bloggs', ['joe']],
    ['o', ['jane', 'joe']],
    ['%', ['joe']],
    ['_', []],
    [' joe ', ['joe']],
    ['nobody', []],
  ]
  for (const [query, expected] of cases) {
    const found = await accounts.list({ limit: 10, query })
    t.same(new Set(found.map(({ username }) => username)), new Set(expected), query)
  }
})
