/** Carries out what the schedule plans: any number of nodes may try at once, one does it. */
import type { Clock } from '../database/clock.ts'
import { Refusal } from '../protocol/refusal.ts'
import type { AlgorithmSettings } from './algorithms.ts'
import { generateSigningKey, type FreshKey } from './generate.ts'
import {
  planDue,
  planPromotion,
  planRevocation,
  type KeyChange,
  type PromotionPlan,
  type RevocationPlan,
} from './plan.ts'
import type { ScheduleSettings } from './schedule.ts'
import type { SigningKey, SigningKeyChanges, SigningKeyStore } from './store.ts'
import type { Vault } from './vault.ts'
import type { SigningAlg } from '../protocol/signing-algs.ts'

export type RotationSettings = Omit<ScheduleSettings, 'longestTokenSeconds'> & AlgorithmSettings

/** A change that was made; a published key has its kid by now. */
export type MadeChange = KeyChange & { kid: string }
export type RotationOutcome = PromotionPlan & { changes: MadeChange[] }
export type RevocationOutcome = RevocationPlan & { changes: MadeChange[] }

export interface RotationRequest {
  now?: Date
  /** All in use when absent. */
  algorithms?: readonly SigningAlg[]
  /** Also promotes a key that verifiers may not have fetched yet. */
  force?: boolean
}

export interface Rotation {
  /** At start: afterwards every algorithm has a signing key and a next one. */
  ensureKeys(): Promise<MadeChange[]>
  /** Does what is due; changes nothing when nothing is. */
  runDue(now?: Date): Promise<MadeChange[]>
  /** Promotes the next keys before the rotation interval is over; one outcome per algorithm. */
  rotate(request?: RotationRequest): Promise<RotationOutcome[]>
  /** Out of the JWKS at once; if the key was signing, the next one does from now on. */
  revoke(kid: string, reason: string | null): Promise<RevocationOutcome>
}

export function createRotation({
  store,
  vault,
  clock,
  settings,
  longestTokenSeconds,
}: {
  store: SigningKeyStore
  vault: Vault
  clock: Pick<Clock, 'now'>
  settings: RotationSettings
  /** Asked anew at every change, because API resources set lifetimes of their own. */
  longestTokenSeconds: () => Promise<number>
}): Rotation {
  async function runDue(now?: Date): Promise<MadeChange[]> {
    const { changes } = await carryOut(now, (keys, current, at) => ({
      changes: planDue(keys, current, at),
    }))
    return changes
  }

  return {
    ensureKeys: () => runDue(),
    runDue,

    async rotate({ now, algorithms = settings.algorithms, force = false } = {}) {
      const foreign = algorithms.find((alg) => !settings.algorithms.includes(alg))
      if (foreign)
        throw new Refusal(
          `${foreign} is not in use: choose from ${settings.algorithms.join(', ')}.`,
        )
      const outcomes: RotationOutcome[] = []
      for (const alg of algorithms)
        outcomes.push(
          await carryOut(now, (keys, current, at) =>
            planPromotion(keys, current, at, { alg, force }),
          ),
        )
      return outcomes
    },

    revoke: (kid, reason) =>
      carryOut(undefined, (keys, current, at) =>
        planRevocation(keys, current, at, { kid, reason }),
      ),
  }

  /** Making keys takes long, so it is done before the lock is taken, and the plan is made anew under the lock. */
  async function carryOut<Plan extends { changes: KeyChange[] }>(
    now: Date | undefined,
    plan: (keys: readonly SigningKey[], current: ScheduleSettings, at: Date) => Plan,
  ): Promise<Plan & { changes: MadeChange[] }> {
    const current = { ...settings, longestTokenSeconds: await longestTokenSeconds() }
    const supply: FreshKey[] = []
    let planned = plan(await store.list(), current, now ?? clock.now())
    while (planned.changes.length > 0) {
      supply.push(...(await generateMissing(planned.changes, supply)))
      const made = await store.change(async (changes) => {
        planned = plan(await changes.list(), current, now ?? clock.now())
        return makeAll(changes, planned.changes, supply)
      })
      if (made) return { ...planned, changes: made }
    }
    return { ...planned, changes: [] }
  }

  function generateMissing(
    changes: readonly KeyChange[],
    supply: readonly FreshKey[],
  ): Promise<FreshKey[]> {
    const missing = withoutKeys(changes, supply)
    return Promise.all(missing.map((alg) => generateSigningKey(alg, settings, vault)))
  }
}

/** Makes nothing and answers undefined when the supply does not hold a key for everything to publish. */
async function makeAll(
  changes: SigningKeyChanges,
  planned: readonly KeyChange[],
  supply: readonly FreshKey[],
): Promise<MadeChange[] | undefined> {
  if (withoutKeys(planned, supply).length > 0) return undefined
  const left = [...supply]
  const made: MadeChange[] = []
  for (const change of planned) {
    if (change.change === 'publish') {
      const [key] = left.splice(
        left.findIndex(({ alg }) => alg === change.alg),
        1,
      )
      await changes.insert({ ...key!, ...change })
      made.push({ ...change, kid: key!.kid })
    } else {
      await changes.apply(change)
      made.push(change)
    }
  }
  return made
}

/** The algorithms of keys to publish for which the supply holds none. */
function withoutKeys(changes: readonly KeyChange[], supply: readonly FreshKey[]): SigningAlg[] {
  const left = supply.map(({ alg }) => alg)
  const missing: SigningAlg[] = []
  for (const { change, alg } of changes) {
    if (change !== 'publish') continue
    const at = left.indexOf(alg)
    if (at < 0) missing.push(alg)
    else left.splice(at, 1)
  }
  return missing
}
