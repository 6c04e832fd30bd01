import type { Queryable } from '../database/database.ts'
import { accountColumns, toAccount, type AccountRow } from '../users/store.ts'
import { createCodeStore } from './code-store.ts'
import type { RefreshFamily } from './refresh-families.ts'

interface FamilyRow extends AccountRow {
  grant_id: string
  client_id: string
  sid: string
  scope: string[]
  resources: string[]
  auth_time: Date
  amr: string[]
  generation: number
  rotated_at: Date
  dies_at: Date
  family_revoked_at: Date | null
}

const familyColumns = `f.grant_id, f.client_id, f.sid, f.scope, f.resources, f.auth_time, f.amr, f.generation,
  f.rotated_at, least(f.idle_expires_at, f.expires_at) as dies_at, f.revoked_at as family_revoked_at,
  ${accountColumns('u')}`

export function createTokenStore(database: Queryable) {
  return {
    ...createCodeStore(database),

    /** The next generation, for the one caller that presents the current one while everything about it is in order. */
    async rotateFamily(request: {
      grantId: string
      generation: number
      clientId: string
      scope: string[] | undefined
      resources: string[] | undefined
      now: Date
      idleExpiresAt: Date
    }): Promise<RefreshFamily | undefined> {
      const [row] = await database.query<FamilyRow>(
        `update refresh_families f
         set generation = f.generation + 1, rotated_at = $6, idle_expires_at = $7
         from users u
         where f.grant_id = $1 and f.generation = $2 and f.client_id = $3
           and coalesce($4::text[] <@ f.scope, true)
           and coalesce($5::text[] <@ f.resources, cardinality(f.resources) <= 1)
           and f.revoked_at is null and least(f.idle_expires_at, f.expires_at) > $6
           and u.sub = f.sub and u.disabled_at is null
           and (u.revoked_at is null or f.auth_time > u.revoked_at)
         returning ${familyColumns}`,
        [
          request.grantId,
          request.generation,
          request.clientId,
          request.scope ?? null,
          request.resources ?? null,
          request.now,
          request.idleExpiresAt,
        ],
      )
      return row && toFamily(row)
    },

    async findFamily(grantId: string): Promise<RefreshFamily | undefined> {
      const [row] = await database.query<FamilyRow>(
        `select ${familyColumns}
         from refresh_families f
         join users u on u.sub = f.sub
         where f.grant_id = $1`,
        [grantId],
      )
      return row && toFamily(row)
    },

    async revokeFamily(grantId: string, now: Date): Promise<void> {
      await database.query(
        'update refresh_families set revoked_at = $2 where grant_id = $1 and revoked_at is null',
        [grantId, now],
      )
    },
  }
}

export type TokenStore = ReturnType<typeof createTokenStore>

function toFamily(row: FamilyRow): RefreshFamily {
  return {
    grantId: row.grant_id,
    clientId: row.client_id,
    sub: row.sub,
    sid: row.sid,
    scope: row.scope,
    resources: row.resources,
    authTime: row.auth_time,
    amr: row.amr,
    generation: row.generation,
    rotatedAt: row.rotated_at,
    expiresAt: row.dies_at,
    revokedAt: row.family_revoked_at ?? undefined,
    account: toAccount(row),
  }
}
