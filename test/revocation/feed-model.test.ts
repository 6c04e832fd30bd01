/** Random records, changes, purges, lost notifications, restarts and lagging nodes: every reader ends with the same state. */
import * as fc from 'fast-check'
import t from 'tap'
import type { Database } from '../../src/database/database.ts'
import { createJobsStore } from '../../src/jobs/store.ts'
import { createFeedDocuments } from '../../src/revocation/feed-documents.ts'
import { createRevocationFeed } from '../../src/revocation/feed.ts'
import { createRevocationStore } from '../../src/revocation/store.ts'
import { digestSubject, parseFeedDocument } from '../../src/verifier/feed.ts'
import { createTestClock, type TestClock } from '../support/clock.ts'
import { createTestDatabase } from '../support/database.ts'
import { createFeedReader, type FeedReader } from './feed-reader.ts'

const nodes = 3
const readers = 3
const pageSize = 2
/** So many are none of a reader's whom all nodes tell the same. */
const manyPages = 20
const node = fc.nat(nodes - 1)
const reader = fc.nat(readers - 1)
const record = fc.record({
  kind: fc.constantFrom('user' as const, 'session' as const, 'grant' as const),
  id: fc.constantFrom('A', 'B', 'C'),
  margin: fc.nat(3),
  ttl: fc.oneof(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 60, max: 90 })),
})
/** Each page may come from another node. */
const asked = fc.array(node, { minLength: 1, maxLength: 4 })
const command = fc.oneof(
  // All at once; the notifications of who has not heard are lost.
  fc.record({
    records: fc.array(record, { minLength: 1, maxLength: 3 }),
    heard: fc.uniqueArray(node),
  }),
  fc.record({ seconds: fc.oneof(fc.integer({ min: 1, max: 5 }), fc.constant(30)) }),
  fc.record({ purge: fc.constant(true) }),
  fc.record({ load: node }),
  fc.record({ restart: node }),
  fc.record({ poll: reader, asked }),
  fc.record({ whole: reader, asked }),
)
const scenario = fc.record({
  lags: fc.tuple(...Array.from({ length: nodes }, () => fc.nat(50))),
  commands: fc.array(command, { minLength: 10, maxLength: 40 }),
})
type ValueOf<Of> = Of extends fc.Arbitrary<infer Value> ? Value : never

/** What is in the table, as the feed names it. */
interface Committed {
  name: string
  notBefore: number
  expiresAt: number
  /** By the database's clock. */
  at: number
}

const sign = async (payload: object) => JSON.stringify(payload)

function createNode(database: Database, clock: TestClock, lagMilliseconds: number) {
  const lagging = { now: () => new Date(clock.now().getTime() - lagMilliseconds) }
  const store = createRevocationStore(database)
  const feed = createRevocationFeed({ store, clock: lagging, pageSize })
  const issuer = 'https://op.example'
  const documents = createFeedDocuments({ feed, sign, clock: lagging, issuer, heartbeatSeconds: 5 })
  return { feed, documents }
}

async function play(database: Database, { lags, commands }: ValueOf<typeof scenario>) {
  await database.query('delete from revocations')
  const clock = createTestClock()
  const store = createRevocationStore(database)
  const jobs = createJobsStore(database)
  const committed: Committed[] = []
  const running = lags.map((lag) => createNode(database, clock, lag))
  const reading = Array.from({ length: readers }, createFeedReader)
  const loadAll = () => Promise.all(running.map(({ feed }) => feed.load()))
  await loadAll()

  async function append({ kind, id, margin, ttl }: ValueOf<typeof record>) {
    const revokedAt = clock.now()
    const notBefore = Math.floor(revokedAt.getTime() / 1000) + margin
    const expiresAt = notBefore + ttl
    await database.transaction((transaction) =>
      store.append(
        {
          kind,
          id,
          notBefore,
          expiresAt: new Date(expiresAt * 1000),
          reason: undefined,
          revokedAt,
        },
        transaction,
      ),
    )
    const name = `${kind} ${await digestSubject({ kind, id })}`
    committed.push({ name, notBefore, expiresAt, at: revokedAt.getTime() })
  }

  /** Page by page, from one of the nodes after the other. One that lags may lead back, to its own beginning. */
  async function ask(one: FeedReader, from: readonly number[], cursor: string | undefined) {
    for (let page = 0; ; page += 1) {
      const { documents } = running[from[page % from.length]!]!
      const { jwt } = await documents.after(page === 0 ? cursor : one.cursor())
      if (!one.take(parseFeedDocument(JSON.parse(jwt))!)) return check(one)
      if (page === manyPages) await loadAll() // sooner or later each looks for itself
      if (page > 2 * manyPages) throw new Error('a reader is sent back and forth')
    }
  }

  /** Nobody is told of an instant up to which he lacks something. */
  function check(one: FeedReader): void {
    const held = one.held()
    for (const { name, notBefore, expiresAt, at } of committed) {
      if (at >= one.asOf() || expiresAt * 1000 <= clock.now().getTime()) continue
      if (!((held.get(name)?.[0] ?? 0) >= notBefore)) throw new Error(`${name} is missing`)
    }
  }

  async function run(one: ValueOf<typeof command>): Promise<void> {
    if ('seconds' in one) clock.advance(one.seconds)
    else if ('purge' in one) await jobs.removeExpired('revocations', clock.now(), 100)
    else if ('load' in one) await running[one.load]!.feed.load()
    else if ('poll' in one) await ask(reading[one.poll]!, one.asked, reading[one.poll]!.cursor())
    else if ('whole' in one) await ask(reading[one.whole]!, one.asked, undefined)
    else if ('restart' in one) {
      const restarted = createNode(database, clock, lags[one.restart]!)
      await restarted.feed.load()
      running[one.restart] = restarted
    } else {
      await Promise.all(one.records.map(append))
      await Promise.all(one.heard.map((index) => running[index]!.feed.load()))
    }
  }

  for (const one of commands) await run(one)
  await loadAll()
  for (const one of reading) await ask(one, [...running.keys()], one.cursor())
  const isAlive = (expiresAt: number) => expiresAt * 1000 > clock.now().getTime() // also where clocks lag
  const held = reading.map((one) =>
    [...one.held()]
      .filter(([, [, end]]) => isAlive(end))
      .map(toText)
      .toSorted(),
  )
  return { held, table: await readTable(database, clock) }
}

const toText = (value: unknown) => JSON.stringify(value)

/** What no longer counts now, as a reader holds it. */
async function readTable(database: Database, clock: TestClock) {
  const rows = await database.query<{ kind: 'user'; id: string; instants: [number, number] }>(
    `select kind, id, array[extract(epoch from not_before), extract(epoch from expires_at)]::integer[] as instants
     from revocations where expires_at > $1`,
    [clock.now()],
  )
  const pairs = rows.map(
    async ({ kind, id, instants }) =>
      [`${kind} ${await digestSubject({ kind, id })}`, instants] as const,
  )
  return (await Promise.all(pairs)).map(toText).toSorted()
}

t.test(
  'whoever follows the rules lacks nothing, and all end with what is in the table',
  async (t) => {
    const database = await createTestDatabase(t)
    let entries = 0
    await fc.assert(
      fc.asyncProperty(scenario, async (one) => {
        const { held, table } = await play(database, one)
        entries += table.length
        for (const state of held)
          if (toText(state) !== toText(table))
            throw new Error(`${toText(state)} is not ${toText(table)}`)
      }),
      { numRuns: Number(process.env['FUZZ_RUNS'] ?? 100) },
    )
    t.ok(entries > 0, 'not all states were empty')
  },
)
