/** SQL of device codes. */
import { isGrantedSince } from '../clients/store.ts'
import type { Queryable } from '../database/database.ts'
import { sessionEndedAt } from '../sessions/store.ts'
import type { DeviceCode, DeviceRequest } from './device-codes.ts'
import type { Grant } from './grant.ts'
import { consumeCode, type Consumption } from './redemption-store.ts'
import { recordSubject } from './subject-store.ts'

/** What a sign-in adds to a request that is allowed. */
type Allowance = Omit<Grant, keyof DeviceRequest>

interface RequestRow {
  client_id: string
  scope: string[]
  resources: string[]
}

interface DeviceCodeRow extends RequestRow {
  expires_at: Date
  consumed_at: Date | null
  interval_seconds: number
  is_too_soon: boolean
  is_ended: boolean
  decision: 'allowed' | 'denied' | null
  grant_id: string
  sub: string
  subject: string | null
  sid: string
  auth_time: Date
  amr: string[]
}

/** At $2, of a code `d` and a client `c`. */
const isWaiting = `d.decision is null and d.expires_at > $2
  and c.client_id = d.client_id and c.revoked_at is null and ${isGrantedSince('d.created_at', 'c')}`

export function createDeviceCodeStore(database: Queryable) {
  return {
    /** False when the user code is taken. */
    async insert(
      request: DeviceRequest,
      row: {
        codeHash: Buffer
        userCode: string
        createdAt: Date
        expiresAt: Date
        intervalSeconds: number
      },
    ): Promise<boolean> {
      const rows = await database.query(
        `insert into device_codes
           (code_hash, user_code, client_id, scope, resources, created_at, expires_at, interval_seconds)
         values ($1, $2, $3, $4, $5, $6, $7, $8)
         on conflict (user_code) do nothing
         returning code_hash`,
        [
          row.codeHash,
          row.userCode,
          request.clientId,
          request.scope,
          request.resources,
          row.createdAt,
          row.expiresAt,
          row.intervalSeconds,
        ],
      )
      return rows.length === 1
    },

    async findWaiting(userCode: string, now: Date): Promise<DeviceRequest | undefined> {
      const [row] = await database.query<RequestRow>(
        `select d.client_id, d.scope, d.resources
         from device_codes d, clients c
         where d.user_code = $1 and ${isWaiting}`,
        [userCode, now],
      )
      return row && toRequest(row)
    },

    /** With an allowance, or a denial without. */
    async answer(userCode: string, now: Date, allowance: Allowance | undefined): Promise<boolean> {
      const rows = await database.query(
        `with named as (${recordSubject('$8::text', '$4')})
         update device_codes d
         set decision = case when $3::uuid is null then 'denied' else 'allowed' end,
           grant_id = $3, sub = $4, sid = $5, auth_time = $6, amr = $7, subject = $8
         from clients c
         where d.user_code = $1 and ${isWaiting}
         returning d.code_hash`,
        [
          userCode,
          now,
          allowance?.grantId ?? null,
          allowance?.sub ?? null,
          allowance?.sid ?? null,
          allowance?.authTime ?? null,
          allowance?.amr ?? null,
          allowance?.subject ?? null,
        ],
      )
      return rows.length === 1
    },

    /** The row is held meanwhile, so that of two polls at the same time the second one is too soon. */
    async poll(
      codeHash: Buffer,
      { clientId, now }: { clientId: string; now: Date },
    ): Promise<DeviceCode | undefined> {
      const [row] = await database.query<DeviceCodeRow>(
        `with known as materialized (
           select client_id, scope, resources, created_at, expires_at, consumed_at, decision, grant_id, sub, subject, sid,
             auth_time, amr, interval_seconds,
             decision is null
               and coalesce($3 < polled_at + make_interval(secs => interval_seconds), false) as is_too_soon
           from device_codes
           where code_hash = $1 and client_id = $2
           for update
         ), polled as (
           update device_codes d
           set polled_at = $3, interval_seconds = known.interval_seconds + case when is_too_soon then 5 else 0 end
           from known
           where d.code_hash = $1 and known.decision is null and known.expires_at > $3
           returning d.interval_seconds
         )
         select known.client_id, scope, resources, expires_at, consumed_at, decision, grant_id, sub, subject, sid, auth_time, amr,
           is_too_soon, coalesce((select interval_seconds from polled), interval_seconds) as interval_seconds,
           not ${isGrantedSince('known.created_at', 'c')} or ${sessionEndedAt('known.sid')} is not null as is_ended
         from known
         join clients c on c.client_id = known.client_id`,
        [codeHash, clientId, now],
      )
      return row && toDeviceCode(row)
    },

    consume: (codeHash: Buffer, consumption: Consumption) =>
      consumeCode(database, 'device_codes', { codeHash, ...consumption }),
  }
}

export type DeviceCodeStore = ReturnType<typeof createDeviceCodeStore>

function toRequest(row: RequestRow): DeviceRequest {
  return { clientId: row.client_id, scope: row.scope, resources: row.resources }
}

function toDeviceCode(row: DeviceCodeRow): DeviceCode {
  const request = toRequest(row)
  return {
    ...request,
    expiresAt: row.expires_at,
    consumedAt: row.consumed_at ?? undefined,
    intervalSeconds: row.interval_seconds,
    isTooSoon: row.is_too_soon,
    isEnded: row.is_ended,
    answer: row.decision === 'allowed' ? toGrant(request, row) : (row.decision ?? undefined),
  }
}

function toGrant(request: DeviceRequest, row: DeviceCodeRow): Grant {
  return {
    ...request,
    grantId: row.grant_id,
    sub: row.sub,
    subject: row.subject ?? undefined,
    sid: row.sid,
    authTime: row.auth_time,
    amr: row.amr,
  }
}
