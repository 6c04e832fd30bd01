/** What the watch hears of one request: whom it is about, as that becomes known, and what happened. */
import type { Origin, Subjects, TokenEvent } from './events.ts'
import type { RefreshVerdict } from './metrics.ts'
import type { Watch } from './watch.ts'

export interface Witness {
  /** Goes into every later event of this request. */
  learn(subjects: Subjects): void
  record(event: TokenEvent): void
  recordRefresh(outcome: { verdict: RefreshVerdict; family?: Subjects }): void
}

export function createWitness(watch: Watch, origin: Origin): Witness {
  let known: Subjects = {}

  function record(event: TokenEvent): void {
    watch.record({ ...known, ...event }, origin)
  }

  return {
    learn(subjects) {
      known = { ...known, ...subjects }
    },
    record,
    recordRefresh({ verdict, family = {} }) {
      known = { ...known, ...family }
      watch.countRefresh(verdict)
      if (verdict === 'replayed' || verdict === 'reused') record({ type: `refresh.${verdict}` })
    },
  }
}
