/** Carries out what the schedule plans: any number of nodes may try at once, one does it. Each change is audited with it. */
import type { AuditStore } from '../audit/store.ts'
import type { Clock } from '../database/clock.ts'
import type { Queryable } from '../database/database.ts'
import { Refusal } from '../protocol/refusal.ts'
import { makeAll, withKid, withoutKeys, type MadeChange } from './make-changes.ts'
import { toAuditEvents, type AuditedAct } from './audited.ts'
import {
  planDue,
  planPromotion,
  planPublication,
  planRevocation,
  type KeyChange,
  type PromotionPlan,
  type RevocationPlan,
} from './plan.ts'
import { addSeconds } from '../protocol/instants.ts'
import type { ScheduleSettings } from './schedule.ts'
import type { FreshKey, Signers } from './signer.ts'
import type { SigningKey, SigningKeyChanges, SigningKeyStore } from './store.ts'
import type { SigningAlg } from '../protocol/signing-algs.ts'

export type RotationSettings = Omit<ScheduleSettings, 'longestTokenSeconds' | 'algorithmsElsewhere'>

/** How long it is remembered that a node uses an algorithm; renewed at half time. Restarts and most outages take less. */
export const inUseSeconds = 3600

export type { MadeChange }
export type RotationOutcome = PromotionPlan & { changes: MadeChange[] }
export type RevocationOutcome = RevocationPlan & { changes: MadeChange[] }

export interface Act {
  /** Who does it, for the audit. */
  actor: string
  reason?: string | null
  /** Answers what would be done, and does nothing. */
  dryRun?: boolean
}

export interface RotationRequest extends Act {
  now?: Date
  /** All in use when absent. */
  algorithms?: readonly SigningAlg[]
  /** Also promotes a key that verifiers may not have fetched yet. */
  force?: boolean
  /** Promotes none, and publishes a next key where there is none. */
  publishOnly?: boolean
}

export interface RevocationRequest extends Act {
  /** Done in the same transaction. */
  also?: (at: Date, transaction: Queryable) => Promise<unknown>
}

export interface Rotation {
  /** At start: afterwards every algorithm has a next key, and a signing one unless it was added later. */
  ensureKeys(): Promise<MadeChange[]>
  /** Does what is due; changes nothing when nothing is. */
  runDue(now?: Date): Promise<MadeChange[]>
  /** Promotes the next keys before the rotation interval is over; one outcome per algorithm. */
  rotate(request: RotationRequest): Promise<RotationOutcome[]>
  /** Out of the JWKS at once; if the key was signing, the next one does from now on. */
  revoke(kid: string, request: RevocationRequest): Promise<RevocationOutcome>
}

interface Changing<Plan> extends AuditedAct {
  now?: Date | undefined
  dryRun?: boolean | undefined
  plan: (keys: readonly SigningKey[], current: ScheduleSettings, at: Date) => Plan
  also?: RevocationRequest['also'] | undefined
}

export function createRotation({
  store,
  signers,
  audit,
  clock,
  settings,
  longestTokenSeconds,
}: {
  store: SigningKeyStore
  signers: Pick<Signers, 'generate'>
  audit: Pick<AuditStore, 'record'>
  clock: Pick<Clock, 'now'>
  settings: RotationSettings
  /** Asked anew at every change, because API resources set lifetimes of their own. */
  longestTokenSeconds: () => Promise<number>
}): Rotation {
  let recordedUntil = new Date(0)

  /** Before anything is planned with other settings than ours, so that nobody withdraws what this node uses. */
  async function recordUse(now: Date): Promise<void> {
    if (recordedUntil > addSeconds(now, inUseSeconds / 2)) return
    const until = addSeconds(now, inUseSeconds)
    await store.recordAlgorithmsInUse(settings.algorithms, until)
    recordedUntil = until
  }

  async function runDue(now?: Date): Promise<MadeChange[]> {
    await recordUse(now ?? clock.now())
    const { changes } = await carryOut({
      now,
      action: 'keys.rotate',
      actor: 'schedule',
      plan: (keys, current, at) => ({ changes: planDue(keys, current, at) }),
    })
    return changes
  }

  return {
    ensureKeys: () => runDue(),
    runDue,

    async rotate({ algorithms = settings.algorithms, force = false, publishOnly, ...act }) {
      const foreign = algorithms.find((alg) => !settings.algorithms.includes(alg))
      if (foreign)
        throw new Refusal(
          `${foreign} is not in use: choose from ${settings.algorithms.join(', ')}.`,
        )
      const action = publishOnly ? 'keys.publish' : force ? 'keys.force' : 'keys.rotate'
      const outcomes: RotationOutcome[] = []
      for (const alg of algorithms)
        outcomes.push(
          await carryOut({
            ...act,
            action,
            plan: (keys, current, at) =>
              publishOnly
                ? planPublication(keys, current, at, { alg })
                : planPromotion(keys, current, at, { alg, force }),
          }),
        )
      return outcomes
    },

    revoke: (kid, { reason = null, ...act }) =>
      carryOut({
        ...act,
        reason,
        action: 'keys.revoke',
        plan: (keys, current, at) => planRevocation(keys, current, at, { kid, reason }),
      }),
  }

  /** Making keys takes long, so it is done before the lock is taken, and the plan is made anew under the lock. */
  async function carryOut<Plan extends { changes: KeyChange[] }>({
    now,
    dryRun,
    plan,
    also,
    ...act
  }: Changing<Plan>): Promise<Plan & { changes: MadeChange[] }> {
    const current = { ...settings, longestTokenSeconds: await longestTokenSeconds() }
    const planFrom = async (
      { list, listAlgorithmsInUse }: Pick<SigningKeyChanges, 'list' | 'listAlgorithmsInUse'>,
      at: Date,
    ) => plan(await list(), { ...current, algorithmsElsewhere: await listAlgorithmsInUse(at) }, at)
    const supply: FreshKey[] = []
    let planned = await planFrom(store, now ?? clock.now())
    if (dryRun) return { ...planned, changes: planned.changes.map(withKid) }
    while (planned.changes.length > 0) {
      supply.push(...(await generateMissing(planned.changes, supply)))
      const made = await store.change(async (changes, transaction) => {
        const at = now ?? clock.now()
        planned = await planFrom(changes, at)
        const done = await makeAll(changes, planned.changes, supply)
        for (const event of toAuditEvents(act, done ?? [], at))
          await audit.record(event, transaction)
        if (done && done.length > 0) await also?.(at, transaction)
        return done
      })
      if (made) return { ...planned, changes: made }
    }
    return { ...planned, changes: [] }
  }

  function generateMissing(
    changes: readonly KeyChange[],
    supply: readonly FreshKey[],
  ): Promise<FreshKey[]> {
    return Promise.all(withoutKeys(changes, supply).map((alg) => signers.generate(alg)))
  }
}
