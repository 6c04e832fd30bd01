/** SQL of resources. Every write tells the other nodes by NOTIFY, in its own transaction. */
import type { Database } from '../database/database.ts'
import type { SigningAlg } from '../protocol/signing-algs.ts'

/** The NOTIFY channel; the payload is the resource. */
export const resourcesChannel = 'resources'

/** An API that tokens can be asked for (RFC 8707). */
export interface Resource {
  /** Absolute URI; the `aud` of its tokens. */
  resource: string
  name: string
  /** Undefined: every scope that the client was granted. */
  scopes: string[] | undefined
  accessTokenTtlSeconds: number | undefined
  accessTokenSignedResponseAlg: SigningAlg | undefined
  createdAt: Date
  updatedAt: Date
}

export interface ResourceStore {
  findResource(resource: string): Promise<Resource | undefined>
  listResources(): Promise<Resource[]>
  /** 0 when no resource has a lifetime of its own. */
  getLongestTtlSeconds(): Promise<number>
  insertResource(resource: Resource): Promise<'created' | 'exists'>
  /** Writes what `change` makes of the resource, and no other change comes in between; undefined when there is none. */
  changeResource(
    resource: string,
    change: (current: Resource) => Resource,
  ): Promise<Resource | undefined>
  deleteResource(resource: string): Promise<'deleted' | 'unknown'>
}

const columns =
  'resource, name, scopes, access_token_ttl_seconds, access_token_signed_response_alg, created_at, updated_at'

interface ResourceRow {
  resource: string
  name: string
  scopes: string[] | null
  access_token_ttl_seconds: number | null
  access_token_signed_response_alg: SigningAlg | null
  created_at: Date
  updated_at: Date
}

export function createResourceStore(database: Database): ResourceStore {
  return {
    async findResource(resource) {
      const rows = await database.query<ResourceRow>(
        `select ${columns} from resources where resource = $1`,
        [resource],
      )
      return rows.map(toResource)[0]
    },

    async listResources() {
      const rows = await database.query<ResourceRow>(
        `select ${columns} from resources order by resource`,
      )
      return rows.map(toResource)
    },

    async getLongestTtlSeconds() {
      const [row] = await database.query<{ longest: number }>(
        'select coalesce(max(access_token_ttl_seconds), 0) as longest from resources',
      )
      return row!.longest
    },

    async insertResource(resource) {
      const rows = await database.query(
        `with written as (
           insert into resources (${columns})
           values ($1, $2, $3, $4, $5, $6, $7)
           on conflict (resource) do nothing
           returning resource)
         select pg_notify('${resourcesChannel}', resource) from written`,
        [...toValues(resource), resource.createdAt, resource.updatedAt],
      )
      return rows.length > 0 ? 'created' : 'exists'
    },

    changeResource: (resource, change) =>
      database.transaction(async (transaction) => {
        const [row] = await transaction.query<ResourceRow>(
          `select ${columns} from resources where resource = $1 for update`,
          [resource],
        )
        if (!row) return undefined
        const changed = change(toResource(row))
        await transaction.query(
          `with written as (
             update resources
             set name = $2, scopes = $3, access_token_ttl_seconds = $4,
               access_token_signed_response_alg = $5, updated_at = $6
             where resource = $1
             returning resource)
           select pg_notify('${resourcesChannel}', resource) from written`,
          [...toValues(changed), changed.updatedAt],
        )
        return changed
      }),

    async deleteResource(resource) {
      const rows = await database.query(
        `with written as (delete from resources where resource = $1 returning resource)
         select pg_notify('${resourcesChannel}', resource) from written`,
        [resource],
      )
      return rows.length > 0 ? 'deleted' : 'unknown'
    },
  }
}

function toValues(resource: Resource): unknown[] {
  return [
    resource.resource,
    resource.name,
    resource.scopes ?? null,
    resource.accessTokenTtlSeconds ?? null,
    resource.accessTokenSignedResponseAlg ?? null,
  ]
}

function toResource(row: ResourceRow): Resource {
  return {
    resource: row.resource,
    name: row.name,
    scopes: row.scopes ?? undefined,
    accessTokenTtlSeconds: row.access_token_ttl_seconds ?? undefined,
    accessTokenSignedResponseAlg: row.access_token_signed_response_alg ?? undefined,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  }
}
