/** SQL of used client assertions. */
import type { Queryable } from '../database/database.ts'

export interface AssertionStore {
  /** Whether this is the first use of the assertion on any node. It is remembered until `expiresAt`. */
  consumeAssertion(assertionHash: Buffer, expiresAt: Date): Promise<'consumed' | 'replayed'>
}

export function createAssertionStore(database: Queryable): AssertionStore {
  return {
    async consumeAssertion(assertionHash, expiresAt) {
      const rows = await database.query(
        `insert into used_assertions (assertion_hash, expires_at)
         values ($1, $2)
         on conflict (assertion_hash) do nothing
         returning assertion_hash`,
        [assertionHash, expiresAt],
      )
      return rows.length > 0 ? 'consumed' : 'replayed'
    },
  }
}
