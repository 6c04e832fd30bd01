/** SQL of used DPoP proofs. */
import type { Queryable } from '../database/database.ts'

export interface ProofStore {
  /** Whether this is the first use of the proof on any node. It is remembered until `expiresAt`. */
  consumeProof(proofHash: Buffer, expiresAt: Date): Promise<'consumed' | 'replayed'>
}

export function createProofStore(database: Queryable): ProofStore {
  return {
    async consumeProof(proofHash, expiresAt) {
      const rows = await database.query(
        `insert into used_proofs (proof_hash, expires_at)
         values ($1, $2)
         on conflict (proof_hash) do nothing
         returning proof_hash`,
        [proofHash, expiresAt],
      )
      return rows.length > 0 ? 'consumed' : 'replayed'
    },
  }
}
