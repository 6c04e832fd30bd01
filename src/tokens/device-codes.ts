/**
 * Device authorization requests (RFC 8628): the device holds a device code, known to the database by hash only, and shows
 * a user code, by which a person allows it or not.
 */
import { randomInt, randomUUID } from 'node:crypto'
import type { Clock } from '../database/clock.ts'
import type { Confirmation } from '../protocol/confirmation.ts'
import { addSeconds } from '../protocol/instants.ts'
import { createSecret, hashSecret } from '../protocol/secrets.ts'
import { createUserCode } from '../protocol/user-code.ts'
import type { Session } from '../sessions/sessions.ts'
import type { DeviceCodeStore } from './device-code-store.ts'
import type { Grant } from './grant.ts'

/** What a device asks for. */
export type DeviceRequest = Pick<Grant, 'clientId' | 'scope' | 'resources'>

export interface DeviceCode extends DeviceRequest {
  expiresAt: Date
  consumedAt: Date | undefined
  /** How long the device is to wait between polls. */
  intervalSeconds: number
  /** It did not wait that long. */
  isTooSoon: boolean
  /** Its session has ended, or its client was revoked since. */
  isEnded: boolean
  /** What a person answered; undefined until then. */
  answer: 'denied' | Grant | undefined
}

export interface DeviceCodes {
  create(request: DeviceRequest): Promise<{
    deviceCode: string
    userCode: string
    expiresInSeconds: number
    intervalSeconds: number
  }>
  /** One that waits for a person's answer. */
  findWaiting(userCode: string): Promise<DeviceRequest | undefined>
  /** The first answer counts, `subject` is what the client knows the user by if not by `sub`; false when there is one already, or the code does not count any more. */
  allow(userCode: string, session: Session, subject: string | undefined): Promise<boolean>
  deny(userCode: string): Promise<boolean>
  /** What has become of it. Counts as a poll while there is no answer; whoever polls too soon is to wait longer. */
  poll(deviceCode: string, clientId: string): Promise<DeviceCode | undefined>
  /** The one-time gate, as that of authorization codes (codes.ts). */
  consume(
    deviceCode: string,
    options: {
      refreshable: boolean
      listensForLogout: boolean
      confirmation: Confirmation | undefined
    },
  ): Promise<'consumed' | 'replayed' | 'ended'>
}

const intervalSeconds = 5 // RFC 8628 §3.5, as is what a poll too soon adds
const maxTries = 10

export function createDeviceCodes({
  store,
  clock,
  settings,
  random = randomInt,
}: {
  store: DeviceCodeStore
  clock: Pick<Clock, 'now'>
  settings: {
    deviceCodeTtlSeconds: number
    refreshIdleTtlSeconds: number
    refreshTtlSeconds: number
  }
  random?: (below: number) => number
}): DeviceCodes {
  const { deviceCodeTtlSeconds: expiresInSeconds } = settings

  /** User codes are short enough to be drawn twice. */
  async function insertWithNewUserCode(codeHash: Buffer, request: DeviceRequest): Promise<string> {
    const createdAt = clock.now()
    const expiresAt = addSeconds(createdAt, expiresInSeconds)
    for (let tries = 0; tries < maxTries; tries++) {
      const userCode = createUserCode(random)
      const row = { codeHash, userCode, createdAt, expiresAt, intervalSeconds }
      if (await store.insert(request, row)) return userCode
    }
    throw new Error(`no user code is free after ${maxTries} tries`)
  }

  return {
    async create(request) {
      const deviceCode = createSecret()
      const userCode = await insertWithNewUserCode(hashSecret(deviceCode), request)
      return { deviceCode, userCode, expiresInSeconds, intervalSeconds }
    },
    findWaiting: (userCode) => store.findWaiting(userCode, clock.now()),
    allow: (userCode, { sub, sid, authTime, amr }, subject) =>
      store.answer(userCode, clock.now(), {
        grantId: randomUUID(),
        sub,
        subject,
        sid,
        authTime,
        amr,
      }),
    deny: (userCode) => store.answer(userCode, clock.now(), undefined),
    poll: (deviceCode, clientId) =>
      store.poll(hashSecret(deviceCode), { clientId, now: clock.now() }),
    async consume(deviceCode, options) {
      const now = clock.now()
      return store.consume(hashSecret(deviceCode), {
        ...options,
        now,
        idleExpiresAt: addSeconds(now, settings.refreshIdleTtlSeconds),
        expiresAt: addSeconds(now, settings.refreshTtlSeconds),
      })
    },
  }
}
