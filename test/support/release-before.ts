/**
 * What the release before did to the database: the statements of its stores, word by word. A migration never breaks them
 * while both releases run, and what they have written goes on.
 */
import { createHash } from 'node:crypto'
import { cp, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import type { Queryable } from '../../src/database/database.ts'
import { migrate } from '../../src/database/migrate.ts'
import { packageRoot } from './postgres-run.ts'

const directory = join(packageRoot, 'sql')
const lastMigration = '0013'
const onError = () => {}

/** The tables as that release made them. */
export async function migrateAsBefore(t: Test, { url }: { url: string }): Promise<void> {
  const former = await mkdtemp(join(tmpdir(), 'claviger-migrations-'))
  t.teardown(() => rm(former, { recursive: true }))
  for (const name of await readdir(directory))
    if (name.slice(0, 4) <= lastMigration) await cp(join(directory, name), join(former, name))
  await migrate(url, { directory: former, onError })
}

export async function migrateToNow({ url }: { url: string }): Promise<string[]> {
  const { applied } = await migrate(url, { directory, onError })
  return applied
}

const hash = (secret: string) => createHash('sha256').update(secret).digest()
const isGrantedSince = (createdAt: string) => `coalesce(${createdAt} > c.grants_revoked_at, true)`

export interface SignedIn {
  sub: string
  sid: string
  clientId: string
}

export function createReleaseBefore(database: Queryable, now: Date) {
  const after = (seconds: number) => new Date(now.getTime() + seconds * 1000)
  const day = 86_400

  return {
    async insertUser(sub: string, email: string) {
      await database.query(
        `insert into users (sub, email, email_verified, claims, created_at, updated_at)
         values ($1, $2, true, '{"name": "Alice"}', $3, $3)`,
        [sub, email, now],
      )
    },

    async insertClient(clientId: string, secret: string, metadata: object) {
      await database.query(
        `insert into clients (client_id, client_secret_hash, metadata, allowed_origins, created_at, updated_at, revoked_at)
         values ($1, $2, $3, '{}', $4, $4, null)`,
        [clientId, secret === '' ? null : hash(secret), JSON.stringify(metadata), now],
      )
    },

    async insertSession(secret: string, { sub, sid }: SignedIn) {
      await database.query(
        `insert into sessions (session_hash, sub, auth_time, amr, created_at, expires_at, sid)
         values ($1, $2, $3, $4, $5, $6, $7)`,
        [hash(secret), sub, now, ['pwd'], now, after(day), sid],
      )
    },

    async mergeConsent({ sub, clientId }: SignedIn, scope: string[]) {
      await database.query(
        `insert into consents as c (sub, client_id, scope, resources, granted_at)
         values ($1, $2, $3, $4, $5)
         on conflict (sub, client_id) do update set
           scope = array(select distinct unnest(c.scope || excluded.scope) order by 1),
           resources = array(select distinct unnest(c.resources || excluded.resources) order by 1),
           granted_at = excluded.granted_at`,
        [sub, clientId, scope, [], now],
      )
    },

    async insertRequest(reference: string, clientId: string, parameters: [string, string][]) {
      await database.query(
        `insert into authorization_requests (request_hash, client_id, parameters, created_at, expires_at)
         values ($1, $2, $3, $4, $5)`,
        [hash(reference), clientId, JSON.stringify(parameters), now, after(1800)],
      )
    },

    async insertCode(
      code: string,
      { sub, sid, clientId }: SignedIn,
      { grantId, scope, redirectUri, challenge, reference }: InsertedCode,
    ): Promise<boolean> {
      const rows = await database.query(
        `with ended as (
           delete from authorization_requests r
           using clients c
           where r.request_hash = $15 and c.client_id = r.client_id
             and ${isGrantedSince('r.created_at')}
           returning r.request_hash
         )
         insert into authorization_codes
           (code_hash, grant_id, client_id, sub, sid, redirect_uri, scope, resources, nonce, code_challenge,
            auth_time, amr, created_at, expires_at)
         select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14
         where $15::bytea is null or exists (select from ended)
         returning code_hash`,
        [
          hash(code),
          grantId,
          clientId,
          sub,
          sid,
          redirectUri,
          scope,
          [],
          null,
          challenge,
          now,
          ['pwd'],
          now,
          after(60),
          reference === undefined ? null : hash(reference),
        ],
      )
      return rows.length === 1
    },

    async consumeCode(code: string) {
      const [row] = await database.query<{ is_first: boolean; is_begun: boolean }>(
        `with session as materialized (
           select s.expires_at
           from authorization_codes o
           join sessions s on s.sid = o.sid and s.sub = o.sub
           where o.code_hash = $1 and s.ended_at is null
           for share of s
         ), consumed as (
           update authorization_codes set consumed_at = $2
           where code_hash = $1 and consumed_at is null
           returning grant_id, client_id, sub, sid, scope, resources, auth_time, amr, created_at
         ), begun as (
           select consumed.*
           from consumed
           join clients c on c.client_id = consumed.client_id
           where ${isGrantedSince('consumed.created_at')} and exists (select from session)
         ), family as (
           insert into refresh_families
             (grant_id, client_id, sub, sid, scope, resources, auth_time, amr, generation, rotated_at, created_at,
              idle_expires_at, expires_at)
           select grant_id, client_id, sub, sid, scope, resources, auth_time, amr, 1, $2, created_at, $4, $5
           from begun
           where $3::boolean
         ), listener as (
           insert into session_clients as known (sid, sub, client_id, expires_at)
           select sid, sub, client_id,
             greatest((select max(expires_at) from session), case when $3 then $5::timestamptz end)
           from begun
           where $6::boolean
           on conflict (sid, client_id) do update
             set expires_at = greatest(known.expires_at, excluded.expires_at)
         )
         select exists (select from consumed) as is_first, exists (select from begun) as is_begun`,
        [hash(code), now, true, after(30 * day), after(90 * day), true],
      )
      return row
    },

    /** Answers the generation of the token that comes next. */
    async rotateFamily(grantId: string, generation: number, clientId: string) {
      const [row] = await database.query<{ generation: number }>(
        `update refresh_families f
         set generation = f.generation + 1, rotated_at = $6, idle_expires_at = $7
         from users u, clients c
         where f.grant_id = $1 and f.generation = $2 and f.client_id = $3
           and coalesce($4::text[] <@ f.scope, true)
           and coalesce($5::text[] <@ f.resources, cardinality(f.resources) = 0
             or (cardinality(f.resources) = 1 and (f.resources[1] = $8
               or exists (select from resources r where r.resource = f.resources[1]))))
           and f.revoked_at is null and least(f.idle_expires_at, f.expires_at) > $6
           and u.sub = f.sub and u.disabled_at is null
           and c.client_id = f.client_id and ${isGrantedSince('f.created_at')}
         returning f.grant_id, f.client_id, f.sid, f.scope, f.resources, f.auth_time, f.amr, f.generation,
           f.rotated_at, least(f.idle_expires_at, f.expires_at) as dies_at, u.sub, u.claims`,
        [grantId, generation, clientId, null, null, now, after(30 * day), 'https://none.example'],
      )
      return row?.generation
    },

    /** Ends a session, and queues who is to be told. */
    async endSession({ sub, sid }: SignedIn) {
      await database.query(
        `update sessions set ended_at = greatest(ended_at, $3)
         where sid = $1 and coalesce(sub = $2, true)`,
        [sid, sub, now],
      )
      await database.query(
        `with told as (
           delete from session_clients c
           where c.sid = $3 and coalesce(c.sub = $4, true) and not exists (
             select from sessions s where s.sid = c.sid and s.sub = c.sub and s.ended_at is null)
           returning c.sid, c.sub, c.client_id
         ), queued as (
           insert into logout_deliveries (client_id, sub, sid, created_at, expires_at)
           select client_id, sub, sid, $1, $2 from told
           returning id
         )
         select pg_notify('logouts', '') where exists (select from queued)`,
        [now, after(day), sid, sub],
      )
    },
  }
}

interface InsertedCode {
  grantId: string
  scope: string[]
  redirectUri: string
  challenge: string
  /** Of the waiting request that it answers. */
  reference?: string
}
