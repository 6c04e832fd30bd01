import type { Queryable } from '../database/database.ts'
import { accountColumns, toAccount, type AccountRow } from '../users/store.ts'
import type { CodeGrant, StoredCode } from './codes.ts'
import type { RefreshFamily } from './refresh-families.ts'

interface CodeRow {
  grant_id: string
  client_id: string
  sub: string
  sid: string
  redirect_uri: string | null
  scope: string[]
  resources: string[]
  nonce: string | null
  code_challenge: string | null
  auth_time: Date
  amr: string[]
  expires_at: Date
  consumed_at: Date | null
}

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
    /** Ends the pending request that it answers, if any, in the same statement; false when that has ended before. */
    async insertCode(
      codeHash: Buffer,
      grant: CodeGrant,
      {
        createdAt,
        expiresAt,
        requestHash,
      }: { createdAt: Date; expiresAt: Date; requestHash: Buffer | undefined },
    ): Promise<boolean> {
      const rows = await database.query(
        `with ended as (
           delete from authorization_requests where request_hash = $15 returning request_hash
         )
         insert into authorization_codes
           (code_hash, grant_id, client_id, sub, sid, redirect_uri, scope, resources, nonce, code_challenge,
            auth_time, amr, created_at, expires_at)
         select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14
         where $15::bytea is null or exists (select from ended)
         returning code_hash`,
        [
          codeHash,
          grant.grantId,
          grant.clientId,
          grant.sub,
          grant.sid,
          grant.redirectUri ?? null,
          grant.scope,
          grant.resources,
          grant.nonce ?? null,
          grant.codeChallenge ?? null,
          grant.authTime,
          grant.amr,
          createdAt,
          expiresAt,
          requestHash ?? null,
        ],
      )
      return rows.length === 1
    },

    async findCode(codeHash: Buffer): Promise<StoredCode | undefined> {
      const [row] = await database.query<CodeRow>(
        `select grant_id, client_id, sub, sid, redirect_uri, scope, resources, nonce, code_challenge, auth_time,
           amr, expires_at, consumed_at
         from authorization_codes
         where code_hash = $1`,
        [codeHash],
      )
      return row && toStoredCode(row)
    },

    /** True for the one caller that wins; its refresh family, if any, begins in the same statement. */
    async consumeCode(
      codeHash: Buffer,
      family: { now: Date; refreshable: boolean; idleExpiresAt: Date; expiresAt: Date },
    ): Promise<boolean> {
      const rows = await database.query(
        `with consumed as (
           update authorization_codes set consumed_at = $2
           where code_hash = $1 and consumed_at is null
           returning grant_id, client_id, sub, sid, scope, resources, auth_time, amr
         ), family as (
           insert into refresh_families
             (grant_id, client_id, sub, sid, scope, resources, auth_time, amr, generation, rotated_at, created_at,
              idle_expires_at, expires_at)
           select grant_id, client_id, sub, sid, scope, resources, auth_time, amr, 1, $2, $2, $4, $5
           from consumed
           where $3::boolean
         )
         select grant_id from consumed`,
        [codeHash, family.now, family.refreshable, family.idleExpiresAt, family.expiresAt],
      )
      return rows.length === 1
    },

    /** The next generation, for the one caller that presents the current one while everything about it is in order. */
    async rotateFamily(request: {
      grantId: string
      generation: number
      clientId: string
      scope: string[] | undefined
      /** Undefined: the family's own, which must be one at most, and still be registered. */
      resources: string[] | undefined
      defaultAudience: string
      now: Date
      idleExpiresAt: Date
    }): Promise<RefreshFamily | undefined> {
      const [row] = await database.query<FamilyRow>(
        `update refresh_families f
         set generation = f.generation + 1, rotated_at = $6, idle_expires_at = $7
         from users u
         where f.grant_id = $1 and f.generation = $2 and f.client_id = $3
           and coalesce($4::text[] <@ f.scope, true)
           and coalesce($5::text[] <@ f.resources, cardinality(f.resources) = 0
             or (cardinality(f.resources) = 1 and (f.resources[1] = $8
               or exists (select from resources r where r.resource = f.resources[1]))))
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
          request.defaultAudience,
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

function toStoredCode(row: CodeRow): StoredCode {
  return {
    grantId: row.grant_id,
    clientId: row.client_id,
    sub: row.sub,
    sid: row.sid,
    redirectUri: row.redirect_uri ?? undefined,
    scope: row.scope,
    resources: row.resources,
    nonce: row.nonce ?? undefined,
    codeChallenge: row.code_challenge ?? undefined,
    authTime: row.auth_time,
    amr: row.amr,
    expiresAt: row.expires_at,
    consumedAt: row.consumed_at ?? undefined,
  }
}

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
