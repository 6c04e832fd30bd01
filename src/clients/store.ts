/** SQL of clients. Every write tells the other nodes by NOTIFY, in its own transaction. */
import type { Database, Queryable } from '../database/database.ts'
import { retryDeadlocks } from '../database/retry.ts'
import type { ClientMetadata } from './metadata.ts'

/** The NOTIFY channel; the payload is the client_id. */
export const clientsChannel = 'clients'

export interface StoredClient {
  clientId: string
  secretHash: Buffer | undefined
  metadata: ClientMetadata
  allowedOrigins: string[]
  createdAt: Date
  updatedAt: Date
  /** Since when the client may do nothing any more. */
  revokedAt: Date | undefined
  /** Of a client whose client_id is the URL of its metadata. */
  document?: DocumentTimes | undefined
  /** It registered itself and has never got a token: to be known when it gets the first. */
  isUntried?: boolean
}

export interface DocumentTimes {
  fetchedAt: Date
  freshUntil: Date
}

export interface ClientStore {
  findClient(clientId: string): Promise<StoredClient | undefined>
  listClients(): Promise<StoredClient[]>
  /**
   * Those that a sign-in of this user can start from here, by name. Of those that registered themselves without anybody
   * vouching for them, only those that the user has consented to: else anybody could put a link before everybody.
   */
  listStartable(sub: string, limit: number): Promise<StoredClient[]>
  isAllowedOrigin(origin: string): Promise<boolean>
  insertClient(client: StoredClient, transaction?: Queryable): Promise<'created' | 'exists'>
  /**
   * Writes the client that `change` answers, and no other change comes in between; undefined when there is none. What `also`
   * writes belongs to it.
   */
  changeClient<Change extends { client: StoredClient }>(
    clientId: string,
    change: (current: StoredClient) => Change,
    also?: (changed: Change, transaction: Queryable) => Promise<void>,
  ): Promise<Change | undefined>
  disableClient(clientId: string, now: Date): Promise<'disabled' | 'unknown'>
  deleteClient(clientId: string): Promise<'deleted' | 'unknown'>
}

const registeredColumns =
  'client_id, client_secret_hash, metadata, allowed_origins, created_at, updated_at, revoked_at'
const clientColumns = `${registeredColumns}, document_fetched_at, document_fresh_until`

interface ClientRow {
  client_id: string
  client_secret_hash: Buffer | null
  metadata: ClientMetadata
  allowed_origins: string[]
  created_at: Date
  updated_at: Date
  revoked_at: Date | null
  document_fetched_at: Date | null
  document_fresh_until: Date | null
  is_untried?: boolean
}

/** SQL of whether what a client was granted, or has asked for, is later than the client's last revocation. */
export function isGrantedSince(createdAt: string, table: string): string {
  return `coalesce(${createdAt} > ${table}.grants_revoked_at, true)`
}

export function createClientStore(database: Database): ClientStore {
  return {
    async findClient(clientId) {
      const rows = await database.query<ClientRow>(
        `select ${clientColumns}, exists (
           select from client_registrations r
           where r.client_id = clients.client_id and r.expires_at is not null) as is_untried
         from clients
         where client_id = $1`,
        [clientId],
      )
      return rows.map(toClient)[0]
    },

    async listClients() {
      const rows = await database.query<ClientRow>(
        `select ${clientColumns} from clients order by created_at, client_id`,
      )
      return rows.map(toClient)
    },

    async listStartable(sub, limit) {
      const rows = await database.query<ClientRow>(
        `select ${clientColumns} from clients
         where metadata ? 'initiate_login_uri' and revoked_at is null
           and (not exists (
               select from client_registrations r
               where r.client_id = clients.client_id and r.registration_token_id is null)
             or exists (select from consents where consents.client_id = clients.client_id and sub = $1))
         order by lower(coalesce(metadata ->> 'client_name', client_id)), client_id
         limit $2`,
        [sub, limit],
      )
      return rows.map(toClient)
    },

    async isAllowedOrigin(origin) {
      const rows = await database.query(
        `select client_id from clients
         where allowed_origins @> array[$1] and revoked_at is null
         limit 1`,
        [origin],
      )
      return rows.length > 0
    },

    async insertClient(client, transaction = database) {
      const rows = await transaction.query(
        `with written as (
           insert into clients (${registeredColumns})
           values ($1, $2, $3, $4, $5, $6, $7)
           on conflict (client_id) do nothing
           returning client_id)
         select pg_notify('${clientsChannel}', client_id) from written`,
        [
          client.clientId,
          client.secretHash ?? null,
          JSON.stringify(client.metadata),
          client.allowedOrigins,
          client.createdAt,
          client.updatedAt,
          client.revokedAt ?? null,
        ],
      )
      return rows.length > 0 ? 'created' : 'exists'
    },

    changeClient: (clientId, change, also) =>
      database.transaction(async (transaction) => {
        const [row] = await transaction.query<ClientRow>(
          `select ${clientColumns} from clients where client_id = $1 for update`,
          [clientId],
        )
        if (!row) return undefined
        const changed = change(toClient(row))
        await updateClient(transaction, changed.client)
        await also?.(changed, transaction)
        return changed
      }),

    async disableClient(clientId, now) {
      const rows = await database.query(
        `with written as (
           update clients set revoked_at = coalesce(revoked_at, $2), updated_at = $2
           where client_id = $1
           returning client_id)
         select pg_notify('${clientsChannel}', client_id) from written`,
        [clientId, now],
      )
      return rows.length > 0 ? 'disabled' : 'unknown'
    },

    async deleteClient(clientId) {
      const rows = await retryDeadlocks(() =>
        database.query(
          `with written as (delete from clients where client_id = $1 returning client_id)
           select pg_notify('${clientsChannel}', client_id) from written`,
          [clientId],
        ),
      )
      return rows.length > 0 ? 'deleted' : 'unknown'
    },
  }
}

async function updateClient(transaction: Queryable, client: StoredClient): Promise<void> {
  await transaction.query(
    `with written as (
       update clients
       set client_secret_hash = $2, metadata = $3, allowed_origins = $4, updated_at = $5
       where client_id = $1
       returning client_id)
     select pg_notify('${clientsChannel}', client_id) from written`,
    [
      client.clientId,
      client.secretHash ?? null,
      JSON.stringify(client.metadata),
      client.allowedOrigins,
      client.updatedAt,
    ],
  )
}

function toClient(row: ClientRow): StoredClient {
  const { document_fetched_at: fetchedAt, document_fresh_until: freshUntil } = row
  return {
    clientId: row.client_id,
    secretHash: row.client_secret_hash ?? undefined,
    metadata: row.metadata,
    allowedOrigins: row.allowed_origins,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    revokedAt: row.revoked_at ?? undefined,
    ...(fetchedAt && freshUntil && { document: { fetchedAt, freshUntil } }),
    ...(row.is_untried && { isUntried: true }),
  }
}
