/** What happened to the signing keys and what the schedule will do next, as one line of events. */
import { applyChanges, planDue } from './plan.ts'
import {
  dueTransitions,
  nextTransitionAt,
  type KeyTimes,
  type ScheduleSettings,
} from './schedule.ts'
import type { SigningAlg } from '../protocol/signing-algs.ts'

export type TimelineEventKind = 'published' | 'signs' | 'retires' | 'leaves' | 'revoked'

export interface TimelineEvent {
  at: Date
  alg: SigningAlg
  /** Undefined for a key that is yet to be made. */
  kid: string | undefined
  event: TimelineEventKind
  isPast: boolean
}

/** In order. The coming part ends with the given number of rotations of each algorithm, and what they make leave. */
export function timelineOf(
  keys: readonly KeyTimes[],
  settings: ScheduleSettings,
  now: Date,
  { rotations = 3 }: { rotations?: number } = {},
): TimelineEvent[] {
  const known = new Set(keys.map(({ kid }) => kid))
  const foreseen = settings.algorithms.reduce<readonly KeyTimes[]>(
    (rows, alg) => foresee(rows, alg, settings, now, rotations),
    keys,
  )
  return foreseen
    .flatMap((key) => eventsOf(key, known.has(key.kid) ? key.kid : undefined, now))
    .toSorted((a, b) => a.at.getTime() - b.at.getTime())
}

/** The rows as the schedule will have made them; all that is due now is done now. */
function foresee(
  keys: readonly KeyTimes[],
  alg: SigningAlg,
  settings: ScheduleSettings,
  now: Date,
  rotations: number,
): readonly KeyTimes[] {
  const own = { ...settings, algorithms: [alg] }
  let rows = keys
  let at: Date | undefined = now
  let made = 0
  let count = 0
  const newKid = () => `${alg} to come ${++count}`
  while (at && made < rotations) {
    const due = dueTransitions(rows, own, at)
    rows = applyChanges(rows, planDue(rows, own, at), newKid)
    if (due.some(({ action }) => action === 'promote')) made++
    at = nextTransitionAt(rows, own, at)
  }
  return rows
}

function eventsOf(key: KeyTimes, kid: string | undefined, now: Date): TimelineEvent[] {
  const { alg, revokedAt } = key
  const instants: [TimelineEventKind, Date | null][] = [
    ['published', key.publishedAt],
    ['signs', key.activatedAt],
    ['retires', key.retiredAt],
    ['leaves', key.leavesJwksAt],
    ['revoked', revokedAt],
  ]
  return instants.flatMap(([event, at]) =>
    at && !(event !== 'revoked' && revokedAt && at > revokedAt)
      ? [{ at, alg, kid, event, isPast: at <= now }]
      : [],
  )
}
