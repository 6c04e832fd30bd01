/** Counts how often a request waits for Postgres one after the other; statements sent side by side count once. */
import { randomUUID } from 'node:crypto'
import type { Database } from '../../src/database/database.ts'

export interface CountedDatabase extends Database {
  /** How many round trips `work` needs. Nothing else may run meanwhile. */
  roundTrips(work: () => Promise<unknown>): Promise<number>
  /** Resolves once the node has heard of every change so far, by itself too, and so has forgotten what it knew of it. */
  settle(): Promise<void>
}

export function countRoundTrips(database: Database): CountedDatabase {
  let finished = 0
  const underWay = new Set<Promise<unknown>>()

  return {
    ...database,
    async query<Row extends object>(text: string, values?: readonly unknown[]) {
      const own = finished + 1
      const rows = database.query<Row>(text, values)
      underWay.add(rows)
      try {
        return await rows
      } finally {
        underWay.delete(rows)
        finished = Math.max(finished, own)
      }
    },
    async roundTrips(work) {
      finished = 0
      await work()
      return finished
    },
    async settle() {
      await hearAll(database)
      while (underWay.size > 0) await Promise.allSettled(underWay) // what it reads anew
    },
  }
}

/** Notifications come one after the other: with our own, all that were sent before have come. */
async function hearAll(database: Database): Promise<void> {
  const own = randomUUID()
  let stop: (() => Promise<void>) | undefined
  await new Promise<void>((resolve, reject) => {
    stop = database.listen('round_trips', (payload) => {
      if (payload === own) resolve()
      else if (payload === '')
        database.query(`select pg_notify('round_trips', $1)`, [own]).catch(reject)
    })
  })
  await stop?.()
}
