/** SQL of clients whose client_id is the URL of their metadata. Every write tells the other nodes by NOTIFY. */
import type { Queryable } from '../database/database.ts'
import { clientsChannel, type DocumentTimes, type StoredClient } from './store.ts'

export interface DocumentClient extends Pick<
  StoredClient,
  'clientId' | 'metadata' | 'allowedOrigins'
> {
  document: DocumentTimes
}

export interface DocumentStore {
  /** What an administrator has revoked stays so. */
  putClient(client: DocumentClient): Promise<void>
}

export function createDocumentStore(database: Queryable): DocumentStore {
  return {
    async putClient({ clientId, metadata, allowedOrigins, document }) {
      const { fetchedAt, freshUntil } = document
      await database.query(
        `with written as (
           insert into clients
             (client_id, metadata, allowed_origins, created_at, updated_at, document_fetched_at, document_fresh_until)
           values ($1, $2, $3, $4, $4, $4, $5)
           on conflict (client_id) do update set
             metadata = excluded.metadata,
             allowed_origins = excluded.allowed_origins,
             updated_at = excluded.updated_at,
             document_fetched_at = excluded.document_fetched_at,
             document_fresh_until = excluded.document_fresh_until
           returning client_id)
         select pg_notify('${clientsChannel}', client_id) from written`,
        [clientId, JSON.stringify(metadata), allowedOrigins, fetchedAt, freshUntil],
      )
    },
  }
}
