/** SQL of what is kept of clients that registered themselves. */
import { clientsChannel, isGrantedSince } from '../clients/store.ts'
import type { Queryable } from '../database/database.ts'

export interface StoredRegistration {
  accessTokenHash: Buffer
  /** The initial access token that it was made with, if any. */
  tokenId: string | undefined
  softwareStatement: string | undefined
}

interface RegistrationRow {
  access_token_hash: Buffer
  registration_token_id: string | null
  software_statement: string | null
}

export type RegistrationStore = ReturnType<typeof createRegistrationStore>

export function createRegistrationStore(database: Queryable) {
  return {
    async insertRegistration(
      clientId: string,
      { accessTokenHash, tokenId, softwareStatement }: StoredRegistration,
      { registeredAt, expiresAt }: { registeredAt: Date; expiresAt: Date },
      transaction: Queryable,
    ): Promise<void> {
      await transaction.query(
        `insert into client_registrations
           (client_id, access_token_hash, registration_token_id, software_statement, registered_at, expires_at)
         values ($1, $2, $3, $4, $5, $6)`,
        [
          clientId,
          accessTokenHash,
          tokenId ?? null,
          softwareStatement ?? null,
          registeredAt,
          expiresAt,
        ],
      )
    },

    /** None of a client that was revoked since: it is for an administrator from then on. */
    async findRegistration(clientId: string): Promise<StoredRegistration | undefined> {
      const [row] = await database.query<RegistrationRow>(
        `select r.access_token_hash, r.registration_token_id, r.software_statement
         from client_registrations r
         join clients c on c.client_id = r.client_id
         where r.client_id = $1 and c.revoked_at is null and ${isGrantedSince('r.registered_at', 'c')}`,
        [clientId],
      )
      return (
        row && {
          accessTokenHash: row.access_token_hash,
          tokenId: row.registration_token_id ?? undefined,
          softwareStatement: row.software_statement ?? undefined,
        }
      )
    },

    async setSoftwareStatement(
      clientId: string,
      softwareStatement: string | undefined,
      transaction: Queryable,
    ): Promise<void> {
      await transaction.query(
        'update client_registrations set software_statement = $2 where client_id = $1',
        [clientId, softwareStatement ?? null],
      )
    },

    /** Once a client has got a token it stays. */
    async keepClient(clientId: string): Promise<void> {
      await database.query(
        `with kept as (
           update client_registrations set expires_at = null
           where client_id = $1 and expires_at is not null
           returning client_id)
         select pg_notify('${clientsChannel}', client_id) from kept`,
        [clientId],
      )
    },
  }
}
