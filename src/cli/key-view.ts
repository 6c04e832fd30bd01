/** How signing keys, and changes of them, are shown. */
import type { MadeChange } from '../keys/rotation.ts'
import {
  findNextKey,
  findSigningKey,
  keyState,
  nextTransitionAt,
  type KeyState,
  type KeyTimes,
} from '../keys/schedule.ts'
import type { SigningKey } from '../keys/store.ts'
import { localTime, relativeTime, whenAndHow } from './time.ts'

export interface KeyView {
  key: SigningKey
  state: KeyState
  since: Date
  /** The state that it takes by itself, and when. */
  next: { state: KeyState; at: Date } | undefined
}

const states: readonly KeyState[] = ['signing', 'published', 'retired', 'revoked', 'gone']

export function viewKeys(
  keys: readonly SigningKey[],
  settings: { rotationIntervalSeconds: number },
  now: Date,
): KeyView[] {
  const order = (view: KeyView) => `${view.key.alg} ${states.indexOf(view.state)}`
  return keys
    .map((key) => ({
      key,
      ...stateOf(key, now),
      next: findNext(key, keys, settings, now),
    }))
    .toSorted((a, b) => order(a).localeCompare(order(b)))
}

export function stateOf(key: KeyTimes, now: Date): { state: KeyState; since: Date } {
  const state = keyState(key, now)
  const since = {
    published: key.publishedAt,
    signing: key.activatedAt,
    retired: key.retiredAt,
    gone: key.leavesJwksAt,
    revoked: key.revokedAt,
  }
  return { state, since: since[state] ?? key.publishedAt }
}

export function toDocument({ key, state, since, next }: KeyView) {
  return {
    kid: key.kid,
    alg: key.alg,
    state,
    since,
    next: next ?? null,
    published_at: key.publishedAt,
    signs_from: key.signsFrom,
    activated_at: key.activatedAt,
    retired_at: key.retiredAt,
    leaves_jwks_at: key.leavesJwksAt,
    revoked_at: key.revokedAt,
    revocation_reason: key.revocationReason,
    key_encryption_key_id: key.keyEncryptionKeyId,
  }
}

export const rowHead = ['kid', 'alg', 'state', 'since', 'next']

export function toRow({ key, state, since, next }: KeyView, now: Date): string[] {
  const coming = next && (next.at <= now ? `${next.state} now` : `${next.state} ${inTime(next.at)}`)
  return [key.kid, key.alg, state, localTime(since), coming ?? '']

  function inTime(at: Date): string {
    return `${relativeTime(at, now)}: ${localTime(at)}`
  }
}

export function toChangeDocuments(changes: readonly MadeChange[]) {
  return changes.map(toChangeDocument)
}

export function describeChanges(changes: readonly MadeChange[], now: Date): string {
  return changes.map((change) => describeChange(change, now)).join('\n')
}

function toChangeDocument(change: MadeChange) {
  const { change: kind, alg, kid } = change
  if (change.change === 'publish')
    return {
      change: kind,
      alg,
      kid,
      published_at: change.publishedAt,
      signs_from: change.signsFrom,
      activated_at: change.activatedAt,
    }
  if (change.change === 'activate')
    return { change: kind, alg, kid, activated_at: change.activatedAt }
  if (change.change === 'revoke')
    return { change: kind, alg, kid, revoked_at: change.revokedAt, reason: change.reason }
  const { retiredAt, leavesJwksAt } = change
  return { change: kind, alg, kid, retired_at: retiredAt, leaves_jwks_at: leavesJwksAt }
}

function describeChange(change: MadeChange, now: Date): string {
  const { alg, kid } = change
  if (change.change === 'revoke') return `${alg} ${kid} is revoked`
  if (change.change === 'activate') return `${alg} ${kid} signs from now on`
  if (change.change === 'retire')
    return `${alg} ${kid} signs no more and leaves the JWKS ${whenAndHow(change.leavesJwksAt, now)}`
  return change.activatedAt
    ? `${alg} ${kid} is new and signs from now on`
    : `${alg} ${kid} is published, to sign from ${whenAndHow(change.signsFrom, now)} at the earliest`
}

function findNext(
  key: KeyTimes,
  keys: readonly KeyTimes[],
  { rotationIntervalSeconds }: { rotationIntervalSeconds: number },
  now: Date,
): KeyView['next'] {
  const { alg } = key
  const state = keyState(key, now)
  if (state === 'retired' && key.leavesJwksAt) return { state: 'gone', at: key.leavesJwksAt }
  const current = [findSigningKey(keys, alg), findNextKey(keys, alg)].filter(
    (one) => one !== undefined,
  )
  const isPaired = current.length === 2 || state === 'published'
  if (!current.includes(key) || !isPaired) return undefined
  const at = nextTransitionAt(current, { algorithms: [alg], rotationIntervalSeconds }, now)
  return at && { state: state === 'published' ? 'signing' : 'retired', at }
}
