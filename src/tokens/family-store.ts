/** SQL of refresh token families. */
import { isGrantedSince } from '../clients/store.ts'
import type { Queryable } from '../database/database.ts'
import type { ClaimsRequest } from '../protocol/claims-request.ts'
import type { Confirmation } from '../protocol/confirmation.ts'
import type { JsonObject } from '../protocol/json.ts'
import { sessionEndedAt } from '../sessions/store.ts'
import { accountColumns, isAuthenticatedSince, toAccount, type AccountRow } from '../users/store.ts'
import type { RefreshFamily } from './refresh-families.ts'

interface FamilyRow extends AccountRow {
  grant_id: string
  client_id: string
  subject: string | null
  sid: string
  scope: string[]
  resources: string[]
  auth_time: Date
  amr: string[]
  acr: string | null
  requested_claims: ClaimsRequest | null
  authorization_details: JsonObject[] | null
  confirmation: Confirmation | null
  generation: number
  rotated_at: Date
  dies_at: Date
  family_revoked_at: Date | null
  session_ended_at: Date | null
}

/** Of a family `f` of a user `u` and a client `c`. */
const familyColumns = `f.grant_id, f.client_id, f.subject, f.sid, f.scope, f.resources, f.auth_time, f.amr, f.acr, f.claims as requested_claims,
  f.authorization_details, f.confirmation, f.generation,
  f.rotated_at, least(f.idle_expires_at, f.expires_at) as dies_at,
  case when ${isGrantedSince('f.created_at', 'c')} then f.revoked_at else c.grants_revoked_at end
    as family_revoked_at,
  ${sessionEndedAt('f.sid')} as session_ended_at,
  ${accountColumns('u')}`

export function createFamilyStore(database: Queryable) {
  return {
    /** The next generation, for the one caller that presents the current one while everything about it is in order. */
    async rotateFamily(request: {
      grantId: string
      generation: number
      clientId: string
      scope: string[] | undefined
      /** Undefined: the family's own, which must be one at most, and still be registered. */
      resources: string[] | undefined
      authorizationDetails: JsonObject[] | undefined
      defaultAudience: string
      /** What the request proved. */
      confirmation: Confirmation | undefined
      /** Whether the generation stays the same. */
      isKept: boolean
      now: Date
      idleExpiresAt: Date
    }): Promise<RefreshFamily | undefined> {
      const [row] = await database.query<FamilyRow>(
        `update refresh_families f
         set generation = f.generation + case when $11 then 0 else 1 end,
           rotated_at = case when $11 then f.rotated_at else $6 end, idle_expires_at = $7
         from users u, clients c
         where f.grant_id = $1 and f.generation = $2 and f.client_id = $3
           and coalesce($4::text[] <@ f.scope, true)
           and coalesce($5::text[] <@ f.resources, cardinality(f.resources) = 0
             or (cardinality(f.resources) = 1 and (f.resources[1] = $8
               or exists (select from resources r where r.resource = f.resources[1]))))
           and not exists (
             select from jsonb_array_elements($10::jsonb) asked
             where not exists (
               select from jsonb_array_elements(f.authorization_details) granted
               where granted.value = asked.value))
           and (f.confirmation is null or f.confirmation <@ $9::jsonb)
           and f.revoked_at is null and least(f.idle_expires_at, f.expires_at) > $6
           and u.sub = f.sub and u.disabled_at is null and ${isAuthenticatedSince('f.auth_time', 'u')}
           and c.client_id = f.client_id and ${isGrantedSince('f.created_at', 'c')}
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
          JSON.stringify(request.confirmation ?? {}),
          JSON.stringify(request.authorizationDetails ?? []),
          request.isKept,
        ],
      )
      return row && toFamily(row)
    },

    async findFamily(grantId: string): Promise<RefreshFamily | undefined> {
      const [row] = await database.query<FamilyRow>(
        `select ${familyColumns}
         from refresh_families f
         join users u on u.sub = f.sub
         join clients c on c.client_id = f.client_id
         where f.grant_id = $1`,
        [grantId],
      )
      return row && toFamily(row)
    },
  }
}

export type FamilyStore = ReturnType<typeof createFamilyStore>

function toFamily(row: FamilyRow): RefreshFamily {
  return {
    grantId: row.grant_id,
    clientId: row.client_id,
    sub: row.sub,
    subject: row.subject ?? undefined,
    sid: row.sid,
    scope: row.scope,
    resources: row.resources,
    authTime: row.auth_time,
    amr: row.amr,
    acr: row.acr ?? undefined,
    claims: row.requested_claims ?? undefined,
    authorizationDetails: row.authorization_details ?? undefined,
    confirmation: row.confirmation ?? undefined,
    generation: row.generation,
    rotatedAt: row.rotated_at,
    expiresAt: row.dies_at,
    revokedAt: row.family_revoked_at ?? undefined,
    sessionEndedAt: row.session_ended_at ?? undefined,
    account: toAccount(row),
  }
}
