/** Looks for what looks like an attack. Every node does; what one has found the others do not tell again. */
import type { Metrics } from '../watch/metrics.ts'
import type { Signals } from '../watch/signals.ts'
import type { Job } from './job.ts'

export function createDetectSignalsJob({
  signals,
  metrics,
  log,
}: {
  signals: Signals
  metrics: Pick<Metrics, 'signals'>
  log: { warn(details: object, message: string): void }
}): Job {
  return {
    name: 'detect-signals',
    intervalSeconds: 15,
    async run() {
      for (const { kind, details, ...rest } of await signals.detect()) {
        metrics.signals.inc({ kind })
        log.warn({ signal: kind, ...rest, ...details }, 'signal')
      }
    },
  }
}
