/** What a node holds of the revocations, against the table: nothing is missed, whoever commits when. */
import { EventEmitter, once } from 'node:events'
import t from 'tap'
import { DatabaseUnavailable, type Queryable } from '../../src/database/database.ts'
import { createRevocationFeed } from '../../src/revocation/feed.ts'
import { createRevocationStore, type RevocationPage } from '../../src/revocation/store.ts'
import { digestSubject } from '../../src/verifier/feed.ts'
import { createTestClock } from '../support/clock.ts'
import { createTestDatabase } from '../support/database.ts'

const nothing = async () => {}
const start = new Date('2026-01-02T03:04:05.200Z')

const database = await createTestDatabase(t)

/** For one test after the other, with nothing revoked yet. */
async function setUp({ pageSize = 3 } = {}) {
  await database.query('delete from revocations')
  await database.query(`select setval('revocations_cursor', 1, false)`)
  const store = createRevocationStore(database)
  const clock = createTestClock(start)
  const inSeconds = (seconds: number) => new Date(clock.now().getTime() + seconds * 1000)

  function append(id: string, changes: object = {}, within?: Queryable): Promise<void> {
    const record = {
      kind: 'user' as const,
      id,
      notBefore: Math.floor(clock.now().getTime() / 1000) + 1,
      expiresAt: inSeconds(600),
      reason: undefined,
      revokedAt: clock.now(),
      ...changes,
    }
    if (within) return store.append(record, within)
    return database.transaction((transaction) => store.append(record, transaction))
  }

  /** `happening` comes between the readings of one load. */
  function createFeed(happening: (page: RevocationPage) => unknown = () => {}) {
    return createRevocationFeed({
      clock,
      pageSize,
      store: {
        async listAfter(cursor, limit) {
          const page = await store.listAfter(cursor, limit)
          await happening(page)
          return page
        },
      },
    })
  }

  return { store, clock, inSeconds, append, createFeed, feed: createFeed() }
}

type Feed = ReturnType<typeof createRevocationFeed>

/** The ids of users that a reader finds after a cursor, page by page, and where it ends. */
async function read(feed: Feed, from?: string) {
  const names = new Map<string, string>()
  for (const id of ['A', 'B', 'C', 'D', 'E', 'F', 'G', 'H'])
    names.set(await digestSubject({ kind: 'user', id }), id)
  const ids: (string | undefined)[] = []
  let [cursor, asOf]: [string | undefined, Date | undefined] = [from, undefined]
  while (!asOf) {
    const page = feed.pageAfter(cursor)
    ids.push(...page.entries.map(([, digest]) => names.get(digest)))
    ;({ cursor, asOf } = page)
  }
  return { ids: ids.join(''), cursor: cursor!, asOf }
}

async function lockIsWaitedFor(database: Queryable): Promise<void> {
  const waiting = () =>
    database.query(
      `select 1 from pg_locks where locktype = 'advisory' and not granted
       and database = (select oid from pg_database where datname = current_database())`,
    )
  while ((await waiting()).length === 0);
}

t.test('everything is read, in pages, in the order in which it was recorded', async (t) => {
  const { append, feed } = await setUp()
  for (const id of 'ABCDEFG') await append(id)
  await append('B')
  await feed.load()
  const { ids, cursor, asOf } = await read(feed)
  t.equal(ids, 'ACDEFGB')
  t.strictSame(asOf, start)
  await append('A')
  await append('H')
  await feed.load()
  t.equal((await read(feed, cursor)).ids, 'AH')
  t.equal((await read(feed)).ids, 'CDEFGBAH')
})

t.test('of two that append at once the one that commits later is not missed (§3.5)', async (t) => {
  const { append, feed } = await setUp()
  const signals = new EventEmitter()
  const [appended, release] = [once(signals, 'appended'), once(signals, 'release')]
  const early = database.transaction(async (transaction) => {
    await append('A', {}, transaction) // has the smaller cursor from here on
    signals.emit('appended')
    await release
  })
  await appended
  const late = append('B')
  await Promise.race([late, lockIsWaitedFor(database)])
  await feed.load()
  const before = await read(feed)
  t.equal(before.ids, '', 'who holds the lock is not visible, and nobody is with a greater cursor')
  signals.emit('release')
  await Promise.all([early, late])
  await feed.load()
  t.equal((await read(feed, before.cursor)).ids, 'AB')
})

t.test('a transaction that is rolled back leaves a gap that nobody waits for', async (t) => {
  const { append, feed } = await setUp()
  await append('A')
  await t.rejects(
    database.transaction(async (transaction) => {
      await append('B', {}, transaction)
      throw new Error('rolled back')
    }),
  )
  await append('C')
  await feed.load()
  t.equal((await read(feed)).ids, 'AC')
})

t.test('what is true is true as of the instant before the reading was sent', async (t) => {
  const { append, createFeed, clock } = await setUp()
  let happening = nothing
  const feed = createFeed(() => happening())
  await feed.load()
  happening = async () => {
    clock.advance(2)
    await append('A') // after the snapshot
  }
  await feed.load()
  const first = await read(feed)
  t.strictSame([first.ids, first.asOf], ['', start])
  happening = nothing
  await feed.load()
  const second = await read(feed, first.cursor)
  t.strictSame([second.ids, second.asOf], ['A', new Date(start.getTime() + 2000)])
})

t.test('a record that changes between two pages is not missed', async (t) => {
  const { append, createFeed } = await setUp()
  let happening = nothing
  const feed = createFeed(() => happening())
  await feed.load()
  for (const id of 'ABCDEF') await append(id)
  const pages = ['', 'BD', 'C']
  happening = async () => {
    for (const id of pages.pop() ?? '') await append(id)
  }
  await feed.load()
  t.equal((await read(feed)).ids, 'AEFCBD', 'C behind the first page, B and D behind the second')
})

t.test('loads that overlap end in one more', async (t) => {
  const { append, createFeed } = await setUp()
  let [running, most, all] = [0, 0, 0]
  const feed = createFeed(async () => {
    running += 1
    all += 1
    most = Math.max(most, running)
    await append('A')
    running -= 1
  })
  await Promise.all(Array.from({ length: 50 }, () => feed.load()))
  t.strictSame([most, all], [1, 3], 'one that begins a history, its reading, and one more')
  t.equal((await read(feed)).ids, 'A', 'appended during the first, read by the second')
})

t.test('listeners hear of what comes, and not of readings that find nothing', async (t) => {
  const { append, feed } = await setUp()
  const heard: number[] = []
  const stop = feed.onChange(() => heard.push(feed.version()))
  await feed.load()
  await feed.load()
  await append('A')
  await feed.load()
  await feed.load()
  t.strictSame(heard, [1, 2])
  stop()
  await append('A')
  await feed.load()
  t.strictSame(heard, [1, 2])
})

t.test('an entry is dropped when it has expired, and its instants are whole seconds', async (t) => {
  const { append, feed, clock, inSeconds } = await setUp()
  await append('A', { expiresAt: inSeconds(10) }) // at .200
  await append('B', { expiresAt: inSeconds(20) })
  await feed.load()
  const second = Math.floor(start.getTime() / 1000)
  t.strictSame(
    feed.pageAfter(undefined).entries.map((entry) => entry.slice(2)),
    [
      [second + 1, second + 11],
      [second + 1, second + 21],
    ],
  )
  const { cursor } = await read(feed)
  clock.advance(10)
  t.equal((await read(feed)).ids, 'AB', 'not before its whole second is over')
  clock.advance(1)
  t.equal((await read(feed)).ids, 'B', 'also before the next load')
  await feed.load()
  t.strictSame(feed.find([{ kind: 'user', id: 'A' }]), [])
  t.equal((await read(feed)).cursor, cursor, 'and the cursor stands')
})

t.test('whoever asks here finds the records of its subjects at once', async (t) => {
  const { append, feed } = await setUp()
  const second = Math.floor(start.getTime() / 1000)
  t.strictSame(feed.find([{ kind: 'user', id: 'A' }]), [], 'nothing is held yet')
  await append('A')
  await append('A', { kind: 'client' })
  await append('', { kind: 'everything', notBefore: second + 7 })
  await feed.load()
  t.strictSame(
    feed.find([
      { kind: 'everything', id: '' },
      { kind: 'user', id: 'A' },
      { kind: 'user', id: 'B' },
    ]),
    [
      { kind: 'everything', id: '', notBefore: second + 7 },
      { kind: 'user', id: 'A', notBefore: second + 1 },
    ],
  )
})

t.test(
  'while Postgres cannot be reached the instant stands still, and nothing is lost',
  async (t) => {
    const { append, createFeed, clock } = await setUp()
    let isReachable = true
    const feed = createFeed(() => {
      if (!isReachable) throw new DatabaseUnavailable(undefined)
    })
    await append('A')
    await feed.load()
    const before = await read(feed)
    isReachable = false
    await append('B')
    clock.advance(60)
    await t.rejects(feed.load(), DatabaseUnavailable)
    t.strictSame(await read(feed), before)
    isReachable = true
    await feed.load()
    const after = await read(feed, before.cursor)
    t.strictSame([after.ids, after.asOf], ['B', clock.now()])
  },
)

t.test('before the first load there is no document', async (t) => {
  const { feed } = await setUp()
  t.throws(() => feed.pageAfter(undefined), { code: 'temporarily_unavailable' })
  t.throws(() => feed.cursor(), { code: 'temporarily_unavailable' })
})

t.test('what is no cursor is invalid_request', async (t) => {
  const { feed } = await setUp()
  await feed.load()
  for (const text of [
    '',
    '1',
    'x.1',
    `${feed.cursor()}x`,
    `x${feed.cursor()}`,
    'abcdefgh.-1',
    'abcdefgh.1e3',
  ])
    t.throws(() => feed.pageAfter(text), { code: 'invalid_request' }, text)
})

t.test('all nodes of a database give the same cursors', async (t) => {
  const { append, createFeed, feed } = await setUp()
  await append('A')
  await feed.load()
  await append('B')
  const other = createFeed()
  await other.load()
  t.strictSame((await read(other, feed.cursor())).ids, 'B')
  const ahead = feed.pageAfter(other.cursor())
  t.strictSame([ahead.after, ahead.cursor, ahead.entries], [other.cursor(), feed.cursor(), []])
})

t.test(
  'a node that lags does not go on from a page of another, which lacks what moved',
  async (t) => {
    const { append, createFeed, feed } = await setUp()
    for (const id of 'ABCD') await append(id)
    const lagging = createFeed()
    await lagging.load()

    await append('B')
    await feed.load() // A, C, D; then B
    const first = feed.pageAfter(undefined)
    t.strictSame([first.entries.length, first.asOf], [3, undefined])
    t.equal(
      lagging.pageAfter(first.cursor).after,
      undefined,
      'else it would say: no more, not even B',
    )
    t.equal((await read(lagging, first.cursor)).ids, 'ABCD')

    for (const id of 'CDE') await append(id)
    await feed.load() // A, B, C; then D and E
    const further = feed.pageAfter(undefined)
    t.equal(lagging.pageAfter(further.cursor).after, undefined, 'it is not further, as it lacks D')
    await lagging.load()
    t.equal(lagging.pageAfter(further.cursor).after, further.cursor)
    t.equal((await read(lagging, further.cursor)).ids, 'DE')
  },
)

t.test(
  'after the rows were restored everything is read anew, and every reader gets it',
  async (t) => {
    const { append, feed } = await setUp()
    for (const id of 'ABC') await append(id)
    await feed.load()
    const before = feed.cursor()
    await database.query(`delete from revocations where id <> 'A'`)
    await database.query(`select setval('revocations_cursor', 1)`)
    await append('D')
    await feed.load()
    t.equal((await read(feed)).ids, 'AD')
    t.strictSame(feed.find([{ kind: 'user', id: 'C' }]), [])
    for (const id of 'EFGH') await append(id)
    await feed.load()
    const page = feed.pageAfter(before)
    t.equal(page.after, undefined)
    t.equal((await read(feed, before)).ids, 'ADEFGH', 'also behind the cursor of before')
  },
)

t.test('after a failover everything is read anew, even where cursors have gone on', async (t) => {
  const { append, createFeed } = await setUp()
  let history = 'one server'
  const feed = createFeed((page) => Object.assign(page, { history }))
  await append('A')
  await append('B')
  await feed.load()
  const before = feed.cursor()
  history = 'another one'
  await append('C')
  await feed.load()
  t.equal((await read(feed)).ids, 'ABC')
  t.equal(feed.pageAfter(before).after, undefined)
  t.equal((await read(feed, before)).ids, 'ABC')
  const since = feed.cursor()
  await feed.load()
  t.equal(feed.cursor(), since, 'once')
})
