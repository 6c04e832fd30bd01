/** The issuer's JWKS (RFC 7517) as far as tokens ask for it. */
import { describeError, excerpt, VerificationError } from './errors.ts'
import type { Emit } from './events.ts'
import { fetchJson, type FetchLimits } from './fetch-json.ts'
import { createRemoteDocument } from './remote-document.ts'
import type { Fetch } from './runtime.ts'
import { importKeys, type VerificationKey } from './verification-keys.ts'

export interface KeySet {
  /** The key that a token's header names. Refuses with `key_unknown`, `algorithm_refused` or `keys_unavailable`. */
  get(kid: string | undefined, alg: string): Promise<VerificationKey>
  /** Whether the key is still among them: at once while they are young, else after they were fetched anew. */
  trusts(key: VerificationKey): boolean | Promise<boolean>
  /** Rejects with `keys_unavailable` when there are none. */
  ready(): Promise<void>
  status(): KeySetStatus
}

export interface KeySetStatus {
  /** How many can be used. */
  count: number
  ageSeconds: number | undefined
  /** Older than the issuer said they may be kept: it cannot be reached. */
  isStale: boolean
  /** Why the last attempt to fetch them failed. */
  failure: string | undefined
}

export interface KeySetTimings {
  /** However long the issuer's `Cache-Control` says, and when it says nothing. */
  maxAgeSeconds: number
  /** Between a fetch and the next one for the sake of an unknown kid. */
  cooldownSeconds: number
  /** How long keys serve that cannot be fetched anew. */
  staleSeconds: number
}

const leastAgeSeconds = 10
/** For so long the same kid is not looked for again; of so many. */
const unknownKidSeconds = 30
const maxUnknownKids = 1000

export function createKeySet({
  findUri,
  algorithms,
  timings: { maxAgeSeconds, cooldownSeconds, staleSeconds },
  fetch,
  limits,
  now,
  monotonic,
  emit,
}: {
  findUri: () => Promise<string>
  algorithms: readonly string[]
  timings: KeySetTimings
  fetch: Fetch
  limits?: FetchLimits
  now: () => number
  monotonic: () => number
  emit: Emit
}): KeySet {
  /** When each was looked for in vain. */
  const unknownKids = new Map<string | undefined, number>()

  const document = createRemoteDocument({
    load,
    now,
    monotonic,
    staleSeconds,
    onFailure: (failure) => emit({ type: 'keys_unavailable', detail: describeFailure(failure) }),
  })

  async function load(held: readonly VerificationKey[] | undefined) {
    try {
      const { body, freshSeconds = maxAgeSeconds } = await fetchJson(await findUri(), {
        fetch,
        limits,
      })
      const { keys, skipped } = await importKeys(body, algorithms, held)
      emit({ type: 'keys_fetched', detail: `${keys.length} usable, ${skipped} skipped` })
      const age = Math.min(Math.max(freshSeconds, leastAgeSeconds), maxAgeSeconds)
      return { content: keys, maxAgeSeconds: age }
    } catch (cause) {
      if (cause instanceof VerificationError) throw cause
      throw new VerificationError(
        'keys_unavailable',
        'The keys of the issuer cannot be had. Try again later.',
        { cause, detail: describeError(cause) },
      )
    }
  }

  function mayLookFor(kid: string | undefined): boolean {
    const age = document.held()?.ageMilliseconds ?? Infinity
    if (age < cooldownSeconds * 1000) return false
    const lookedAt = unknownKids.get(kid) ?? -Infinity
    return monotonic() - lookedAt >= unknownKidSeconds * 1000
  }

  async function lookFor(
    kid: string | undefined,
    alg: string,
  ): Promise<VerificationKey | undefined> {
    if (!(await document.refetch())) throw document.failure() ?? unknown(kid)
    const key = pick(await document.get(), kid, alg)
    if (key) return key
    remember(kid)
    return undefined
  }

  function remember(kid: string | undefined): void {
    unknownKids.delete(kid)
    unknownKids.set(kid, monotonic())
    const [oldest] = unknownKids.keys()
    if (unknownKids.size > maxUnknownKids) unknownKids.delete(oldest)
  }

  return {
    async get(kid, alg) {
      const key = pick(await document.get(), kid, alg)
      if (key) return key
      const found = mayLookFor(kid) ? await lookFor(kid, alg) : undefined
      if (!found) throw unknown(kid)
      return found
    },

    trusts(key) {
      const keys = document.get()
      return keys instanceof Promise ? keys.then((held) => held.includes(key)) : keys.includes(key)
    },

    async ready() {
      await document.get()
    },

    status() {
      const held = document.held()
      const failure = document.failure()
      return {
        count: held?.content.length ?? 0,
        ageSeconds: held && Math.floor(held.ageMilliseconds / 1000),
        isStale: held?.isStale ?? true,
        failure: failure && describeFailure(failure),
      }
    },
  }
}

/** A token without a kid has a key when just one fits (RFC 7515 §4.1.4 leaves it to us). */
function pick(
  keys: readonly VerificationKey[],
  kid: string | undefined,
  alg: string,
): VerificationKey | undefined {
  const named = kid === undefined ? keys : keys.filter((key) => key.kid === kid)
  const fitting = named.filter((key) => key.byAlgorithm.has(alg))
  if (fitting.length > 1)
    throw new VerificationError(
      'key_unknown',
      'Several keys of the issuer fit the token. Its kid must name one of them.',
      { detail: excerpt('kid', kid) },
    )
  if (kid !== undefined && named.length > 0 && fitting.length === 0)
    throw new VerificationError(
      'algorithm_refused',
      'The key that the token names is not for the algorithm that the token names.',
      { detail: `${excerpt('kid', kid)}, ${excerpt('alg', alg)}` },
    )
  return fitting[0]
}

function unknown(kid: string | undefined): VerificationError {
  return new VerificationError(
    'key_unknown',
    'The issuer has no such key. Get a new token from the issuer that this service trusts.',
    { detail: excerpt('kid', kid) },
  )
}

function describeFailure(failure: Error): string {
  return failure instanceof VerificationError && failure.detail !== undefined
    ? failure.detail
    : describeError(failure)
}
