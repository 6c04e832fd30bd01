import t, { type Test } from 'tap'
import { createFeedDocuments } from '../../src/revocation/feed-documents.ts'
import { createRevocationFeed } from '../../src/revocation/feed.ts'
import { createRevocationStore } from '../../src/revocation/store.ts'
import { createTestClock } from '../support/clock.ts'
import { createTestDatabase } from '../support/database.ts'

async function setUp(t: Test) {
  const database = await createTestDatabase(t)
  const clock = createTestClock()
  const store = createRevocationStore(database)
  const feed = createRevocationFeed({ store, clock })
  const signed: object[] = []
  const documents = createFeedDocuments({
    feed,
    clock,
    issuer: 'https://op.example',
    heartbeatSeconds: 5,
    async sign(payload) {
      signed.push(payload)
      if (isBroken) throw new Error('no key')
      return `signed ${signed.length}`
    },
  })
  let isBroken = false
  const revoke = async (id: string) => {
    const revokedAt = clock.now()
    const expiresAt = new Date(revokedAt.getTime() + 600_000)
    await database.transaction((transaction) =>
      store.append(
        { kind: 'user', id, notBefore: 1, expiresAt, reason: undefined, revokedAt },
        transaction,
      ),
    )
    await feed.load()
  }
  await feed.load()
  return { clock, feed, documents, signed, revoke, setBroken: (is: boolean) => (isBroken = is) }
}

t.test('a thousand who ask at once share one signature', async (t) => {
  const { documents, signed, feed } = await setUp(t)
  const cursors = [undefined, feed.cursor()]
  const given = await Promise.all(
    Array.from({ length: 1000 }, (_, index) => documents.after(cursors[index % 2])),
  )
  t.equal(signed.length, 2, 'one for each cursor')
  t.equal(new Set(given).size, 2)
  t.strictSame(await documents.after(undefined), given[0])
})

t.test('the next second, or a change, makes another', async (t) => {
  const { documents, signed, clock, revoke, feed } = await setUp(t)
  await documents.after(undefined)
  clock.advance(0.5)
  await documents.after(undefined)
  t.equal(signed.length, 1)
  clock.advance(0.5)
  await documents.after(undefined)
  t.equal(signed.length, 2)
  await revoke('A')
  await documents.after(undefined)
  t.equal(signed.length, 3)
  await feed.load()
  await documents.after(undefined)
  t.equal(signed.length, 3, 'a reading that finds nothing is no change')
})

t.test('one that could not be signed is not kept', async (t) => {
  const { documents, setBroken } = await setUp(t)
  setBroken(true)
  await t.rejects(documents.after(undefined), { message: 'no key' })
  setBroken(false)
  t.match(await documents.after(undefined), { jwt: 'signed 2', hasMore: false })
})

t.test('however many cursors are asked with, each gets its document', async (t) => {
  const { documents, signed, feed } = await setUp(t)
  const ahead = Array.from({ length: 300 }, (_, index) =>
    feed.cursor().replace(/\d+$/, String(index)),
  )
  for (const cursor of ahead) t.equal((await documents.after(cursor)).cursor, feed.cursor())
  t.equal(signed.length, 300)
  await documents.after(ahead[0])
  t.equal(signed.length, 300, 'kept')
  await documents.after(ahead[299])
  t.equal(signed.length, 301, 'made for itself: memory is bounded')
})
