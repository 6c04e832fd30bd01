/** The windows of a soak: those of a provider in life, 300 times shorter where that can be, so that keys rotate at once. */
import type { Environment } from '../../../src/config.ts'

export const windows = {
  publicationLeadSeconds: 8, // two seconds more than it needs, in which a node that waits for the processor serves the JWKS
  rotationIntervalSeconds: 10,
  jwksMaxAgeSeconds: 1, // 5 minutes in life
  /** On top of the max-age. */
  verifierCacheSeconds: 1,
  /** So long may a node not hear of a change. */
  stalenessSeconds: 3,
  clockSkewSeconds: 1,
  /** Of each algorithm's API. */
  tokenTtlSeconds: { RS256: 4, ES256: 3 },
}

export type Alg = keyof (typeof windows)['tokenTtlSeconds']

export const algs = Object.keys(windows.tokenTtlSeconds) as Alg[]

export const windowsEnvironment: Environment = {
  CLAVIGER_KEY_PUBLICATION_LEAD_SECONDS: String(windows.publicationLeadSeconds),
  CLAVIGER_KEY_ROTATION_INTERVAL_SECONDS: String(windows.rotationIntervalSeconds),
  CLAVIGER_JWKS_MAX_AGE_SECONDS: String(windows.jwksMaxAgeSeconds),
  CLAVIGER_VERIFIER_CACHE_SECONDS: String(windows.verifierCacheSeconds),
  CLAVIGER_KEY_STALENESS_SECONDS: String(windows.stalenessSeconds),
  CLAVIGER_CLOCK_SKEW_SECONDS: String(windows.clockSkewSeconds),
  CLAVIGER_ACCESS_TOKEN_TTL_SECONDS: String(windows.tokenTtlSeconds.RS256),
  CLAVIGER_ID_TOKEN_TTL_SECONDS: String(windows.tokenTtlSeconds.RS256),
}
