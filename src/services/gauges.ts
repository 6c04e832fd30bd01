/** What is read when somebody asks for the metrics, rather than counted: one entry each. */
import type { Clock } from '../database/clock.ts'
import type { Database } from '../database/database.ts'
import { createJobsStore } from '../jobs/store.ts'
import type { Keyring } from '../keys/keyring.ts'
import type { RevocationFeed } from '../revocation/feed.ts'
import type { EventBuffer } from '../watch/event-buffer.ts'
import type { GaugeOptions, Metrics } from '../watch/metrics.ts'

export function addGauges({
  metrics,
  database,
  clock,
  keyring,
  events,
  revocationFeed,
}: {
  metrics: Pick<Metrics, 'gauge'>
  database: Database
  clock: Pick<Clock, 'now'>
  keyring: Pick<Keyring, 'nextTransition'>
  events: Pick<EventBuffer, 'waiting'>
  revocationFeed: Pick<RevocationFeed, 'asOf'>
}): void {
  const store = createJobsStore(database)

  const gauges: GaugeOptions[] = [
    {
      name: 'database_waiting',
      help: 'Statements and transactions that wait for a connection of the pool.',
      read: () => database.waiting(),
    },
    {
      name: 'events_waiting',
      help: 'Events that wait to become rows.',
      read: () => events.waiting(),
    },
    {
      name: 'signing_keys_next_transition_timestamp_seconds',
      help: 'When the signing keys next change.',
      read: () => toSeconds(keyring.nextTransition()),
    },
    {
      name: 'feed_age_seconds',
      help: 'How old what this node knows of revocations is at most.',
      read: () => ageOf(revocationFeed.asOf(), clock.now()),
    },
    {
      name: 'oldest_expired_row_seconds',
      help: 'How long ago the oldest row expired that is still there, by table.',
      label: 'table',
      read: async () => agesOf(await store.findFirstExpiries(), clock.now()),
    },
  ]
  for (const gauge of gauges) metrics.gauge(gauge)
}

function toSeconds(instant: Date | undefined): number | undefined {
  return instant && instant.getTime() / 1000
}

function ageOf(instant: Date | undefined, now: Date): number | undefined {
  return instant && Math.max(0, now.getTime() - instant.getTime()) / 1000
}

function agesOf(instants: ReadonlyMap<string, Date>, now: Date): Map<string, number> {
  return new Map([...instants].map(([name, at]) => [name, ageOf(at, now)!]))
}
