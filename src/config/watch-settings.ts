/** The settings of what is kept of what happened, and of the watch over tokens: audit, events, signals, metrics. */
import * as read from './parsers.ts'
import type { Setting } from './setting.ts'

const day = 86_400

export const watchSettings = {
  auditRetentionSeconds: {
    variable: 'CLAVIGER_AUDIT_RETENTION_SECONDS',
    parse: read.wholeNumber(0, 10 * 365 * day),
    default: String(400 * day),
    sentence: 'How long the audit is kept: who revoked, rotated and changed what; 0 for ever.',
  },
  eventRetentionSeconds: {
    variable: 'CLAVIGER_EVENT_RETENTION_SECONDS',
    parse: read.wholeNumber(0, 10 * 365 * day),
    default: String(7 * day),
    sentence:
      'How long the events of tokens, sign-ins and clients stay in the database; 0 keeps none, and finds no signals.',
  },
  signalWindowSeconds: {
    variable: 'CLAVIGER_SIGNAL_WINDOW_SECONDS',
    parse: read.wholeNumber(60, day),
    default: '600',
    sentence: 'The span of time in which the events of a signal are counted.',
  },
  signalNetworks: {
    variable: 'CLAVIGER_SIGNAL_NETWORKS',
    parse: read.wholeNumber(1, 1000),
    default: '3',
    sentence:
      'From how many networks one token, grant or session may be used in that span; one more is a signal.',
  },
  signalRefusals: {
    variable: 'CLAVIGER_SIGNAL_REFUSALS',
    parse: read.wholeNumber(1, 1_000_000),
    default: '50',
    sentence:
      'How many tokens, sign-ins and client authentications of one network may be refused in that span; one more is a signal.',
  },
  metricsPort: {
    variable: 'CLAVIGER_METRICS_PORT',
    parse: read.wholeNumber(1, 65_535),
    derived: 'none: no metrics',
    sentence: 'The TCP port on which `GET /metrics` answers Prometheus, without authentication.',
  },
  metricsHost: {
    variable: 'CLAVIGER_METRICS_HOST',
    parse: read.host,
    default: 'localhost',
    sentence: 'The host name or address of that port; never one that the internet reaches.',
  },
} as const satisfies Record<string, Setting>
