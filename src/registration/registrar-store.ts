/** SQL of who registered clients that no administrator made. */
import type { Queryable } from '../database/database.ts'

/** The initial access token that a client registered itself with, if any. */
export interface Registrar {
  tokenId: string | undefined
  /** What an administrator called it; gone with the token. */
  tokenName: string | undefined
}

interface RegistrarRow {
  client_id: string
  registration_token_id: string | null
  name: string | null
}

export interface RegistrarStore {
  /** By client_id: of one client, or of all that registered themselves. */
  listRegistrars(clientId?: string): Promise<Map<string, Registrar>>
}

export function createRegistrarStore(database: Queryable): RegistrarStore {
  return {
    async listRegistrars(clientId) {
      const rows = await database.query<RegistrarRow>(
        `select r.client_id, r.registration_token_id, t.name
         from client_registrations r
         left join registration_tokens t on t.id = r.registration_token_id
         where $1::text is null or r.client_id = $1`,
        [clientId ?? null],
      )
      return new Map(
        rows.map(({ client_id, registration_token_id: tokenId, name }) => [
          client_id,
          { tokenId: tokenId ?? undefined, tokenName: name ?? undefined },
        ]),
      )
    },
  }
}
