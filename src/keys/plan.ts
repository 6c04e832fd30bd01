/** What rotation and revocation change, decided purely: the same plan serves a dry run and the transaction. */
import { addSeconds } from '../protocol/instants.ts'
import {
  dueTransitions,
  findNextKey,
  findSigningKey,
  keyState,
  lastUseOf,
  type KeyTimes,
  type ScheduleSettings,
  type Transition,
} from './schedule.ts'
import type { SigningAlg } from '../protocol/signing-algs.ts'

/** One change of a row. A key that is to be published has no kid before it is generated. */
export type KeyChange =
  | {
      change: 'publish'
      alg: SigningAlg
      publishedAt: Date
      signsFrom: Date
      activatedAt: Date | null
    }
  | { change: 'activate'; alg: SigningAlg; kid: string; activatedAt: Date }
  | { change: 'retire'; alg: SigningAlg; kid: string; retiredAt: Date; leavesJwksAt: Date }
  | { change: 'revoke'; alg: SigningAlg; kid: string; revokedAt: Date; reason: string | null }

export interface PromotionPlan {
  alg: SigningAlg
  verdict: 'promoted' | 'too-early' | 'published'
  /** From when the key may sign: in the future after a forced promotion, a publication, and when it is too early. */
  signsFrom: Date
  changes: KeyChange[]
}

export interface RevocationPlan {
  verdict: 'revoked' | 'unknown' | 'already-revoked'
  changes: KeyChange[]
}

const unused = 'Its algorithm is not in use any more.'

export function planDue(
  keys: readonly KeyTimes[],
  settings: ScheduleSettings,
  now: Date,
): KeyChange[] {
  return dueTransitions(keys, settings, now).flatMap(({ alg, action }) =>
    carryOut(action, alg, keys, settings, now),
  )
}

/** Promotes the next key before the rotation interval is over, but not before it may sign unless forced. */
export function planPromotion(
  keys: readonly KeyTimes[],
  settings: ScheduleSettings,
  now: Date,
  { alg, force }: { alg: SigningAlg; force: boolean },
): PromotionPlan {
  const next = findNextKey(keys, alg)
  const own = onlyOf(alg, settings)
  const isDue = dueTransitions(keys, own, now).some(({ action }) => action === 'promote')
  const isAllowed = next && (force || isDue || next.signsFrom <= now)
  if (!isAllowed) {
    const signsFrom = next?.signsFrom ?? addSeconds(now, settings.publicationLeadSeconds)
    const changes = planDue(keys, own, now)
    return { alg, verdict: 'too-early', signsFrom, changes }
  }
  const changes = [
    ...carryOut('promote', alg, keys, settings, now),
    ...carryOut('publish-next', alg, keys, settings, now),
  ]
  return { alg, verdict: 'promoted', signsFrom: next.signsFrom, changes }
}

/** Makes sure that a next key is published, and leaves the rest to the schedule. */
export function planPublication(
  keys: readonly KeyTimes[],
  settings: ScheduleSettings,
  now: Date,
  { alg }: { alg: SigningAlg },
): PromotionPlan {
  const next = findNextKey(keys, alg)
  if (next) return { alg, verdict: 'published', signsFrom: next.signsFrom, changes: [] }
  const signsFrom = addSeconds(now, settings.publicationLeadSeconds)
  const changes = carryOut('publish-next', alg, keys, settings, now)
  return { alg, verdict: 'published', signsFrom, changes }
}

/** Takes a key out at once. If it was signing or next, its place is filled in the same step while anybody uses it. */
export function planRevocation(
  keys: readonly KeyTimes[],
  settings: ScheduleSettings,
  now: Date,
  { kid, reason }: { kid: string; reason: string | null },
): RevocationPlan {
  const key = keys.find((candidate) => candidate.kid === kid)
  if (!key) return { verdict: 'unknown', changes: [] }
  if (key.revokedAt) return { verdict: 'already-revoked', changes: [] }
  const remaining = keys.map((each) => (each === key ? { ...key, revokedAt: now } : each))
  const { algorithms, algorithmsElsewhere = [key.alg] } = settings
  const isUsed = [...algorithms, ...algorithmsElsewhere].includes(key.alg)
  const replacements = isUsed ? replace(key, remaining, settings, now) : []
  const revoke: KeyChange = { change: 'revoke', alg: key.alg, kid, revokedAt: now, reason }
  return { verdict: 'revoked', changes: [revoke, ...replacements] }
}

function replace(
  revoked: KeyTimes,
  remaining: readonly KeyTimes[],
  settings: ScheduleSettings,
  now: Date,
): KeyChange[] {
  const { alg } = revoked
  if (keyState(revoked, now) !== 'signing') return planDue(remaining, onlyOf(alg, settings), now)
  // At once, although verifiers may not know it yet: nothing else can sign.
  const action = findNextKey(remaining, alg) ? 'promote' : 'start'
  return [
    ...carryOut(action, alg, remaining, settings, now),
    ...carryOut('publish-next', alg, remaining, settings, now),
  ]
}

/** The rows as they are after the changes. */
export function applyChanges(
  keys: readonly KeyTimes[],
  changes: readonly KeyChange[],
  newKid: () => string,
): KeyTimes[] {
  let rows = [...keys]
  for (const change of changes)
    if (change.change === 'publish') {
      const { alg, publishedAt, signsFrom, activatedAt } = change
      const unset = { retiredAt: null, leavesJwksAt: null, revokedAt: null }
      rows.push({ kid: newKid(), alg, publishedAt, signsFrom, activatedAt, ...unset })
    } else {
      rows = rows.map((row) => (row.kid === change.kid ? { ...row, ...change } : row))
    }
  return rows
}

function carryOut(
  action: Transition['action'],
  alg: SigningAlg,
  keys: readonly KeyTimes[],
  settings: ScheduleSettings,
  now: Date,
): KeyChange[] {
  if (action === 'start')
    return [{ change: 'publish', alg, publishedAt: now, signsFrom: now, activatedAt: now }]
  if (action === 'publish-next') {
    const signsFrom = addSeconds(now, settings.publicationLeadSeconds)
    return [{ change: 'publish', alg, publishedAt: now, signsFrom, activatedAt: null }]
  }
  const signing = findSigningKey(keys, alg)
  const next = findNextKey(keys, alg)
  if (action === 'withdraw')
    return [
      ...(signing ? [retire(signing, settings, now)] : []),
      // It has signed nothing, so nobody misses it.
      ...(next
        ? [{ change: 'revoke', alg, kid: next.kid, revokedAt: now, reason: unused } as const]
        : []),
    ]
  return [
    ...(signing ? [retire(signing, settings, now)] : []),
    ...(next ? [{ change: 'activate', alg, kid: next.kid, activatedAt: now } as const] : []),
  ]
}

/** Leaves all others as they are. */
function onlyOf(alg: SigningAlg, settings: ScheduleSettings): ScheduleSettings {
  return { ...settings, algorithms: [alg], algorithmsElsewhere: undefined }
}

function retire({ alg, kid }: KeyTimes, settings: ScheduleSettings, now: Date): KeyChange {
  const leavesJwksAt = lastUseOf(now, settings)
  return { change: 'retire', alg, kid, retiredAt: now, leavesJwksAt }
}
