import type { Queryable } from '../database/database.ts'
import type { PendingRequest } from './pending-requests.ts'

interface PendingRow {
  client_id: string
  parameters: [string, string][]
  created_at: Date
  denied_at: Date | null
}

export function createPendingRequestStore(database: Queryable) {
  return {
    async insert(
      requestHash: Buffer,
      request: Pick<PendingRequest, 'clientId' | 'parameters' | 'createdAt'> & { expiresAt: Date },
    ): Promise<void> {
      await database.query(
        `insert into authorization_requests (request_hash, client_id, parameters, created_at, expires_at)
         values ($1, $2, $3, $4, $5)`,
        [
          requestHash,
          request.clientId,
          JSON.stringify(request.parameters),
          request.createdAt,
          request.expiresAt,
        ],
      )
    },

    async find(requestHash: Buffer, now: Date): Promise<PendingRequest | undefined> {
      const [row] = await database.query<PendingRow>(
        `select client_id, parameters, created_at, denied_at
         from authorization_requests
         where request_hash = $1 and expires_at > $2`,
        [requestHash, now],
      )
      return (
        row && {
          clientId: row.client_id,
          parameters: row.parameters,
          createdAt: row.created_at,
          denied: row.denied_at !== null,
        }
      )
    },

    async setDenied(requestHash: Buffer, deniedAt: Date | null): Promise<void> {
      await database.query(
        'update authorization_requests set denied_at = $2 where request_hash = $1',
        [requestHash, deniedAt],
      )
    },
  }
}

export type PendingRequestStore = ReturnType<typeof createPendingRequestStore>
