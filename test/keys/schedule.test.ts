import t from 'tap'
import { planDue, planPromotion, planRevocation } from '../../src/keys/plan.ts'
import { addSeconds } from '../../src/protocol/instants.ts'
import {
  dueTransitions,
  isAdded,
  keyState,
  nextTransitionAt,
  type ScheduleSettings,
} from '../../src/keys/schedule.ts'
import { carryOut, counter, states } from './model.ts'

const start = new Date('2026-11-22T00:00:00Z')
const hour = 3600
const day = 24 * hour
const settings: ScheduleSettings = {
  algorithms: ['RS256', 'ES256'],
  publicationLeadSeconds: day,
  rotationIntervalSeconds: 30 * day,
  longestTokenSeconds: hour,
  stalenessSeconds: 30,
  clockSkewSeconds: 60,
}
const onlyEs256: ScheduleSettings = { ...settings, algorithms: ['ES256'] }

t.test('a first key signs at once and its successor is published beside it', async (t) => {
  t.same(dueTransitions([], onlyEs256, start), [
    { alg: 'ES256', action: 'start', at: start },
    { alg: 'ES256', action: 'publish-next', at: start },
  ])
  const keys = carryOut([], planDue([], onlyEs256, start), counter())
  t.same(states(keys, start), { k1: 'signing', k2: 'published' })
  t.same(keys[1]?.signsFrom, addSeconds(start, day))
  t.same(dueTransitions(keys, onlyEs256, start), [])
})

t.test('a key goes from published to signing to retired to gone', async (t) => {
  const newKid = counter()
  let keys = carryOut([], planDue([], onlyEs256, start), newKid)
  const promotion = addSeconds(start, 30 * day)
  t.same(nextTransitionAt(keys, onlyEs256, start), promotion)
  t.same(dueTransitions(keys, onlyEs256, addSeconds(promotion, -1)), [])

  keys = carryOut(keys, planDue(keys, onlyEs256, promotion), newKid)
  t.same(states(keys, promotion), { k1: 'retired', k2: 'signing', k3: 'published' })

  const leaves = addSeconds(promotion, hour + 30 + 60)
  t.same(nextTransitionAt(keys, onlyEs256, promotion), leaves)
  t.equal(keyState(keys[0]!, addSeconds(leaves, -0.001)), 'retired')
  t.same(states(keys, leaves), { k1: 'gone', k2: 'signing', k3: 'published' })
  t.same(nextTransitionAt(keys, onlyEs256, leaves), addSeconds(promotion, 30 * day))
})

t.test('a lead longer than the rotation interval delays the promotion', async (t) => {
  const hasty = { ...onlyEs256, rotationIntervalSeconds: hour }
  const keys = carryOut([], planDue([], hasty, start), counter())
  t.same(nextTransitionAt(keys, hasty, start), addSeconds(start, day))
})

t.test('after a long outage one promotion is due, and it says since when', async (t) => {
  const newKid = counter()
  const keys = carryOut([], planDue([], onlyEs256, start), newKid)
  const late = addSeconds(start, 100 * day)
  t.same(dueTransitions(keys, onlyEs256, late), [
    { alg: 'ES256', action: 'promote', at: addSeconds(start, 30 * day) },
    { alg: 'ES256', action: 'publish-next', at: addSeconds(start, 30 * day) },
  ])
  t.same(nextTransitionAt(keys, onlyEs256, late), late)
  const after = carryOut(keys, planDue(keys, onlyEs256, late), newKid)
  t.same(dueTransitions(after, onlyEs256, late), [])
})

t.test('a lost signing key is replaced by the published one at once', async (t) => {
  const newKid = counter()
  const keys = carryOut([], planDue([], onlyEs256, start), newKid)
  const damaged = keys.slice(1)
  const after = carryOut(damaged, planDue(damaged, onlyEs256, start), newKid)
  t.same(states(after, start), { k2: 'signing', k3: 'published' })
})

t.test('the first key of an algorithm that is added later waits for the lead', async (t) => {
  const newKid = counter()
  const keys = carryOut([], planDue([], onlyEs256, start), newKid)
  const added = addSeconds(start, hour)
  const withPublished = carryOut(keys, planDue(keys, settings, added), newKid)
  t.same(states(withPublished, added), { k1: 'signing', k2: 'published', k3: 'published' })
  const lead = addSeconds(added, day)
  t.same(nextTransitionAt(withPublished, settings, added), lead)
  const rotation = { alg: 'RS256', force: false } as const
  t.equal(planPromotion(withPublished, settings, added, rotation).verdict, 'too-early')

  const promoted = carryOut(withPublished, planDue(withPublished, settings, lead), newKid)
  t.same(states(promoted, lead), { k1: 'signing', k2: 'published', k3: 'signing', k4: 'published' })
})

t.test('an algorithm that nobody uses any more signs no more, and leaves', async (t) => {
  const newKid = counter()
  const both = carryOut([], planDue([], settings, start), newKid)
  const after = (elsewhere: ScheduleSettings['algorithmsElsewhere']) => {
    const without = { ...onlyEs256, algorithmsElsewhere: elsewhere }
    return planDue(both, without, addSeconds(start, hour))
  }
  t.same(after(undefined), [], 'not while nobody knows what others use')
  t.same(after(['RS256']), [], 'nor while a node uses it, as in a rolling restart')
  const leavesJwksAt = addSeconds(start, 2 * hour + 30 + 60)
  t.match(after([]), [
    { change: 'retire', alg: 'RS256', kid: 'k1', retiredAt: Date, leavesJwksAt: Date },
    { change: 'revoke', alg: 'RS256', kid: 'k2', reason: /not in use/ },
  ])

  const none = { ...onlyEs256, algorithmsElsewhere: [] }
  const withdrawn = carryOut(both, after([]), newKid)
  const at = (instant: Date) => states(withdrawn, instant)
  const es256 = { k3: 'signing', k4: 'published' }
  t.same(at(addSeconds(leavesJwksAt, -0.001)), { k1: 'retired', k2: 'revoked', ...es256 })
  t.same(at(leavesJwksAt), { k1: 'gone', k2: 'revoked', ...es256 }, 'after its last token')
  t.same(dueTransitions(withdrawn, none, leavesJwksAt), [], 'once')
  t.same(planDue(withdrawn, { ...none, algorithms: [] }, start).length, 2, 'whichever it is')
})

t.test('an algorithm that comes back waits for the lead like one that is added', async (t) => {
  const newKid = counter()
  const both = carryOut([], planDue([], settings, start), newKid)
  const none = { ...onlyEs256, algorithmsElsewhere: [] }
  const withdrawn = carryOut(both, planDue(both, none, addSeconds(start, 60)), newKid)
  const back = addSeconds(start, hour)
  t.equal(isAdded('RS256', withdrawn), true)
  const published = carryOut(withdrawn, planDue(withdrawn, settings, back), newKid)
  t.same(states(published, back), {
    k1: 'retired',
    k2: 'revoked',
    k3: 'signing',
    k4: 'published',
    k5: 'published',
  })
  const lead = addSeconds(back, day)
  t.same(dueTransitions(published, settings, addSeconds(lead, -1)), [])
  t.match(planDue(published, settings, lead), [
    { change: 'activate', alg: 'RS256', kid: 'k5' },
    { change: 'publish', alg: 'RS256' },
  ])
})

t.test('a key that is revoked gets no successor that nobody would use', async (t) => {
  const both = carryOut([], planDue([], settings, start), counter())
  const revoke = (elsewhere: ScheduleSettings['algorithmsElsewhere']) =>
    planRevocation(both, { ...onlyEs256, algorithmsElsewhere: elsewhere }, start, {
      kid: 'k1',
      reason: null,
    }).changes
  const kinds = (...given: Parameters<typeof revoke>) =>
    revoke(...given).map(({ change }) => change)
  t.same(kinds([]), ['revoke'])
  const left = carryOut(both, revoke([]), counter())
  const due = dueTransitions(left, settings, start)
  t.same(due, [], 'and when it comes back, the next one waits for its lead')
  t.same(kinds(['RS256']), ['revoke', 'activate', 'publish'])
  t.same(kinds(undefined), ['revoke', 'activate', 'publish'], 'when that is not known')
})

t.test('a lost next key is made anew', async (t) => {
  const newKid = counter()
  const keys = carryOut([], planDue([], onlyEs256, start), newKid).slice(0, 1)
  t.same(dueTransitions(keys, onlyEs256, start), [
    { alg: 'ES256', action: 'publish-next', at: start },
  ])
  const rotation = { alg: 'ES256', force: true } as const
  const plan = planPromotion(keys, onlyEs256, start, rotation)
  t.equal(plan.verdict, 'too-early', 'not even by force is a key used that nobody could fetch')
  t.same(plan.signsFrom, addSeconds(start, day))
  t.same(states(carryOut(keys, plan.changes, newKid), start), { k1: 'signing', k3: 'published' })
})
