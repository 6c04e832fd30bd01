import t from 'tap'
import { applyChanges, planDue, planRevocation } from '../../src/keys/plan.ts'
import { addSeconds } from '../../src/protocol/instants.ts'
import type { ScheduleSettings } from '../../src/keys/schedule.ts'
import { timelineOf } from '../../src/keys/timeline.ts'
import { counter } from './model.ts'

const start = new Date('2026-11-22T00:00:00Z')
const settings: ScheduleSettings = {
  algorithms: ['ES256'],
  publicationLeadSeconds: 100,
  rotationIntervalSeconds: 1000,
  longestTokenSeconds: 30,
  stalenessSeconds: 10,
  clockSkewSeconds: 5,
}
const at = (seconds: number) => addSeconds(start, seconds)

function describe(events: ReturnType<typeof timelineOf>) {
  return events.map(({ at: instant, kid, event, isPast }) => {
    const seconds = (instant.getTime() - start.getTime()) / 1000
    return `${isPast ? 'past' : 'to come'} ${seconds}: ${kid ?? 'a new key'} ${event}`
  })
}

t.test('what was and what comes, in order', async (t) => {
  const keys = applyChanges([], planDue([], settings, start), counter())
  t.same(describe(timelineOf(keys, settings, at(10), { rotations: 2 })), [
    'past 0: k1 published',
    'past 0: k1 signs',
    'past 0: k2 published',
    'to come 1000: k1 retires',
    'to come 1000: k2 signs',
    'to come 1000: a new key published',
    'to come 1045: k1 leaves',
    'to come 2000: k2 retires',
    'to come 2000: a new key signs',
    'to come 2000: a new key published',
    'to come 2045: k2 leaves',
  ])
})

t.test('three rotations of each algorithm are foreseen', async (t) => {
  const both: ScheduleSettings = { ...settings, algorithms: ['RS256', 'ES256'] }
  const keys = applyChanges([], planDue([], both, start), counter())
  const signs = timelineOf(keys, both, at(10)).filter(
    ({ event, isPast }) => event === 'signs' && !isPast,
  )
  t.same(
    signs.map(({ alg, at: instant }) => [alg, instant]),
    [1000, 2000, 3000].flatMap((seconds) => [
      ['RS256', at(seconds)],
      ['ES256', at(seconds)],
    ]),
  )
})

t.test('a revoked key has no later events', async (t) => {
  const newKid = counter()
  const keys = applyChanges([], planDue([], settings, start), newKid)
  const rotated = applyChanges(keys, planDue(keys, settings, at(1000)), newKid)
  const request = { kid: 'k1', reason: null }
  const plan = planRevocation(rotated, settings, at(1010), request)
  const revoked = applyChanges(rotated, plan.changes, newKid)
  const events = timelineOf(revoked, settings, at(1010)).filter(({ kid }) => kid === 'k1')
  t.same(describe(events), [
    'past 0: k1 published',
    'past 0: k1 signs',
    'past 1000: k1 retires',
    'past 1010: k1 revoked',
  ])
})
