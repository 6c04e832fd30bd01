/** One attempt to tell a client that a session has ended (OpenID Connect Back-Channel Logout 1.0 §2.4, §2.5, §2.8). */
import type { AuditStore } from '../audit/store.ts'
import type { Clock } from '../database/clock.ts'
import type { Database } from '../database/database.ts'
import type { Keyring } from '../keys/keyring.ts'
import { createDeliveryStore, type DeliveryStore, type TakenDelivery } from './delivery-store.ts'

export type Answer =
  | {
      status: number
      /** As far as it was read. */
      body: string
    }
  /** No answer came, and why. */
  | { failure: string }

/** Sends a form, and follows no redirect. */
export type PostForm = (uri: string, fields: Record<string, string>) => Promise<Answer>

export type Outcome =
  | { kind: 'delivered' | 'unwanted' | 'taken-over' }
  | { kind: 'postponed'; error: string; nextAttemptAt: Date }
  | { kind: 'given-up'; error: string }

export interface LogoutDeliveries {
  attempt(delivery: TakenDelivery): Promise<Outcome>
}

const logoutEvent = 'http://schemas.openid.net/event/backchannel-logout'
const tokenTtlSeconds = 120 // §4: preferably at most two minutes
const longestRetryDelaySeconds = 15 * 60

export function createLogoutDeliveries({
  store,
  database,
  audit,
  keyring,
  postForm,
  issuer,
  clock,
  random,
}: {
  store: DeliveryStore
  database: Pick<Database, 'transaction'>
  audit: Pick<AuditStore, 'record'>
  keyring: Pick<Keyring, 'sign'>
  postForm: PostForm
  issuer: string
  clock: Pick<Clock, 'now'>
  /** From 0 up to 1. */
  random: () => number
}): LogoutDeliveries {
  function sign({ id, clientId, sub, subject = sub, sid, alg }: TakenDelivery): Promise<string> {
    const iat = Math.floor(clock.now().getTime() / 1000)
    return keyring.sign(alg, 'logout+jwt', {
      iss: issuer,
      sub: subject,
      aud: clientId,
      iat,
      exp: iat + tokenTtlSeconds,
      jti: id,
      sid,
      events: { [logoutEvent]: {} },
    })
  }

  /** Answers what went wrong, if anything did. */
  async function tell(delivery: TakenDelivery, uri: string): Promise<string | undefined> {
    const token = await sign(delivery).catch(() => undefined)
    if (token === undefined) return `no key for ${delivery.alg} could sign`
    return findFault(await postForm(uri, { logout_token: token }))
  }

  async function giveUp(delivery: TakenDelivery, at: Date, error: string): Promise<Outcome> {
    const { id, clientId, sub, sid, attempts } = delivery
    return database.transaction(async (transaction): Promise<Outcome> => {
      if (!(await createDeliveryStore(transaction).giveUp(delivery))) return { kind: 'taken-over' }
      const details = { jti: id, sub, sid, attempts, error }
      await audit.record(
        {
          at,
          action: 'logouts.give-up',
          subject: clientId,
          actor: 'schedule',
          reason: null,
          details,
        },
        transaction,
      )
      return { kind: 'given-up', error }
    })
  }

  return {
    async attempt(delivery) {
      const { id, uri, attempts, expiresAt } = delivery
      const error = uri === undefined ? undefined : await tell(delivery, uri)
      if (error === undefined) {
        await store.remove(id)
        return { kind: uri === undefined ? 'unwanted' : 'delivered' }
      }
      const now = clock.now()
      const delay = retryDelaySeconds(attempts, random())
      const nextAttemptAt = new Date(now.getTime() + delay * 1000)
      if (nextAttemptAt >= expiresAt) return giveUp(delivery, now, error)
      await store.postpone(delivery, nextAttemptAt, error)
      return { kind: 'postponed', error, nextAttemptAt }
    },
  }
}

/** 1 s after the first attempt, then 2, 4 … up to 15 min; up to half of it less, so that failures do not come in waves. */
export function retryDelaySeconds(attempts: number, random: number): number {
  return Math.min(2 ** (attempts - 1), longestRetryDelaySeconds) * (1 - random / 2)
}

/**
 * §2.8: 200 says that it is done, and 204 counts as well. Everything else is tried again, 400 too: it tells neither a
 * client that is down inside from one that is wrong for good, nor a JWKS kept too long from a token that never fits.
 */
function findFault(answer: Answer): string | undefined {
  if ('failure' in answer) return answer.failure
  const { status, body } = answer
  if (status === 200 || status === 204) return undefined
  const code = /"error"\s*:\s*"([a-z_]{1,60})"/.exec(body)?.[1]
  return `answered ${status}${code === undefined ? '' : ` ${code}`}`
}
