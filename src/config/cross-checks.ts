/** What no setting can tell alone. */
import type { Config } from '../config.ts'
import { isLoopback } from './parsers.ts'
import type { SettingValues } from './settings.ts'

interface Rule {
  /** Not checked when one of these is at fault by itself. */
  about: readonly (keyof SettingValues)[]
  isBroken(config: Config, given: SettingValues): boolean
  fault: string | ((config: Config, given: SettingValues) => string)
}

const rules: readonly Rule[] = [
  {
    about: ['tlsCertFile', 'tlsKeyFile'],
    isBroken: (_, given) => (given.tlsCertFile === undefined) !== (given.tlsKeyFile === undefined),
    fault: 'Only one of TLS_CERT_FILE and TLS_KEY_FILE is set. Set both or none.',
  },
  {
    about: ['port', 'issuer'],
    isBroken: (config, given) => config.port === 0 && given.issuer === undefined,
    fault: 'PORT is 0 and ISSUER is not set. Set ISSUER, or a fixed PORT.',
  },
  {
    about: ['issuer', 'tlsCertFile', 'tlsKeyFile'],
    isBroken: (config) => config.tls !== undefined && config.issuer.startsWith('http:'),
    fault: 'ISSUER is http: although TLS_CERT_FILE is set. Write an https: ISSUER.',
  },
  {
    about: ['issuer', 'insecureHttp', 'tlsCertFile', 'tlsKeyFile'],
    isBroken: (config) =>
      config.tls === undefined &&
      config.issuer.startsWith('http:') &&
      !isLoopback(config.issuer) &&
      !config.insecureHttp,
    fault:
      'ISSUER is http: on a host that is not loopback. Write an https: ISSUER; CLAVIGER_INSECURE_HTTP=on allows it in a closed test network.',
  },
  {
    about: [
      'keyPublicationLeadSeconds',
      'jwksMaxAgeSeconds',
      'verifierCacheSeconds',
      'keyStalenessSeconds',
      'clockSkewSeconds',
    ],
    isBroken: (config, given) => config.keyPublicationLeadSeconds < leastLeadSeconds(config, given),
    fault: (config, given) =>
      'CLAVIGER_KEY_PUBLICATION_LEAD_SECONDS is less than CLAVIGER_JWKS_MAX_AGE_SECONDS, CLAVIGER_VERIFIER_CACHE_SECONDS, ' +
      `CLAVIGER_KEY_STALENESS_SECONDS and CLAVIGER_CLOCK_SKEW_SECONDS together (${leadParts(config, given).join(' + ')}): ` +
      `a key would sign before every verifier has it. Write at least ${leastLeadSeconds(config, given)}.`,
  },
  {
    about: ['keyRotationIntervalSeconds', 'keyPublicationLeadSeconds'],
    isBroken: (config) => config.keyRotationIntervalSeconds <= config.keyPublicationLeadSeconds,
    fault:
      'CLAVIGER_KEY_ROTATION_INTERVAL_SECONDS is not more than CLAVIGER_KEY_PUBLICATION_LEAD_SECONDS: the next key would not be ready. Write more.',
  },
  {
    about: ['mtlsPort', 'tlsCertFile', 'tlsKeyFile'],
    isBroken: (config) => config.mtlsPort !== undefined && config.tls === undefined,
    fault:
      'CLAVIGER_MTLS_PORT is set, but not TLS_CERT_FILE. Set that too; behind a proxy, set CLAVIGER_CLIENT_CERT_HEADER instead.',
  },
  {
    about: ['mtlsPort', 'port'],
    isBroken: (config) => config.mtlsPort === config.port,
    fault: 'CLAVIGER_MTLS_PORT is PORT. Write another one.',
  },
  {
    about: ['clientCertHeader', 'trustProxy'],
    isBroken: (config) =>
      config.clientCertHeader !== undefined && typeof config.trustProxy !== 'object',
    fault:
      'CLAVIGER_CLIENT_CERT_HEADER is set, but TRUST_PROXY does not name whom to believe. Write the addresses or CIDRs of the proxies into it.',
  },
  {
    about: ['mtlsPort', 'clientCertHeader', 'mtlsIssuer', 'clientCaFile'],
    isBroken: (_, given) =>
      (given.mtlsIssuer ?? given.clientCaFile) !== undefined && !takesCertificates(given),
    fault:
      'CLAVIGER_MTLS_ISSUER or CLAVIGER_TLS_CLIENT_CA_FILE is set, but no client certificates are taken. Set CLAVIGER_MTLS_PORT or CLAVIGER_CLIENT_CERT_HEADER too.',
  },
  {
    about: ['mtlsIssuer'],
    isBroken: (config) => config.mtlsIssuer?.startsWith('http:') === true,
    fault: 'CLAVIGER_MTLS_ISSUER is http:, where there are no certificates. Write an https: URL.',
  },
  {
    about: ['refreshIdleTtlSeconds', 'refreshTtlSeconds'],
    isBroken: (config) => config.refreshIdleTtlSeconds > config.refreshTtlSeconds,
    fault:
      'CLAVIGER_REFRESH_TOKEN_IDLE_TTL_SECONDS is more than CLAVIGER_REFRESH_TOKEN_TTL_SECONDS. Write at most as much.',
  },
  {
    about: ['eventRetentionSeconds', 'signalWindowSeconds'],
    isBroken: ({ eventRetentionSeconds: kept, signalWindowSeconds }) =>
      kept > 0 && kept < signalWindowSeconds,
    fault:
      'CLAVIGER_EVENT_RETENTION_SECONDS is less than CLAVIGER_SIGNAL_WINDOW_SECONDS: signals would be missed. Write at least as much, or 0 for no rows and no signals.',
  },
]

function takesCertificates({ mtlsPort, clientCertHeader }: SettingValues): boolean {
  return mtlsPort !== undefined || clientCertHeader !== undefined
}

function leastLeadSeconds(config: Config, given: SettingValues): number {
  return leadParts(config, given).reduce((sum, part) => sum + part, 0)
}

/** The staleness is not asked of a lead of a few seconds, for tests, when nobody has set what it should hold. */
function leadParts(config: Config, given: SettingValues): number[] {
  const { jwksMaxAgeSeconds, verifierCacheSeconds, keyStalenessSeconds, clockSkewSeconds } = config
  const isLeftToUs = (given.keyStalenessSeconds ?? given.verifierCacheSeconds) === undefined
  const staleness = isLeftToUs ? 0 : keyStalenessSeconds
  return [jwksMaxAgeSeconds, verifierCacheSeconds, staleness, clockSkewSeconds]
}
export function crossCheck(
  config: Config,
  given: SettingValues,
  faulty: ReadonlySet<string>,
): string[] {
  return rules
    .filter(({ about }) => !about.some((name) => faulty.has(name)))
    .filter((rule) => rule.isBroken(config, given))
    .map(({ fault }) => (typeof fault === 'string' ? fault : fault(config, given)))
}
