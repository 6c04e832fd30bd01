/** How signing keys are shown. */
import { exposureOfRevocation, type ExposureSettings } from '../keys/exposure.ts'
import {
  findNextKey,
  findSigningKey,
  keyState,
  lastUseOf,
  nextTransitionAt,
  type KeyState,
  type KeyTimes,
  type ScheduleSettings,
} from '../keys/schedule.ts'
import type { SigningKey } from '../keys/store.ts'
import { fields, indent, type Row } from './output.ts'
import { localTime, relativeTime, whenAndHow } from './time.ts'

export interface KeyView {
  key: SigningKey
  state: KeyState
  since: Date
  /** The state that it takes by itself, and when. */
  next: { state: KeyState; at: Date } | undefined
}

/** With the end of the last token that it signed or, as planned, will have signed. */
export interface KeyAndTokens extends KeyView {
  tokensUntil: Date | undefined
}

const states: readonly KeyState[] = ['signing', 'published', 'retired', 'revoked', 'gone']
const becoming: Partial<Record<KeyState, string>> = {
  signing: 'signs',
  retired: 'retires',
  gone: 'leaves',
}

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

/** Of a revoked key none counts here, but elsewhere it may be trusted for some time. */
export function withTokens(
  view: KeyView,
  { schedule, exposure }: { schedule: ScheduleSettings; exposure: ExposureSettings },
  now: Date,
): KeyAndTokens {
  const { key, state, next } = view
  const until = {
    published: undefined,
    signing: lastUseOf(next && next.at > now ? next.at : now, schedule),
    retired: key.leavesJwksAt,
    gone: undefined,
    revoked: key.revokedAt && exposureOfRevocation(key.revokedAt, exposure).verifiersUntil,
  }[state]
  return { ...view, tokensUntil: until && until > now ? until : undefined }
}

export function toDocument({ key, state, since, next, tokensUntil }: KeyAndTokens) {
  return {
    kid: key.kid,
    alg: key.alg,
    state,
    since,
    next: next ?? null,
    tokens_alive_until: tokensUntil ?? null,
    published_at: key.publishedAt,
    signs_from: key.signsFrom,
    activated_at: key.activatedAt,
    retired_at: key.retiredAt,
    leaves_jwks_at: key.leavesJwksAt,
    revoked_at: key.revokedAt,
    revocation_reason: key.revocationReason,
    signer: key.signer,
    key_encryption_key_id: key.keyEncryptionKeyId,
  }
}

export const rowHead = ['kid', 'alg', 'state', 'since', 'next', 'tokens until']

export function toRow(view: KeyAndTokens, now: Date): string[] {
  const { key, state, since, next, tokensUntil } = view
  const coming = next && `${becoming[next.state]} ${shortTime(next.at)} (${inTime(next.at, now)})`
  const until = tokensUntil ? shortTime(tokensUntil) : '-'
  return [key.kid, key.alg, state, shortTime(since), coming ?? '-', until]
}

/** The same as a row, for a terminal that is too narrow for it. */
export function toBlock(view: KeyAndTokens, now: Date): string {
  const { key, state, since, next, tokensUntil } = view
  const tokens = {
    published: undefined,
    signing: 'those signed until then may live until',
    retired: 'may live until',
    gone: undefined,
    revoked: 'none counts here; caches elsewhere may trust them until',
  }[state]
  const rows: Row[] = [
    ['since', whenAndHow(since, now)],
    ['reason', key.revocationReason ?? undefined],
    [next ? (becoming[next.state] ?? next.state) : '', next && describeNext(next.at, now)],
    ['tokens', tokensUntil && tokens && `${tokens}\n${whenAndHow(tokensUntil, now)}`],
  ]
  return `${key.alg} ${state} ${key.kid}\n${indent(fields(rows, 9))}`
}

/** To the minute, where this process is. */
export function shortTime(instant: Date): string {
  return localTime(instant).slice(0, 16)
}

function describeNext(at: Date, now: Date): string {
  return at <= now ? 'now' : whenAndHow(at, now)
}

function inTime(at: Date, now: Date): string {
  return at <= now ? 'now' : relativeTime(at, now)
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
