/** SQL of authorization codes. */
import { isGrantedSince } from '../clients/store.ts'
import type { Queryable } from '../database/database.ts'
import type { ClaimsRequest } from '../protocol/claims-request.ts'
import type { Confirmation } from '../protocol/confirmation.ts'
import type { JsonObject } from '../protocol/json.ts'
import { sessionEndedAt } from '../sessions/store.ts'
import type { CodeGrant, StoredCode } from './codes.ts'
import { recordSubject } from './subject-store.ts'

interface CodeRow {
  grant_id: string
  client_id: string
  sub: string
  subject: string | null
  sid: string
  redirect_uri: string | null
  scope: string[]
  resources: string[]
  nonce: string | null
  code_challenge: string | null
  confirmation: Confirmation | null
  claims: ClaimsRequest | null
  authorization_details: JsonObject[] | null
  acr: string | null
  auth_time: Date
  amr: string[]
  expires_at: Date
  consumed_at: Date | null
  is_ended: boolean
}

export interface Consumption {
  now: Date
  /** Whether a refresh family begins. */
  refreshable: boolean
  /** Whether the client is to be told when the session ends. */
  listensForLogout: boolean
  /** The key that each use of the family must prove. */
  confirmation: Confirmation | undefined
  idleExpiresAt: Date
  expiresAt: Date
}

export function createCodeStore(database: Queryable) {
  return {
    /**
     * Ends the pending request that it answers, if any, in the same statement; false when that has ended before, or its
     * client was revoked since.
     */
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
           delete from authorization_requests r
           using clients c
           where r.request_hash = $15 and c.client_id = r.client_id
             and ${isGrantedSince('r.created_at', 'c')}
           returning r.request_hash
         ), named as (${recordSubject('$20::text', '$4')})
         insert into authorization_codes
           (code_hash, grant_id, client_id, sub, sid, redirect_uri, scope, resources, nonce, code_challenge,
            auth_time, amr, created_at, expires_at, confirmation, claims, authorization_details, acr,
            subject)
         select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $16::jsonb, $17::jsonb, $18::jsonb, $19, $20::text
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
          toJson(grant.confirmation),
          toJson(grant.claims),
          toJson(grant.authorizationDetails),
          grant.acr ?? null,
          grant.subject ?? null,
        ],
      )
      return rows.length === 1
    },

    async findCode(codeHash: Buffer): Promise<StoredCode | undefined> {
      const [row] = await database.query<CodeRow>(
        `select o.grant_id, o.client_id, o.sub, o.subject, o.sid, o.redirect_uri, o.scope, o.resources, o.nonce,
           o.code_challenge, o.confirmation, o.claims, o.authorization_details, o.acr, o.auth_time, o.amr, o.expires_at, o.consumed_at,
           not ${isGrantedSince('o.created_at', 'c')} or ${sessionEndedAt('o.sid')} is not null as is_ended
         from authorization_codes o
         join clients c on c.client_id = o.client_id
         where o.code_hash = $1`,
        [codeHash],
      )
      return row && toStoredCode(row)
    },

    /**
     * The one-time gate. What the code gives begins in the same statement: the refresh family, and that its client is told
     * when the session ends. The session is held meanwhile, so that its end comes either before all of this or after.
     */
    async consumeCode(
      codeHash: Buffer,
      { now, refreshable, listensForLogout, confirmation, idleExpiresAt, expiresAt }: Consumption,
      table: 'authorization_codes' | 'device_codes' = 'authorization_codes',
    ): Promise<'consumed' | 'replayed' | 'ended'> {
      const [row] = await database.query<{ is_first: boolean; is_begun: boolean }>(
        `with session as materialized (
           select s.expires_at
           from ${table} o
           join sessions s on s.sid = o.sid and s.sub = o.sub
           where o.code_hash = $1 and s.ended_at is null
           for share of s
         ), consumed as (
           update ${table} set consumed_at = $2
           where code_hash = $1 and consumed_at is null
           returning grant_id, client_id, sub, subject, sid, scope, resources, auth_time, amr, acr, claims,
             authorization_details, created_at
         ), begun as (
           select consumed.*
           from consumed
           join clients c on c.client_id = consumed.client_id
           where ${isGrantedSince('consumed.created_at', 'c')} and exists (select from session)
         ), family as (
           insert into refresh_families
             (grant_id, client_id, sub, subject, sid, scope, resources, auth_time, amr, acr, claims, authorization_details,
              confirmation, generation, rotated_at, created_at, idle_expires_at, expires_at)
           select grant_id, client_id, sub, subject, sid, scope, resources, auth_time, amr, acr, claims, authorization_details,
             $7::jsonb, 1, $2, created_at, $4, $5
           from begun
           where $3::boolean
         ), listener as (
           insert into session_clients as known (sid, sub, subject, client_id, expires_at)
           select sid, sub, subject, client_id,
             greatest((select max(expires_at) from session), case when $3 then $5::timestamptz end)
           from begun
           where $6::boolean
           on conflict (sid, client_id) do update
             set expires_at = greatest(known.expires_at, excluded.expires_at), subject = excluded.subject
         )
         select exists (select from consumed) as is_first, exists (select from begun) as is_begun`,
        [
          codeHash,
          now,
          refreshable,
          idleExpiresAt,
          expiresAt,
          listensForLogout,
          toJson(confirmation),
        ],
      )
      if (!row!.is_first) return 'replayed'
      return row!.is_begun ? 'consumed' : 'ended'
    },
  }
}

export type CodeStore = ReturnType<typeof createCodeStore>

function toStoredCode(row: CodeRow): StoredCode {
  return {
    grantId: row.grant_id,
    clientId: row.client_id,
    sub: row.sub,
    subject: row.subject ?? undefined,
    sid: row.sid,
    redirectUri: row.redirect_uri ?? undefined,
    scope: row.scope,
    resources: row.resources,
    nonce: row.nonce ?? undefined,
    codeChallenge: row.code_challenge ?? undefined,
    confirmation: row.confirmation ?? undefined,
    claims: row.claims ?? undefined,
    authorizationDetails: row.authorization_details ?? undefined,
    acr: row.acr ?? undefined,
    authTime: row.auth_time,
    amr: row.amr,
    expiresAt: row.expires_at,
    consumedAt: row.consumed_at ?? undefined,
    isEnded: row.is_ended,
  }
}

/** As text, since `pg` writes a list as an array of PostgreSQL. */
function toJson(value: unknown): string | null {
  return value === undefined ? null : JSON.stringify(value)
}
