import { performance } from 'node:perf_hooks'
import * as fc from 'fast-check'
import t from 'tap'
import type { Test } from 'tap'
import { createDatabaseClock } from '../../src/database/clock.ts'
import type { Queryable } from '../../src/database/database.ts'
import { createTestDatabase } from '../support/database.ts'

const start = Date.parse('2026-01-02T03:04:05.200Z')

/** Milliseconds on the way to the database and back. */
type Trip = [there: number, back: number]

/** A node's monotonic clock and a database's, and the way between them: nothing passes but what the test lets pass. */
function createWorld(t: Test, trips: Trip[]) {
  const world = { monotonic: 1000, database: start }
  const pass = (milliseconds: number) => {
    world.monotonic += milliseconds
    world.database += milliseconds
  }
  t.intercept(performance, 'now', { value: () => world.monotonic })
  const database: Queryable = {
    async query<Row>() {
      const [there, back] = trips.shift() ?? [0, 0]
      pass(there)
      const row = { now: new Date(Math.floor(world.database)) }
      pass(back)
      return [row as Row]
    },
  }
  const lag = (clock: { now(): Date }) => world.database - clock.now().getTime()
  return { world, pass, database, lag }
}

t.test('now() is the time of the database, less the way back and a margin (§3.3)', async (t) => {
  const { database, pass, lag } = createWorld(t, [[3, 4]])
  const clock = await createDatabaseClock(database)
  t.equal(lag(clock), 9)
  pass(60_000)
  t.equal(lag(clock), 9, 'and goes on by the monotonic clock')
})

t.test('now() is never ahead of the database, however slow the round trips', async (t) => {
  const milliseconds = fc.double({ min: 0, max: 5000, noNaN: true })
  const trips = fc.array(fc.tuple(milliseconds, milliseconds), { minLength: 1, maxLength: 8 })
  const isNeverAhead = async (planned: [number, number][]) => {
    const { database, pass, lag } = createWorld(t, [...planned])
    const clock = await createDatabaseClock(database)
    for (const [there] of planned) {
      if (lag(clock) < 0) return false
      pass(there)
      await clock.synchronize()
    }
    return lag(clock) >= 0
  }
  await t.resolves(fc.assert(fc.asyncProperty(trips, isNeverAhead)))
})

t.test(
  'now() is not ahead of a database whose clock is slower, however long the way',
  async (t) => {
    const trips = Array.from({ length: 200 }, (): Trip => [100, 5])
    const { database, pass, lag, world } = createWorld(t, trips)
    const clock = await createDatabaseClock(database)
    for (let round = 0; round < 199; round++) {
      pass(10_000)
      world.database -= 2 // 200 ppm
      await clock.synchronize()
      if (lag(clock) < 0 || lag(clock) > 20) break
    }
    t.ok(lag(clock) >= 0, `lag ${lag(clock)} ms`)
    t.ok(lag(clock) <= 20, 'and not further behind than a measurement')
  },
)

t.test('a slow measurement does not set the clock back, a quick one sets it forward', async (t) => {
  const { database, lag } = createWorld(t, [
    [10, 10],
    [300, 700],
    [1, 1],
  ])
  const clock = await createDatabaseClock(database)
  t.equal(lag(clock), 15)
  await clock.synchronize()
  t.equal(lag(clock), 16, 'but for what the clocks may have parted by in that second')
  await clock.synchronize()
  t.equal(lag(clock), 6)
})

t.test("the clock follows a step of the database's clock", async (t) => {
  const { database, lag, world } = createWorld(t, [])
  const clock = await createDatabaseClock(database)
  for (const step of [-7000, -6, 7000, 6]) {
    world.database += step
    await clock.synchronize()
    t.equal(lag(clock), 5, `${step} ms`)
  }
})

t.test("the offset is the database's lead over this node's wall clock", async (t) => {
  const { database } = createWorld(t, [])
  t.intercept(Date, 'now', { value: () => start - 90_000 })
  const clock = await createDatabaseClock(database)
  t.equal(clock.offsetMilliseconds(), 90_000)
})

t.test('against a real database', async (t) => {
  const clock = await createDatabaseClock(await createTestDatabase(t))
  for (let round = 0; round < 20; round++) {
    const before = clock.now()
    const instant = await clock.databaseNow()
    t.ok(before <= instant, 'now() is not ahead')
    await clock.synchronize()
  }
  const instant = new Date(clock.now().getTime() + 20)
  await clock.waitUntil(instant)
  t.ok(clock.now() >= instant, 'who waits for an instant gets there')
  await clock.waitUntil(new Date(0))
})
