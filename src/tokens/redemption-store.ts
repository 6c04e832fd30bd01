/** SQL of the redemption of a code, one from an authorization response or a device's. */
import { isGrantedSince } from '../clients/store.ts'
import type { Queryable } from '../database/database.ts'
import type { Confirmation } from '../protocol/confirmation.ts'

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

/**
 * The one-time gate. What the code gives begins in the same statement: the refresh family, and that its client is told
 * when the session ends. The session is held meanwhile, so that its end comes either before all of this or after.
 */
export async function consumeCode(
  database: Queryable,
  table: 'authorization_codes' | 'device_codes',
  {
    codeHash,
    now,
    refreshable,
    listensForLogout,
    confirmation,
    idleExpiresAt,
    expiresAt,
  }: Consumption & { codeHash: Buffer },
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
    [codeHash, now, refreshable, idleExpiresAt, expiresAt, listensForLogout, toJson(confirmation)],
  )
  if (!row!.is_first) return 'replayed'
  return row!.is_begun ? 'consumed' : 'ended'
}

/** As text, since `pg` writes a list as an array of PostgreSQL. */
export function toJson(value: unknown): string | null {
  return value === undefined ? null : JSON.stringify(value)
}
