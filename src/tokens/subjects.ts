/**
 * Pairwise subjects (OpenID Connect Core §8.1): what the clients of a sector call a user. Nobody without the key can tell that
 * those of two sectors are the same person, or which one.
 */
import { createHmac } from 'node:crypto'
import type { Client } from '../clients/registry.ts'
import { sectorOf } from '../clients/sector.ts'
import type { SubjectStore } from './subject-store.ts'

export interface Subjects {
  /** Undefined for a client that knows the user by `sub`. */
  of(client: Pick<Client, 'metadata'>, sub: string): string | undefined
  /**
   * The same, for tokens that no code or device code goes before, as these write it down. To be followed by a look at the user:
   * a revocation that is not seen then finds it.
   */
  record(client: Pick<Client, 'metadata'>, sub: string): Promise<string | undefined>
}

export function createSubjects({ key, store }: { key: Buffer; store: SubjectStore }): Subjects {
  function of({ metadata }: Pick<Client, 'metadata'>, sub: string): string | undefined {
    const sector = sectorOf(metadata)
    if (sector === undefined) return undefined
    return createHmac('sha256', key)
      .update(JSON.stringify([sector, sub]))
      .digest('base64url')
  }

  return {
    of,
    async record(client, sub) {
      const subject = of(client, sub)
      if (subject !== undefined) await store.record(subject, sub)
      return subject
    },
  }
}
