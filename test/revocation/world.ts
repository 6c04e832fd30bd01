/** Several nodes on one database in virtual time: each statement is a turn, taken in an order that the test chooses. */
import { setImmediate as settle } from 'node:timers/promises'
import type { Clock } from '../../src/database/clock.ts'
import type { Database } from '../../src/database/database.ts'

export interface World {
  /** The database's clock. */
  time(): Date
  /** Counts the turns: what ended at a smaller count ended before what began at a greater one. */
  turns(): number
  /** Does one thing at once, no earlier than `from`. */
  turn<T>(work: () => Promise<T>, from?: Date): Promise<T>
  /** Takes turns until nobody waits for one. */
  run(): Promise<void>
}

/** Between two turns, in milliseconds. */
const pauses = [0, 0, 1, 3, 15, 60]

/** `choose(n)` answers a number below n. */
export function createWorld(start: Date, choose: (below: number) => number): World {
  let milliseconds = start.getTime()
  let count = 0
  let waiting: { from: number; take: () => Promise<void> }[] = []

  return {
    time: () => new Date(milliseconds),
    turns: () => count,
    turn: (work, from = start) =>
      new Promise((resolve, reject) => {
        waiting.push({ from: from.getTime(), take: () => work().then(resolve, reject) })
      }),
    async run() {
      for (await settle(); waiting.length > 0; await settle()) {
        const earliest = Math.min(...waiting.map(({ from }) => from))
        milliseconds = Math.max(milliseconds, earliest)
        const ready = waiting.filter(({ from }) => from <= milliseconds)
        const next = ready[choose(ready.length)]!
        waiting = waiting.filter((one) => one !== next)
        count++
        await next.take()
        await settle() // who waited for it goes on at the same instant
        milliseconds += pauses[choose(pauses.length)]!
      }
    },
  }
}

/** The same database, a turn for each statement and for each transaction. */
export function takingTurns(database: Database, world: World): Database {
  return {
    ...database,
    query: (text, values) => world.turn(() => database.query(text, values)),
    transaction: (work) => world.turn(() => database.transaction(work)),
  }
}

/** The clock of a node that lags behind the database's. */
export function createNodeClock(world: World, lagMilliseconds: number): Clock {
  const now = () => new Date(world.time().getTime() - lagMilliseconds)
  return {
    now,
    databaseNow: () => world.turn(async () => world.time()),
    async waitUntil(instant) {
      const from = new Date(instant.getTime() + lagMilliseconds)
      while (now() < instant) await world.turn(async () => {}, from)
    },
  }
}
