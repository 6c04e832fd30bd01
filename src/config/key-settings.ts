/** The settings of the signing keys and of the JWKS. */
import * as read from './parsers.ts'
import type { Setting } from './setting.ts'

const day = 86_400
const lifetime = read.wholeNumber(1, 10 * 365 * day)

export const keySettings = {
  jwksMaxAgeSeconds: {
    variable: 'CLAVIGER_JWKS_MAX_AGE_SECONDS',
    parse: read.wholeNumber(1, day),
    default: '300',
    sentence: 'How long others may cache the JWKS.',
  },
  verifierCacheSeconds: {
    variable: 'CLAVIGER_VERIFIER_CACHE_SECONDS',
    parse: read.wholeNumber(0, 10 * 365 * day),
    derived: 'what the lead leaves',
    sentence:
      'How long verifiers may keep a JWKS on their own after its `max-age`, without missing a new key.',
  },
  keyPublicationLeadSeconds: {
    variable: 'CLAVIGER_KEY_PUBLICATION_LEAD_SECONDS',
    parse: lifetime,
    default: String(day),
    sentence:
      'How long a key is in the JWKS before it signs; at least the JWKS max-age, the verifier cache, the staleness and the clock skew together.',
  },
  keyRotationIntervalSeconds: {
    variable: 'CLAVIGER_KEY_ROTATION_INTERVAL_SECONDS',
    parse: lifetime,
    default: String(30 * day),
    sentence: 'How long a key signs before the next one takes over; longer than the lead.',
  },
  keyStalenessSeconds: {
    variable: 'CLAVIGER_KEY_STALENESS_SECONDS',
    parse: read.wholeNumber(2, 10 * 365 * day),
    derived: '60, less with a short lead',
    sentence:
      'How long a node may sign, and at least publishes the JWKS, without having read the keys anew; then it answers 503.',
  },
  signingAlgs: {
    variable: 'CLAVIGER_SIGNING_ALGS',
    parse: read.signingAlgorithms,
    default: 'RS256,ES256',
    sentence:
      'What tokens may be signed with; `PS256` and `EdDSA` may be added, and sign once their first keys were published for the lead. Within an hour after no node has one any more its keys are retired.',
  },
  rsaKeyBits: {
    variable: 'CLAVIGER_RSA_KEY_BITS',
    parse: read.rsaKeyBits,
    default: '2048',
    sentence: 'The size of new RSA keys: 2048, 3072 or 4096.',
  },
  clockSkewSeconds: {
    variable: 'CLAVIGER_CLOCK_SKEW_SECONDS',
    parse: read.wholeNumber(1, 300),
    derived: '10, less with a short lead',
    sentence: 'How far other clocks may be off.',
  },
} as const satisfies Record<string, Setting>
