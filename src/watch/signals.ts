/** What looks like an attack. Signals only tell: whether to revoke anything is for people to decide. */
import type { Clock } from '../database/clock.ts'
import { signalKinds, type Signal, type SignalKind, type SignalStore } from './signals-store.ts'

const day = 86_400
/** A reuse is rare and grave: one that was written late, after an outage, is still found. */
const reuseLookBackSeconds = day
const retentionSeconds = 30 * day

export interface SignalSettings {
  signalNetworks: number
  signalRefusals: number
  signalWindowSeconds: number
}

export interface Signals {
  /** Those that no node has found before. */
  detect(): Promise<Signal[]>
}

export function createSignals({
  store,
  clock,
  settings,
}: {
  store: Pick<SignalStore, 'detect'>
  clock: Pick<Clock, 'now'>
  settings: SignalSettings
}): Signals {
  const { signalNetworks, signalRefusals, signalWindowSeconds: windowSeconds } = settings
  const searches: Record<SignalKind, { most: number; seconds: number }> = {
    'refresh-reuse': { most: 0, seconds: reuseLookBackSeconds },
    'code-reuse': { most: 0, seconds: reuseLookBackSeconds },
    'several-networks': { most: signalNetworks, seconds: windowSeconds },
    'many-refusals': { most: signalRefusals, seconds: windowSeconds },
  }

  return {
    async detect() {
      const now = clock.now().getTime()
      const found: Signal[] = []
      for (const kind of signalKinds) {
        const { most, seconds } = searches[kind]
        const since = new Date(now - seconds * 1000)
        const search = { since, windowSeconds, most, retentionSeconds }
        found.push(...(await store.detect(kind, search)))
      }
      return found
    },
  }
}
