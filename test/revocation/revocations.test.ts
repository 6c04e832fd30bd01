import { EventEmitter, once } from 'node:events'
import t from 'tap'
import type { Queryable } from '../../src/database/database.ts'
import {
  createRevocationStore,
  revocationsChannel,
  type Revocation,
} from '../../src/revocation/store.ts'
import {
  act,
  createNode,
  laggingBy,
  secondsAfter,
  setUp as setUpNode,
  start,
} from '../tokens/setup.ts'

const nextSecond = Date.parse('2026-01-02T03:04:06Z') / 1000
/** What the clock of a verifier may be off. */
const tolerance = 60

interface Row {
  kind: string
  id: string
  not_before: Date
  expires_at: Date
  reason: string | null
  revoked_at: Date
}

async function setUp() {
  const node = await setUpNode({ CLAVIGER_ACCESS_TOKEN_TTL_SECONDS: '900' })
  const store = createRevocationStore(node.database)
  const rows = () =>
    node.database.query<Row>(
      `select kind, id, not_before, expires_at, reason, revoked_at from revocations order by cursor`,
    )
  const ids = async () => (await rows()).map(({ id }) => id)
  const append = (changes: Partial<Revocation>, within: Queryable = node.database) =>
    store.append(
      {
        kind: 'user',
        id: 'U',
        notBefore: nextSecond,
        expiresAt: secondsAfter(start, 60),
        reason: undefined,
        revokedAt: start,
        ...changes,
      },
      within,
    )
  return { ...node, store, rows, ids, append }
}

t.test(
  'revoking a user is recorded until no verifier can accept a token from before (§3.5)',
  async (t) => {
    const { revocations, accounts, sub, rows } = await setUp()
    const reason = 'laptop stolen'
    t.strictSame(await revocations.revokeUser(sub, { ...act, reason }), {
      at: start,
      notBefore: new Date(nextSecond * 1000),
      ended: { sessions: 1, codes: 0, refresh_tokens: 0 },
    })
    t.strictSame(await rows(), [
      {
        kind: 'user',
        id: sub,
        not_before: new Date(nextSecond * 1000),
        expires_at: new Date((nextSecond + 900 + tolerance) * 1000),
        reason,
        revoked_at: start,
      },
    ])
    t.strictSame((await accounts.findBySub(sub))?.revokedAt, start)
  },
)

t.test('so are a grant and a token', async (t) => {
  const { revocations, rows } = await setUp()
  const grantId = '6f1fb0f8-36b5-4f0e-8d6a-0d3a8c1d2e3f'
  await revocations.revokeGrant(grantId, { ...act, reason: 'replayed' })
  await revocations.revokeToken('J', act)
  t.hasStrict(await rows(), [
    { kind: 'grant', id: grantId, reason: 'replayed' },
    { kind: 'token', id: 'J', reason: null },
  ])
  const iat = Math.floor(start.getTime() / 1000)
  t.equal(await revocations.isRevoked({ iat, grant_id: grantId, jti: 'K' }), true)
  t.equal(await revocations.isRevoked({ iat, grant_id: 'H', jti: 'J' }), true)
  t.equal(await revocations.isRevoked({ iat, grant_id: 'H', jti: 'K' }), false)
})

t.test('a token is revoked too when the clock that dated it was ahead', async (t) => {
  const { revocations } = await setUp()
  await revocations.revokeToken('J', act)
  t.equal(await revocations.isRevoked({ iat: nextSecond + 30, jti: 'J' }), true)
})

t.test('a record outlives the tokens of a resource that has long ones', async (t) => {
  const { revocations, resources, sub, rows } = await setUp()
  await resources.create({
    resource: 'https://long.example',
    name: 'A',
    access_token_ttl_seconds: 7200,
  })
  await revocations.revokeUser(sub, act)
  t.hasStrict(await rows(), [{ expires_at: new Date((nextSecond + 7200 + tolerance) * 1000) }])
})

t.test('the instant is the database’s, whatever the clock of the node', async (t) => {
  const { database, clock, sub } = await setUp()
  const { revocations } = createNode(database, laggingBy(5000, clock))
  t.hasStrict(await revocations.revokeUser(sub, act), { at: start })
})

t.test('a user that nobody knows cannot be revoked, and nothing is recorded', async (t) => {
  const { revocations, rows } = await setUp()
  await t.rejects(revocations.revokeUser('nobody', act), { name: 'Refusal', message: /nobody/ })
  t.strictSame(await rows(), [])
})

t.test(
  'what was issued before is refused, what is issued from the next second on is not',
  async (t) => {
    const { revocations, sub, accounts } = await setUp()
    const other = await accounts.create({ email: 'bob@example.com' })
    await revocations.revokeUser(sub, act)
    t.equal(await revocations.isRevoked({ iat: nextSecond - 1, sub }), true)
    t.equal(await revocations.isRevoked({ iat: nextSecond, sub }), false)
    t.equal(await revocations.isRevoked({ iat: nextSecond - 1, sub: other.sub }), false)
  },
)

t.test('a later not-before wins over an earlier one, in whatever order they come', async (t) => {
  const { append, store, rows } = await setUp()
  const find = () => store.find([{ kind: 'user', id: 'U' }])
  for (const [notBefore, effective] of [
    [1000, 1000],
    [1002, 1002],
    [1001, 1002],
  ] as const) {
    await append({ notBefore, expiresAt: new Date(notBefore * 1000) })
    t.match(await find(), [{ kind: 'user', id: 'U', notBefore: effective }])
  }
  t.hasStrict(await rows(), [{ expires_at: new Date(1002 * 1000) }], 'and it stays as long')
})

t.test('every change of a record moves it behind what a reader has seen', async (t) => {
  const { append, ids } = await setUp()
  await append({ id: 'U' })
  await append({ id: 'V' })
  await append({ id: 'U' })
  t.strictSame(await ids(), ['V', 'U'])
})

/** A node on which something happens before each of its next transactions. */
async function setUpSlowNode(happenings: (() => Promise<void>)[]) {
  const node = await setUp()
  const slow = createNode(
    {
      ...node.database,
      async transaction(work) {
        await happenings.shift()?.()
        return node.database.transaction(work)
      },
    },
    node.clock,
  )
  return { ...node, slow }
}

t.test(
  'who read the account before the revocation was there to see is refused by its record (§3.4)',
  async (t) => {
    const happenings: (() => Promise<void>)[] = []
    const { slow, accounts, revocations, issueInstants, clock, sub, rows } =
      await setUpSlowNode(happenings)
    let issued: Date | undefined
    happenings.push(async () => {
      clock.set(new Date(nextSecond * 1000 + 10))
      const readAt = clock.now()
      const account = (await accounts.findBySub(sub))!
      const origin = { account, authTime: start }
      issued = await issueInstants.await(origin, { readAt, readAgain: async () => origin })
    })
    await slow.revocations.revokeUser(sub, act)
    const iat = Math.floor(issued!.getTime() / 1000)
    t.equal(iat, nextSecond, 'issued after the second in which the revocation began')
    t.hasStrict(await rows(), [{ not_before: new Date((nextSecond + 1) * 1000) }])
    t.equal(await revocations.isRevoked({ iat, sub }), true)
  },
)

t.test(
  'of two revocations at once the later instant counts, whichever is written last',
  async (t) => {
    const happenings: (() => Promise<void>)[] = []
    const { slow, accounts, revocations, clock, sub, rows } = await setUpSlowNode(happenings)
    happenings.push(async () => {
      clock.advance(5)
      await revocations.revokeUser(sub, act)
    })
    await slow.revocations.revokeUser(sub, act)
    t.strictSame((await accounts.findBySub(sub))?.revokedAt, secondsAfter(start, 5))
    t.hasStrict(await rows(), [{ not_before: new Date((nextSecond + 5) * 1000) }])
  },
)

t.test('a late commit cannot slip behind a reader (§3.5)', async (t) => {
  const { append, ids, database } = await setUp()
  const signals = new EventEmitter()
  const [appended, release] = [once(signals, 'appended'), once(signals, 'release')]
  const early = database.transaction(async (transaction) => {
    await append({ id: 'early' }, transaction)
    signals.emit('appended')
    await release
  })
  await appended
  const late = database.transaction((transaction) => append({ id: 'late' }, transaction))
  // It waits for the other's commit: else a reader would see its greater cursor first, and never the smaller one.
  await Promise.race([late, lockIsWaitedFor(database)])
  t.strictSame(await ids(), [])
  signals.emit('release')
  await Promise.all([early, late])
  t.strictSame(await ids(), ['early', 'late'])
})

async function lockIsWaitedFor(database: Queryable): Promise<void> {
  const waiting = () =>
    database.query(
      `select 1 from pg_locks where locktype = 'advisory' and not granted
       and database = (select oid from pg_database where datname = current_database())`,
    )
  while ((await waiting()).length === 0);
}

t.test('who follows the cursor misses nothing, however many are written at once', async (t) => {
  const { append, database } = await setUp()
  const seen: string[] = []
  let cursor = 0
  const follow = async () => {
    const news = await database.query<{ id: string; cursor: number }>(
      'select id, cursor from revocations where cursor > $1 order by cursor',
      [cursor],
    )
    seen.push(...news.map(({ id }) => id))
    cursor = news.at(-1)?.cursor ?? cursor
  }
  const names = Array.from({ length: 30 }, (_, index) => `U${index}`)
  // A connection for each and one for the reader, as a statement waits three seconds for one.
  const writers = Promise.all(
    Array.from({ length: 9 }, async (_, writer) => {
      for (const id of names.filter((_name, index) => index % 9 === writer))
        await database.transaction((transaction) => append({ id }, transaction))
    }),
  )
  for (let round = 0; round < 40; round++) await follow()
  await writers
  await follow()
  t.strictSame(seen.toSorted(), names.toSorted())
})

t.test('nodes are told of a record when it is there, and not before', async (t) => {
  const { revocations, database, sub, append, ids } = await setUp()
  const signals = new EventEmitter()
  const heard: string[] = []
  const listening = once(signals, '')
  const told = once(signals, 'token')
  database.listen(revocationsChannel, (payload) => {
    heard.push(payload)
    signals.emit(payload)
  })
  await listening
  await t.rejects(
    database.transaction(async (transaction) => {
      await append({ kind: 'client', id: 'rolled back' }, transaction)
      throw new Error('rolled back')
    }),
    { message: 'rolled back' },
  )
  await revocations.revokeUser(sub, act)
  await revocations.revokeToken('J', act)
  await told
  t.strictSame(new Set(heard), new Set(['', 'user', 'token']))
  t.strictSame(await ids(), [sub, 'J'])
})
