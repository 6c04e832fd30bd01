/** What doctor asks the database. It only reads. */
import type { Queryable } from '../database/database.ts'

export interface ServerFacts {
  version: string
  maxConnections: number
  isReadOnly: boolean
}

export interface ClientUri {
  clientId: string
  /** Of its metadata. */
  member: string
  uri: string
}

const uriMembers = ['backchannel_logout_uri', 'jwks_uri']

export function createDoctorStore(database: Queryable) {
  return {
    async ping(): Promise<void> {
      await database.query('select 1')
    },

    async getServerFacts(): Promise<ServerFacts> {
      const [row] = await database.query<{
        version: string
        max_connections: number
        is_read_only: boolean
      }>(
        `select current_setting('server_version') as version,
           current_setting('max_connections')::integer as max_connections,
           pg_is_in_recovery() or current_setting('transaction_read_only')::boolean as is_read_only`,
      )
      const { version, max_connections: maxConnections, is_read_only: isReadOnly } = row!
      return { version, maxConnections, isReadOnly }
    },

    /** Of clients that have waited since before then to be told of a logout. */
    async listClientsUntold(before: Date): Promise<string[]> {
      const rows = await database.query<{ client_id: string }>(
        'select distinct client_id from logout_deliveries where created_at < $1 order by 1 limit 10',
        [before],
      )
      return rows.map(({ client_id: clientId }) => clientId)
    },

    /** Where this server is to ask or to tell clients, of those that an administrator has made; a few dozen at most. */
    async listClientUris(): Promise<ClientUri[]> {
      const rows = await database.query<{ client_id: string; member: string; uri: string }>(
        `select c.client_id, m.member, c.metadata ->> m.member as uri
         from clients c, unnest($1::text[]) as m(member)
         where c.metadata ? m.member and c.revoked_at is null and c.document_fetched_at is null
           and not exists (select from client_registrations r where r.client_id = c.client_id)
         order by 1, 2 limit 50`,
        [uriMembers],
      )
      return rows.map(({ client_id: clientId, member, uri }) => ({ clientId, member, uri }))
    },

    /** Of clients that authenticate by certificates or bind their tokens to them; ten at most. */
    async listClientsWithCertificates(): Promise<string[]> {
      const rows = await database.query<{ client_id: string }>(
        `select client_id from clients
         where revoked_at is null
           and (metadata ->> 'token_endpoint_auth_method' in ('tls_client_auth', 'self_signed_tls_client_auth')
             or metadata @> '{"tls_client_certificate_bound_access_tokens": true}')
         order by 1 limit 10`,
      )
      return rows.map(({ client_id: clientId }) => clientId)
    },

    /** By name, in order; none when nothing was ever applied. */
    async listAppliedMigrations(): Promise<string[]> {
      const [row] = await database.query<{ is_there: boolean }>(
        `select to_regclass('schema_migrations') is not null as is_there`,
      )
      if (!row!.is_there) return []
      const rows = await database.query<{ name: string }>(
        'select name from schema_migrations order by version',
      )
      return rows.map(({ name }) => name)
    },
  }
}
