/** SQL of authorization codes. */
import { isGrantedSince } from '../clients/store.ts'
import type { Queryable } from '../database/database.ts'
import type { ClaimsRequest } from '../protocol/claims-request.ts'
import type { Confirmation } from '../protocol/confirmation.ts'
import type { JsonObject } from '../protocol/json.ts'
import { sessionEndedAt } from '../sessions/store.ts'
import type { CodeGrant, StoredCode } from './codes.ts'
import { consumeCode, toJson, type Consumption } from './redemption-store.ts'
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

    consumeCode: (codeHash: Buffer, consumption: Consumption) =>
      consumeCode(database, 'authorization_codes', { codeHash, ...consumption }),
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
