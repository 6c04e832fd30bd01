import { isGrantedSince } from '../clients/store.ts'
import type { Queryable } from '../database/database.ts'
import type { Arrival } from './arrival.ts'
import type { Decision, PendingRequest } from './pending-requests.ts'

interface PendingRow {
  client_id: string
  parameters: [string, string][]
  created_at: Date
  decision: Decision['answer'] | null
  decided_by: string | null
  signed_in_sid: string | null
  selected_account: string | null
  pushed: boolean
  signed: boolean
  prolonged: boolean
}

export function createPendingRequestStore(database: Queryable) {
  return {
    async insert(
      requestHash: Buffer,
      request: Pick<PendingRequest, 'clientId' | 'parameters' | 'createdAt'> &
        Arrival & { expiresAt: Date },
    ): Promise<void> {
      await database.query(
        `insert into authorization_requests (request_hash, client_id, parameters, created_at, expires_at, pushed, signed)
         values ($1, $2, $3, $4, $5, $6, $7)`,
        [
          requestHash,
          request.clientId,
          JSON.stringify(request.parameters),
          request.createdAt,
          request.expiresAt,
          request.isPushed,
          request.isSigned,
        ],
      )
    },

    async find(requestHash: Buffer, now: Date): Promise<PendingRequest | undefined> {
      const [row] = await database.query<PendingRow>(
        `select r.client_id, r.parameters, r.created_at, r.decision, r.decided_by, r.signed_in_sid,
           r.selected_account, r.pushed, r.signed, r.prolonged
         from authorization_requests r
         join clients c on c.client_id = r.client_id
         where r.request_hash = $1 and r.expires_at > $2 and ${isGrantedSince('r.created_at', 'c')}`,
        [requestHash, now],
      )
      return (
        row && {
          clientId: row.client_id,
          parameters: row.parameters,
          createdAt: row.created_at,
          decision:
            row.decision && row.decided_by !== null
              ? { answer: row.decision, sub: row.decided_by }
              : undefined,
          signedInSid: row.signed_in_sid ?? undefined,
          selectedAccount: row.selected_account ?? undefined,
          isPushed: row.pushed,
          isSigned: row.signed,
          isProlonged: row.prolonged,
        }
      )
    },

    async prolong(requestHash: Buffer, now: Date, expiresAt: Date): Promise<void> {
      await database.query(
        `update authorization_requests set expires_at = $3, prolonged = true
         where request_hash = $1 and expires_at > $2 and pushed and not prolonged`,
        [requestHash, now, expiresAt],
      )
    },

    async setDecision(requestHash: Buffer, { answer, sub }: Decision): Promise<void> {
      await database.query(
        'update authorization_requests set decision = $2, decided_by = $3 where request_hash = $1',
        [requestHash, answer, sub],
      )
    },

    async setSignIn(requestHash: Buffer, sid: string): Promise<void> {
      await database.query(
        `update authorization_requests set signed_in_sid = $2, decision = null, decided_by = null
         where request_hash = $1`,
        [requestHash, sid],
      )
    },

    async setSelectedAccount(requestHash: Buffer, account: string): Promise<void> {
      await database.query(
        'update authorization_requests set selected_account = $2 where request_hash = $1',
        [requestHash, account],
      )
    },
  }
}

export type PendingRequestStore = ReturnType<typeof createPendingRequestStore>
