import * as fc from 'fast-check'
import t from 'tap'
import { planDue, planPromotion, planRevocation, type KeyChange } from '../../src/keys/plan.ts'
import { addSeconds } from '../../src/protocol/instants.ts'
import {
  dueTransitions,
  findNextKey,
  findSigningKey,
  isInJwks,
  keyState,
  nextTransitionAt,
  type KeyTimes,
  type ScheduleSettings,
} from '../../src/keys/schedule.ts'
import { carryOut, counter, states } from './model.ts'
import type { SigningAlg } from '../../src/protocol/signing-algs.ts'

const start = new Date('2026-11-22T00:00:00Z')

type Step =
  | { step: 'wait'; seconds: number }
  | { step: 'run' }
  | { step: 'rotate'; alg: SigningAlg; force: boolean }
  | { step: 'revoke'; which: number }
  | { step: 'sign'; alg: SigningAlg }

const arbitraryAlg = fc.constantFrom<SigningAlg>('RS256', 'ES256')
const arbitraryStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      step: fc.constant('wait' as const),
      seconds: fc.oneof(fc.integer({ min: 0, max: 400 }), fc.integer({ min: 0, max: 4000 })),
    }),
  },
  { weight: 3, arbitrary: fc.record({ step: fc.constant('run' as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      step: fc.constant('rotate' as const),
      alg: arbitraryAlg,
      force: fc.boolean(),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ step: fc.constant('revoke' as const), which: fc.nat(30) }),
  },
  { weight: 4, arbitrary: fc.record({ step: fc.constant('sign' as const), alg: arbitraryAlg }) },
)
const arbitrarySettings: fc.Arbitrary<ScheduleSettings> = fc.record({
  algorithms: fc.constant<SigningAlg[]>(['RS256', 'ES256']),
  publicationLeadSeconds: fc.integer({ min: 1, max: 500 }),
  rotationIntervalSeconds: fc.integer({ min: 1, max: 1500 }),
  longestTokenSeconds: fc.integer({ min: 1, max: 300 }),
  stalenessSeconds: fc.integer({ min: 0, max: 30 }),
  clockSkewSeconds: fc.integer({ min: 0, max: 30 }),
})

/** A history: what was done, and what an observer would remember of it. */
class History {
  keys: KeyTimes[] = []
  now = start
  readonly #settings: ScheduleSettings
  readonly #newKid = counter()
  readonly #tokens: { kid: string; expiresAt: Date }[] = []
  readonly #hurried = new Set<string>() // by force or after a revocation

  constructor(scheduleSettings: ScheduleSettings) {
    this.#settings = scheduleSettings
    this.#change(planDue(this.keys, this.#settings, this.now))
  }

  take(step: Step): void {
    if (step.step === 'wait') this.now = addSeconds(this.now, step.seconds)
    if (step.step === 'run') this.#change(planDue(this.keys, this.#settings, this.now))
    if (step.step === 'rotate') this.#rotate(step)
    if (step.step === 'revoke') this.#revoke(this.keys[step.which % this.keys.length]!.kid)
    if (step.step === 'sign') this.#sign(step.alg)
  }

  check(): void {
    const { keys, now } = this
    for (const alg of this.#settings.algorithms) {
      const own = states(
        keys.filter((key) => key.alg === alg),
        now,
      )
      const count = (state: string) => Object.values(own).filter((each) => each === state).length
      expect(count('signing') === 1, `exactly one signing key for ${alg}`)
      expect(count('published') === 1, `exactly one next key for ${alg}`)
    }
    for (const key of keys) {
      const isSeen = isInJwks(key, now)
      expect(!(isSeen && key.revokedAt), 'no revoked key in the JWKS')
      const { activatedAt, signsFrom, publishedAt } = key
      if (activatedAt && !this.#hurried.has(key.kid))
        expect(activatedAt >= signsFrom, 'no key signs before its lead has passed')
      expect(signsFrom >= publishedAt, 'no key signs before it is published')
    }
    for (const token of this.#tokens) {
      const key = keys.find(({ kid }) => kid === token.kid)!
      const skewed = addSeconds(now, -this.#settings.clockSkewSeconds)
      const isAlive = !key.revokedAt && token.expiresAt > skewed
      expect(!isAlive || isInJwks(key, now), 'the key of a living token is in the JWKS')
    }
    this.#checkNextTransition()
  }

  /** Nothing happens by itself before the instant that is announced, and something does at it. */
  #checkNextTransition(): void {
    const next = nextTransitionAt(this.keys, this.#settings, this.now)
    expect(next !== undefined, 'something is always to come')
    const describe = (at: Date) =>
      JSON.stringify([
        states(this.keys, at),
        dueTransitions(this.keys, this.#settings, at).map(({ alg, action }) => [alg, action]),
      ])
    const isDue = dueTransitions(this.keys, this.#settings, this.now).length > 0
    expect(isDue === (next!.getTime() === this.now.getTime()), 'what is due is announced as now')
    if (isDue) return
    expect(describe(new Date(next!.getTime() - 1)) === describe(this.now), 'nothing changes before')
    expect(describe(next!) !== describe(this.now), 'something changes then')
  }

  #sign(alg: SigningAlg): void {
    const { kid } = findSigningKey(this.keys, alg)!
    const expiresAt = addSeconds(this.now, this.#settings.longestTokenSeconds)
    this.#tokens.push({ kid, expiresAt })
  }

  #rotate({ alg, force }: { alg: SigningAlg; force: boolean }): void {
    const next = findNextKey(this.keys, alg)!
    const plan = planPromotion(this.keys, this.#settings, this.now, { alg, force })
    const isEarly = this.now < next.signsFrom
    expect(plan.verdict === (isEarly && !force ? 'too-early' : 'promoted'), 'the right verdict')
    if (isEarly) this.#hurried.add(next.kid)
    this.#change(plan.changes)
    const signing = findSigningKey(this.keys, alg)!
    expect((signing.kid === next.kid) === (plan.verdict === 'promoted'), 'the verdict is true')
  }

  #revoke(kid: string): void {
    const key = this.keys.find((each) => each.kid === kid)!
    const next = findNextKey(this.keys, key.alg)!
    const request = { kid, reason: null }
    const plan = planRevocation(this.keys, this.#settings, this.now, request)
    expect((plan.verdict === 'already-revoked') === (key.revokedAt !== null), 'the right verdict')
    if (keyState(key, this.now) === 'signing') this.#hurried.add(next.kid)
    this.#change(plan.changes)
    expect(
      keyState(
        this.keys.find((each) => each.kid === kid)!,
        this.now,
      ) === 'revoked',
      'revoked',
    )
  }

  #change(changes: readonly KeyChange[]): void {
    this.keys = carryOut(this.keys, changes, this.#newKid)
  }
}

function expect(holds: boolean, rule: string): void {
  if (!holds) throw new Error(`broken: ${rule}`)
}

t.test('whatever happens in whatever order, the rules of the schedule hold', async (t) => {
  t.doesNotThrow(() =>
    fc.assert(
      fc.property(
        arbitrarySettings,
        fc.array(arbitraryStep, { maxLength: 60 }),
        (scheduleSettings, steps) => {
          const history = new History(scheduleSettings)
          history.check()
          for (const step of steps) {
            history.take(step)
            history.check()
          }
        },
      ),
      { numRuns: 1000 },
    ),
  )
})

t.test('left to itself, a key signs only after the lead, for the interval at least', async (t) => {
  t.doesNotThrow(() =>
    fc.assert(
      fc.property(arbitrarySettings, fc.array(fc.nat(2000), { maxLength: 50 }), (given, waits) => {
        const newKid = counter()
        let now = start
        let keys = carryOut([], planDue([], given, now), newKid)
        for (const seconds of waits) {
          now = addSeconds(now, seconds)
          keys = carryOut(keys, planDue(keys, given, now), newKid)
        }
        for (const key of keys.slice(2 * given.algorithms.length)) {
          if (!key.activatedAt) continue
          const lead = key.activatedAt.getTime() - key.publishedAt.getTime()
          expect(lead >= given.publicationLeadSeconds * 1000, 'published for the lead')
        }
        for (const { activatedAt, retiredAt } of keys) {
          if (!activatedAt || !retiredAt) continue
          const used = retiredAt.getTime() - activatedAt.getTime()
          expect(used >= given.rotationIntervalSeconds * 1000, 'used for the interval')
        }
      }),
    ),
  )
})
