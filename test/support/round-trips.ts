/** Counts how often a request waits for Postgres one after the other; statements sent side by side count once. */
import type { Database } from '../../src/database/database.ts'

export interface CountedDatabase extends Database {
  /** How many round trips `work` needs. Nothing else may run meanwhile. */
  roundTrips(work: () => Promise<unknown>): Promise<number>
}

export function countRoundTrips(database: Database): CountedDatabase {
  let finished = 0
  return {
    ...database,
    async query(text, values) {
      const own = finished + 1
      try {
        return await database.query(text, values)
      } finally {
        finished = Math.max(finished, own)
      }
    },
    async roundTrips(work) {
      finished = 0
      await work()
      return finished
    },
  }
}
