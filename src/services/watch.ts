/** The watch over tokens: what is recorded, what is found in it, what is counted and measured. */
import { createEventBuffer } from '../watch/event-buffer.ts'
import { createEventStore } from '../watch/events-store.ts'
import { createMetrics } from '../watch/metrics.ts'
import { createSignalStore } from '../watch/signals-store.ts'
import { createSignals } from '../watch/signals.ts'
import { createWatch } from '../watch/watch.ts'
import type { ServiceOptions } from './admin.ts'

export function createWatchServices({ config, database, clock }: ServiceOptions) {
  const { eventRetentionSeconds, signalRefusals } = config
  const metrics = createMetrics()
  const store = createEventStore(database)
  const events = createEventBuffer({
    write: (batch) => store.insert(batch, eventRetentionSeconds),
    onDrop: (count) => metrics.eventsDropped.inc(count),
  })
  return {
    metrics,
    events,
    watch: createWatch({
      events,
      metrics,
      clock,
      keepsRows: eventRetentionSeconds > 0,
      mostRefusals: Math.max(600, signalRefusals + 1), // so many are a signal yet
    }),
    signals: createSignals({ store: createSignalStore(database), clock, settings: config }),
  }
}
