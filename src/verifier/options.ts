/** What a verifier is told when it is made. What it cannot do safely is refused then, not at the first token. */
import type { RequiredClaims } from './claims.ts'
import type { ProofOptions } from './dpop-proof.ts'
import type { VerifierEvent } from './events.ts'
import type { FollowOptions } from './follower.ts'
import { isObject } from './json.ts'
import { normalizeType } from './jws.ts'
import type { KeySetTimings } from './key-set.ts'
import { defaultRuntime, type Runtime } from './runtime.ts'
import { signatureAlgorithms } from './verification-keys.ts'

export interface VerifierOptions extends Partial<Runtime> {
  /** Exactly as the tokens and the metadata write it. */
  issuer: string
  /** The aud of a token must contain one of them. */
  audience: string | readonly string[]
  /** How to follow the issuer's feed. It must be said, so that nobody goes without by forgetting it. */
  revocations: 'off' | FollowOptions
  /** RS256, PS256 and ES256 with their 384 and 512 kin, EdDSA and Ed25519 unless said otherwise. */
  algorithms?: readonly string[]
  /** `['at+jwt']` unless said otherwise; an empty one stands for tokens without typ. */
  types?: readonly string[]
  /** 5 unless said otherwise, 60 at most. */
  clockToleranceSeconds?: number
  /** Needed of every token. */
  scopes?: readonly string[]
  /** Needed of every token. */
  claims?: RequiredClaims
  /** How proofs of possession are checked (RFC 9449). */
  dpop?: ProofOptions
  /** Where the keys are; from the issuer's metadata unless said otherwise. */
  jwksUri?: string
  /** How long keys are kept at most before they are fetched anew; 600 unless said otherwise. */
  jwksMaxAgeSeconds?: number
  /** Between a fetch and the next one for the sake of an unknown kid; 10 unless said otherwise. */
  jwksCooldownSeconds?: number
  /** How long keys serve while the issuer cannot be reached; a day unless said otherwise. */
  jwksStaleSeconds?: number
  /** How many verified tokens are remembered; 10,000 unless said otherwise, 0 for none. */
  cacheSize?: number
  /** Hears of every decision, and how the keys and the feed fare. */
  onEvent?: (event: VerifierEvent) => void
}

export interface VerifierRules {
  issuer: string
  audiences: readonly string[]
  revocations: 'off' | FollowOptions
  algorithms: readonly string[]
  types: readonly string[]
  clockToleranceSeconds: number
  scopes: readonly string[]
  claims: RequiredClaims
  jwksUri: string | undefined
  timings: KeySetTimings
  cacheSize: number
  runtime: Runtime
}

export const longestClockToleranceSeconds = 60

/** Throws a TypeError that says what to write. */
export function readOptions(options: VerifierOptions): VerifierRules {
  const rules: VerifierRules = {
    issuer: options.issuer,
    audiences: [options.audience].flat(),
    revocations: options.revocations,
    algorithms: options.algorithms ?? signatureAlgorithms,
    types: (options.types ?? ['at+jwt']).map((type) => String(normalizeType(type))),
    clockToleranceSeconds: options.clockToleranceSeconds ?? 5,
    scopes: options.scopes ?? [],
    claims: options.claims ?? {},
    jwksUri: options.jwksUri,
    timings: {
      maxAgeSeconds: options.jwksMaxAgeSeconds ?? 600,
      cooldownSeconds: options.jwksCooldownSeconds ?? 10,
      staleSeconds: options.jwksStaleSeconds ?? 86_400,
    },
    cacheSize: options.cacheSize ?? 10_000,
    runtime: {
      fetch: options.fetch ?? defaultRuntime.fetch,
      now: options.now ?? defaultRuntime.now,
      monotonic: options.monotonic ?? defaultRuntime.monotonic,
      setTimer: options.setTimer ?? defaultRuntime.setTimer,
    },
  }
  const faults = checks.filter(([isGood]) => !isGood(rules)).map(([, fault]) => fault)
  if (faults.length > 0) throw new TypeError(faults.join(' '))
  return rules
}

const checks: [isGood: (rules: VerifierRules) => boolean, fault: string][] = [
  [
    ({ issuer }) => isHttpUrl(issuer) && !/[?#]/.test(issuer),
    'issuer must be the URL of the issuer, without query or fragment.',
  ],
  [
    ({ audiences }) => isNames(audiences) && audiences.length > 0,
    'audience must be a text or several.',
  ],
  [
    ({ revocations }) => revocations === 'off' || isObject(revocations),
    "revocations must say how to follow the issuer's feed, or be 'off' if tokens shall count until they expire.",
  ],
  [
    ({ algorithms }) =>
      algorithms.length > 0 && algorithms.every((name) => signatureAlgorithms.includes(name)),
    `algorithms must be some of ${signatureAlgorithms.join(', ')}.`,
  ],
  [({ types }) => types.length > 0, 'types must be one or several.'],
  [
    ({ clockToleranceSeconds: seconds }) => seconds >= 0 && seconds <= longestClockToleranceSeconds,
    `clockToleranceSeconds must be 0 to ${longestClockToleranceSeconds}.`,
  ],
  [
    ({ scopes }) => isNames(scopes) && !scopes.some((scope) => scope.includes(' ')),
    'scopes must be an array with one scope each.',
  ],
  [({ jwksUri }) => jwksUri === undefined || isHttpUrl(jwksUri), 'jwksUri must be a URL.'],
  [
    ({ timings }) =>
      timings.maxAgeSeconds > 0 && timings.cooldownSeconds > 0 && timings.staleSeconds >= 0,
    'jwksMaxAgeSeconds and jwksCooldownSeconds must be more than 0, jwksStaleSeconds not less.',
  ],
  [
    ({ cacheSize }) => Number.isSafeInteger(cacheSize) && cacheSize >= 0,
    'cacheSize must be a whole number.',
  ],
]

function isNames(values: readonly unknown[]): boolean {
  return values.every((value) => typeof value === 'string' && value !== '')
}

function isHttpUrl(text: unknown): boolean {
  return typeof text === 'string' && URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)
}
