/** The lifecycle of signing keys as a pure function of their timestamps and an instant. */
import { addSeconds } from '../protocol/instants.ts'
import type { SigningAlg } from '../protocol/signing-algs.ts'

/**
 * published: in the JWKS, not signing yet. signing. retired: signs no more, in the JWKS until its last token has
 * expired. gone: out of the JWKS. revoked: out of the JWKS, none of its tokens counts.
 */
export type KeyState = 'published' | 'signing' | 'retired' | 'gone' | 'revoked'

export interface KeyTimes {
  kid: string
  alg: SigningAlg
  publishedAt: Date
  /** Not before this instant may it sign, unless forced. */
  signsFrom: Date
  activatedAt: Date | null
  retiredAt: Date | null
  leavesJwksAt: Date | null
  revokedAt: Date | null
}

export interface ScheduleSettings {
  algorithms: readonly SigningAlg[]
  /** What nodes with other settings use, as during a rolling restart. Undefined when that is not known. */
  algorithmsElsewhere?: readonly SigningAlg[] | undefined
  /** How long a key is in the JWKS before it signs: longer than any verifier caches the JWKS. */
  publicationLeadSeconds: number
  rotationIntervalSeconds: number
  /** The longest lifetime of anything signed. */
  longestTokenSeconds: number
  /** How long a node may go on signing without having read the keys: so long may it use a key that was retired. */
  stalenessSeconds: number
  clockSkewSeconds: number
}

/** What decides when something is due; the rest decides what it then sets. */
export type DueSettings = Pick<
  ScheduleSettings,
  'algorithms' | 'algorithmsElsewhere' | 'rotationIntervalSeconds'
>

/**
 * start: a first key, which signs at once. promote: the published key signs, the signing one retires. withdraw: no node
 * uses the algorithm any more.
 */
export interface Transition {
  alg: SigningAlg
  action: 'start' | 'promote' | 'publish-next' | 'withdraw'
  at: Date
}

export function keyState(key: KeyTimes, now: Date): KeyState {
  if (key.revokedAt) return 'revoked'
  if (key.leavesJwksAt) return key.leavesJwksAt <= now ? 'gone' : 'retired'
  return key.activatedAt ? 'signing' : 'published'
}

export function isInJwks(key: KeyTimes, now: Date): boolean {
  const state = keyState(key, now)
  return state === 'published' || state === 'signing' || state === 'retired'
}

export function findSigningKey<Key extends KeyTimes>(
  keys: readonly Key[],
  alg: SigningAlg,
): Key | undefined {
  return keys.find((key) => key.alg === alg && key.activatedAt && !key.retiredAt && !key.revokedAt)
}

/** The published key that will sign next. */
export function findNextKey<Key extends KeyTimes>(
  keys: readonly Key[],
  alg: SigningAlg,
): Key | undefined {
  return keys.find((key) => key.alg === alg && !key.activatedAt && !key.revokedAt)
}

/** What has to be done at `now`, in this order; `at` says since when. */
export function dueTransitions(
  keys: readonly KeyTimes[],
  settings: DueSettings,
  now: Date,
): Transition[] {
  return plannedTransitions(keys, settings, now).filter(({ at }) => at <= now)
}

/** When the next thing is due or the JWKS next changes by itself; `now` when something is due already. */
export function nextTransitionAt(
  keys: readonly KeyTimes[],
  settings: DueSettings,
  now: Date,
): Date | undefined {
  const planned = plannedTransitions(keys, settings, now)
  const instants = planned.map(({ at }) => (at < now ? now : at))
  return earliest([...instants, nextLeavingAt(keys, now)])
}

/** When the JWKS next shrinks without anybody's doing. */
export function nextLeavingAt(keys: readonly KeyTimes[], now: Date): Date | undefined {
  const retired = keys.filter((key) => keyState(key, now) === 'retired')
  return earliest(retired.map((key) => key.leavesJwksAt ?? undefined))
}

/** Until when a key that retires is needed: by the last node that signs with it, for its longest token. */
export function lastUseOf(
  retiredAt: Date,
  settings: Pick<ScheduleSettings, 'stalenessSeconds' | 'longestTokenSeconds' | 'clockSkewSeconds'>,
): Date {
  const { stalenessSeconds, longestTokenSeconds, clockSkewSeconds } = settings
  return addSeconds(retiredAt, stalenessSeconds + longestTokenSeconds + clockSkewSeconds)
}

function plannedTransitions(
  keys: readonly KeyTimes[],
  settings: DueSettings,
  now: Date,
): Transition[] {
  return [
    ...settings.algorithms.flatMap((alg) => transitionsOf(alg, keys, settings, now)),
    ...withdrawals(keys, settings, now),
  ]
}

/** Of the algorithms that have a signing or a next key and that nobody uses. */
function withdrawals(
  keys: readonly KeyTimes[],
  { algorithms, algorithmsElsewhere }: DueSettings,
  now: Date,
): Transition[] {
  if (!algorithmsElsewhere) return []
  const used = new Set([...algorithms, ...algorithmsElsewhere])
  const unused = keys.filter((key) => !key.retiredAt && !key.revokedAt && !used.has(key.alg))
  return [...new Set(unused.map(({ alg }) => alg))].map((alg) => ({
    alg,
    action: 'withdraw',
    at: now,
  }))
}

function transitionsOf(
  alg: SigningAlg,
  keys: readonly KeyTimes[],
  settings: DueSettings,
  now: Date,
): Transition[] {
  const signing = findSigningKey(keys, alg)
  const next = findNextKey(keys, alg)
  if (!signing && !isAdded(alg, keys))
    return [
      { alg, action: next ? 'promote' : 'start', at: now },
      { alg, action: 'publish-next', at: now },
    ]
  if (!next) return [{ alg, action: 'publish-next', at: now }]
  const at = signing ? promotionAt(signing, next, settings) : next.signsFrom
  return [
    { alg, action: 'promote', at },
    { alg, action: 'publish-next', at },
  ]
}

/**
 * An algorithm that came into use, or came back, when others had been for long: verifiers hold a JWKS without it, so that
 * even its first key waits for the lead.
 */
export function isAdded(alg: SigningAlg, keys: readonly KeyTimes[]): boolean {
  return keys.some(({ activatedAt }) => activatedAt) && !findSigningKey(keys, alg)
}

function promotionAt(signing: KeyTimes, next: KeyTimes, settings: DueSettings): Date {
  const activatedAt = signing.activatedAt ?? signing.signsFrom
  const interval = addSeconds(activatedAt, settings.rotationIntervalSeconds)
  return next.signsFrom > interval ? next.signsFrom : interval
}

function earliest(instants: readonly (Date | undefined)[]): Date | undefined {
  const times = instants
    .filter((instant) => instant !== undefined)
    .map((instant) => instant.getTime())
  return times.length === 0 ? undefined : new Date(Math.min(...times))
}
