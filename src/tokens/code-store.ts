/** SQL of authorization codes. */
import { isGrantedSince } from '../clients/store.ts'
import type { Queryable } from '../database/database.ts'
import { sessionEndedAt } from '../sessions/store.ts'
import type { CodeGrant, StoredCode } from './codes.ts'

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
  is_ended: boolean
}

export function createCodeStore(database: Queryable) {
  return {
    async insertCode(
      codeHash: Buffer,
      grant: CodeGrant,
      { createdAt, expiresAt }: { createdAt: Date; expiresAt: Date },
    ): Promise<void> {
      await database.query(
        `insert into authorization_codes
           (code_hash, grant_id, client_id, sub, sid, redirect_uri, scope, resources, nonce, code_challenge,
            auth_time, amr, created_at, expires_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`,
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
        ],
      )
    },

    async findCode(codeHash: Buffer): Promise<StoredCode | undefined> {
      const [row] = await database.query<CodeRow>(
        `select o.grant_id, o.client_id, o.sub, o.sid, o.redirect_uri, o.scope, o.resources, o.nonce,
           o.code_challenge, o.auth_time, o.amr, o.expires_at, o.consumed_at,
           not ${isGrantedSince('o.created_at', 'c')} or ${sessionEndedAt('o.sid')} is not null as is_ended
         from authorization_codes o
         join clients c on c.client_id = o.client_id
         where o.code_hash = $1`,
        [codeHash],
      )
      return row && toStoredCode(row)
    },

    /**
     * True for the one caller that wins; its refresh family, if any, begins in the same statement. Whoever ends the session
     * either waits for that and finds the family, or is waited for and leaves nothing to consume.
     */
    async consumeCode(
      codeHash: Buffer,
      family: { now: Date; refreshable: boolean; idleExpiresAt: Date; expiresAt: Date },
    ): Promise<boolean> {
      const rows = await database.query(
        `with consumed as (
           update authorization_codes o set consumed_at = $2
           from clients c
           where o.code_hash = $1 and o.consumed_at is null
             and c.client_id = o.client_id and ${isGrantedSince('o.created_at', 'c')}
             and coalesce((
               select s.ended_at is null from sessions s
               where s.sid = o.sid
               order by s.ended_at is null desc
               limit 1
               for share), true)
           returning o.grant_id, o.client_id, o.sub, o.sid, o.scope, o.resources, o.auth_time, o.amr,
             o.created_at
         ), family as (
           insert into refresh_families
             (grant_id, client_id, sub, sid, scope, resources, auth_time, amr, generation, rotated_at, created_at,
              idle_expires_at, expires_at)
           select grant_id, client_id, sub, sid, scope, resources, auth_time, amr, 1, $2, created_at, $4, $5
           from consumed
           where $3::boolean
         )
         select grant_id from consumed`,
        [codeHash, family.now, family.refreshable, family.idleExpiresAt, family.expiresAt],
      )
      return rows.length === 1
    },
  }
}

export type CodeStore = ReturnType<typeof createCodeStore>

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
    isEnded: row.is_ended,
  }
}
