/** The signing keys as this node holds them in memory; what they may do is read from the clock at every use. */
import { createPublicKey, type KeyObject } from 'node:crypto'
import type { Clock } from '../database/clock.ts'
import { OAuthError } from '../protocol/errors.ts'
import { createJwksView, type Jwks, type JwksView } from './jwks.ts'
import { addSeconds } from '../protocol/instants.ts'
import {
  findSigningKey,
  isAdded,
  keyState,
  nextTransitionAt,
  type DueSettings,
  type KeyState,
} from './schedule.ts'
import { servedSeconds, type OutOfTouchSettings } from './out-of-touch.ts'
import type { Sign, Signers } from './signer.ts'
import type { SigningKey, SigningKeyStore } from './store.ts'
import type { SigningAlg } from '../protocol/signing-algs.ts'

export interface VerificationKey {
  alg: SigningAlg
  publicKey: KeyObject
  state: KeyState
}

export interface Keyring {
  /** Reads the keys anew. Calls that overlap end in one more reading, so none returns with older keys than it asked for. */
  load(): Promise<void>
  /**
   * A compact JWS with the header {alg, typ, kid}. Throws `temporarily_unavailable` without a signing key, and when the
   * keys were last read too long ago: the key may have been retired or revoked since.
   */
  sign(alg: SigningAlg, typ: string, claims: object): Promise<string>
  canSign(alg: SigningAlg): boolean
  /** Every algorithm in use can sign, but for one that was added and waits for its first publication lead. */
  isLoaded(): boolean
  /**
   * Throws `temporarily_unavailable` before keys are loaded, and when they were last read too long ago (out-of-touch.ts).
   * In between it is served even when this node cannot read the keys any more: else an outage would refuse living tokens
   * too. A revocation that this node has not heard of is missing from it that long.
   */
  jwks(): Jwks
  find(kid: string): VerificationKey | undefined
  /** When the schedule next has something to do, or the JWKS next changes. */
  nextTransition(): Date | undefined
}

interface HeldKey extends SigningKey {
  publicKey: KeyObject
  /** Held while it signs or may do so next. */
  sign: Sign | undefined
  /** `base64url(header).` by typ. */
  headers: Map<string, string>
}

type SigningHeldKey = HeldKey & { sign: Sign }

export function createKeyring({
  store,
  signers,
  clock,
  settings,
  longestTokenSeconds,
}: {
  store: Pick<SigningKeyStore, 'list'>
  signers: Pick<Signers, 'open'>
  clock: Pick<Clock, 'now'>
  settings: DueSettings & Omit<OutOfTouchSettings, 'longestTokenSeconds'>
  longestTokenSeconds: () => Promise<number>
}): Keyring {
  let held = new Map<string, HeldKey>()
  let signing = new Map<SigningAlg, SigningHeldKey>()
  /** What was read is known to be true until `signs`, and does verifiers no harm until `publishes`. */
  let ends: { signs: Date; publishes: Date } | undefined
  let view: JwksView | undefined
  let running: Promise<void> | undefined
  let queued: Promise<void> | undefined

  function load(): Promise<void> {
    if (!running) {
      running = reload().finally(() => {
        running = undefined
      })
      return running
    }
    queued ??= running.catch(ignore).then(() => {
      queued = undefined
      return load()
    })
    return queued
  }

  async function reload(): Promise<void> {
    const faults: unknown[] = []
    const readAt = clock.now()
    const longest = { longestTokenSeconds: await longestTokenSeconds() }
    const keys = await Promise.all((await store.list()).map((key) => hold(key, faults)))
    held = new Map(keys.map((key) => [key.kid, key]))
    signing = new Map()
    for (const alg of settings.algorithms) {
      const key = findSigningKey(keys, alg)
      if (key?.sign) signing.set(alg, { ...key, sign: key.sign })
    }
    ends = {
      signs: addSeconds(readAt, settings.stalenessSeconds),
      publishes: addSeconds(readAt, servedSeconds({ ...settings, ...longest })),
    }
    view = undefined
    // Only now, because a key that cannot be decrypted must not keep a revocation from taking effect here.
    if (faults.length > 0) throw faults[0]
  }

  async function hold(key: SigningKey, faults: unknown[]): Promise<HeldKey> {
    const known = held.get(key.kid)
    const mayYetSign = key.retiredAt === null && key.revokedAt === null
    const sign = mayYetSign
      ? (known?.sign ??
        (await signers.open(key).catch((fault: unknown) => void faults.push(fault))))
      : undefined
    return {
      ...key,
      publicKey: known?.publicKey ?? createPublicKey({ key: key.publicJwk, format: 'jwk' }),
      sign: sign ?? undefined,
      headers: known?.headers ?? new Map<string, string>(),
    }
  }

  function isFresh(): boolean {
    return ends !== undefined && clock.now() < ends.signs
  }

  return {
    load,

    async sign(alg, typ, claims) {
      const key = signing.get(alg)
      if (!key) throw unavailable(`No signing key for ${alg} is loaded.`)
      if (!isFresh()) throw unavailable('The signing keys could not be read for too long.')
      const input = encodeHeader(key, typ) + encode(claims)
      const signature = await key.sign(Buffer.from(input))
      return `${input}.${signature.toString('base64url')}`
    },

    canSign: (alg) => isFresh() && signing.has(alg),

    isLoaded() {
      const keys = [...held.values()]
      return (
        isFresh() &&
        signing.size > 0 &&
        settings.algorithms.every((alg) => signing.has(alg) || isAdded(alg, keys))
      )
    },

    jwks() {
      const now = clock.now()
      if (signing.size === 0) throw unavailable('No signing key is loaded.')
      if (!ends || now >= ends.publishes)
        throw unavailable('The signing keys could not be read for longer than a JWKS may be kept.')
      if (!view || (view.endsAt && view.endsAt <= now))
        view = createJwksView([...held.values()], now)
      return view.jwks
    },

    find(kid) {
      const key = held.get(kid)
      return key && { alg: key.alg, publicKey: key.publicKey, state: keyState(key, clock.now()) }
    },

    nextTransition: () => nextTransitionAt([...held.values()], settings, clock.now()),
  }
}

function encodeHeader({ alg, kid, headers }: HeldKey, typ: string): string {
  const known = headers.get(typ)
  if (known !== undefined) return known
  const encoded = `${encode({ alg, typ, kid })}.`
  headers.set(typ, encoded)
  return encoded
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}

function unavailable(detail: string): OAuthError {
  return new OAuthError(
    'temporarily_unavailable',
    'No signing key is at hand. Try again shortly.',
    {
      headers: { 'Retry-After': '5' },
      detail,
    },
  )
}

function ignore(): void {}
