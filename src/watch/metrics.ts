/** What is counted, for Prometheus. Each createServices has a registry of its own; no label takes values from requests. */
import { setTimeout as delay } from 'node:timers/promises'
import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import { eventTypes, type TokenEvent } from './events.ts'
import { signalKinds } from './signals-store.ts'

const refreshVerdicts = [
  'rotated',
  'replayed',
  'reused',
  'scope-exceeded',
  'key-unproven',
  'resource-exceeded',
  'details-exceeded',
  'unknown',
] as const

export type RefreshVerdict = (typeof refreshVerdicts)[number]

export type Metrics = ReturnType<typeof createMetrics>

/** A number, or one for each value of the gauge's label. */
type Reading = number | ReadonlyMap<string, number> | undefined

export interface GaugeOptions {
  /** Without the prefix claviger_. */
  name: string
  help: string
  label?: string
  read: () => Reading | Promise<Reading>
}

export function createMetrics({ readSeconds = 1 }: { readSeconds?: number } = {}) {
  const registry = new Registry()
  const registers = [registry]

  function counter<Label extends string>(name: string, help: string, labelNames: Label[] = []) {
    return new Counter({ name: `claviger_${name}`, help, labelNames, registers })
  }

  const events = counter('events_total', 'What the watch was told, by type.', ['type'])
  const issued = counter('tokens_issued_total', 'Answers with tokens.', ['grant_type'])
  const refused = counter(
    'tokens_refused_total',
    'Tokens, codes and requests for tokens refused.',
    ['endpoint', 'code'],
  )
  const clientsRefused = counter('clients_refused_total', 'Failed client authentications.', [
    'endpoint',
  ])
  const refreshes = counter('refresh_total', 'Refresh tokens presented, by verdict.', ['verdict'])
  const revoked = counter('revocations_total', 'Revocations by requests to this node.', ['kind'])
  const logins = counter('logins_total', 'Sign-ins with a password.', ['outcome'])
  const signals = counter('signals_total', 'Signals that this node was the first to find.', [
    'kind',
  ])

  // In a series that begins with 1 Prometheus sees no increase.
  for (const type of eventTypes) events.inc({ type }, 0)
  for (const verdict of refreshVerdicts) refreshes.inc({ verdict }, 0)
  for (const outcome of ['succeeded', 'rejected', 'rate-limited']) logins.inc({ outcome }, 0)
  for (const kind of signalKinds) signals.inc({ kind }, 0)

  function observe({ type, details }: TokenEvent): void {
    events.inc({ type })
    if (type === 'token.issued') issued.inc({ grant_type: details.grant_type })
    if (type === 'token.refused') refused.inc(details)
    if (type === 'client.refused') clientsRefused.inc(details)
    if (type === 'token.revoked') revoked.inc(details)
    if (type === 'refresh.reused' || type === 'code.reused') revoked.inc({ kind: 'grant' })
    if (type === 'login.succeeded') logins.inc({ outcome: 'succeeded' })
    if (type === 'login.failed') logins.inc({ outcome: details.reason })
  }

  return {
    observe,
    refreshes,
    signals,
    eventsDropped: counter('events_dropped_total', 'Events that never became rows.'),
    jobFailures: counter('job_failures_total', 'Failed turns of background jobs.', ['job']),
    requests: new Histogram({
      name: 'claviger_request_duration_seconds',
      help: 'Requests answered, by route and class of status.',
      labelNames: ['route', 'status'],
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
      registers,
    }),

    /** What is read whenever somebody asks; left out when it is undefined, or cannot be read in time. */
    gauge({ name, help, label, read }: GaugeOptions): void {
      const gauge = new Gauge({
        name: `claviger_${name}`,
        help,
        labelNames: label === undefined ? [] : [label],
        registers,
        async collect() {
          const reading = await readInTime(read, readSeconds)
          gauge.reset()
          if (label === undefined) gauge.remove() // else a missing number would be 0
          if (typeof reading === 'number') gauge.set(reading)
          else if (label !== undefined)
            for (const [value, number] of reading ?? []) gauge.set({ [label]: value }, number)
        },
      })
    },

    /** In the text format of Prometheus. */
    text: () => registry.metrics(),
    contentType: registry.contentType,
  }
}

/** One that cannot be read must not take all the others with it. */
async function readInTime(read: GaugeOptions['read'], seconds: number): Promise<Reading> {
  try {
    return await Promise.race([read(), delay(seconds * 1000, undefined, { ref: false })])
  } catch {
    return undefined
  }
}
