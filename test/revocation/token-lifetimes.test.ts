import t from 'tap'
import { createRevocationStore } from '../../src/revocation/store.ts'
import { createTokenLifetimes } from '../../src/revocation/token-lifetimes.ts'
import { createTestClock } from '../support/clock.ts'
import { createTestDatabase } from '../support/database.ts'

async function setUp(t: Parameters<typeof createTestDatabase>[0]) {
  const store = createRevocationStore(await createTestDatabase(t))
  const clock = createTestClock()
  const lifetimesOf = (seconds: number) =>
    createTokenLifetimes({ store, clock, currentSeconds: async () => seconds })
  return { store, clock, lifetimesOf }
}

t.test('what was issued before a lifetime was made shorter still counts', async (t) => {
  const { clock, lifetimesOf } = await setUp(t)
  await lifetimesOf(86_400).record()
  const shorter = lifetimesOf(600)
  await shorter.record()
  t.equal(await shorter.longestSeconds(), 86_400)
  clock.advance(86_400)
  t.equal(await shorter.longestSeconds(), 86_400, 'one of the last moment may be alive')
  clock.advance(121)
  t.equal(await shorter.longestSeconds(), 600)
})

t.test('a process with shorter settings knows of the longer ones of others', async (t) => {
  const { lifetimesOf } = await setUp(t)
  await lifetimesOf(3_600).record()
  t.equal(await lifetimesOf(5).longestSeconds(), 3_600)
  t.equal(await lifetimesOf(7_200).longestSeconds(), 7_200, 'and its own may be longer')
})

t.test(
  'a lifetime in force is pushed on, and one of which nothing lives is forgotten',
  async (t) => {
    const { store, clock, lifetimesOf } = await setUp(t)
    await lifetimesOf(3_600).record()
    clock.advance(3_600)
    await lifetimesOf(3_600).record()
    clock.advance(3_600)
    t.equal(await store.longestLifetimeSeconds(clock.now()), 3_600)
    clock.advance(600)
    await lifetimesOf(60).record()
    t.equal(await store.longestLifetimeSeconds(new Date(0)), 60, 'its row is gone')
  },
)
