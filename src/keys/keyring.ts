/** The signing keys as this node holds them in memory; what they may do is read from the clock at every use. */
import { createHash, createPublicKey, type KeyObject } from 'node:crypto'
import type { Clock } from '../database/clock.ts'
import { OAuthError } from '../protocol/errors.ts'
import type { JsonObject } from '../protocol/json.ts'
import { algorithms, toPublicJwk } from './algorithms.ts'
import {
  findSigningKey,
  isInJwks,
  keyState,
  nextLeavingAt,
  nextTransitionAt,
  type DueSettings,
  type KeyState,
} from './schedule.ts'
import type { SigningKey, SigningKeyStore } from './store.ts'
import type { Vault } from './vault.ts'
import type { SigningAlg } from '../protocol/signing-algs.ts'

export interface VerificationKey {
  alg: SigningAlg
  publicKey: KeyObject
  state: KeyState
}

export interface Jwks {
  body: string
  /** Strong; changes with the body. */
  etag: string
}

export interface Keyring {
  /** Reads the keys anew. Calls that overlap end in one more reading, so none returns with older keys than it asked for. */
  load(): Promise<void>
  /** A compact JWS with the header {alg, typ, kid}. Throws `temporarily_unavailable` without a signing key. */
  sign(alg: SigningAlg, typ: string, claims: object): Promise<string>
  canSign(alg: SigningAlg): boolean
  /** Every algorithm in use can sign. */
  isLoaded(): boolean
  jwks(): Jwks
  find(kid: string): VerificationKey | undefined
  /** When the schedule next has something to do, or the JWKS next changes. */
  nextTransition(): Date | undefined
}

interface HeldKey extends SigningKey {
  publicKey: KeyObject
  /** Held while it signs or may do so next. */
  privateKey: KeyObject | undefined
  /** `base64url(header).` by typ. */
  headers: Map<string, string>
}

type Signer = HeldKey & { privateKey: KeyObject }

/** What holds until the next key leaves the JWKS. */
interface View {
  endsAt: Date | undefined
  jwks: Jwks
}

export function createKeyring({
  store,
  vault,
  clock,
  settings,
}: {
  store: Pick<SigningKeyStore, 'list'>
  vault: Pick<Vault, 'open'>
  clock: Pick<Clock, 'now'>
  settings: DueSettings
}): Keyring {
  let held = new Map<string, HeldKey>()
  let signers = new Map<SigningAlg, Signer>()
  let view: View | undefined
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
    const keys = await Promise.all((await store.list()).map((key) => hold(key, faults)))
    held = new Map(keys.map((key) => [key.kid, key]))
    signers = new Map()
    for (const alg of settings.algorithms) {
      const key = findSigningKey(keys, alg)
      if (key?.privateKey) signers.set(alg, { ...key, privateKey: key.privateKey })
    }
    view = undefined
    // Only now, because a key that cannot be decrypted must not keep a revocation from taking effect here.
    if (faults.length > 0) throw faults[0]
  }

  async function hold(key: SigningKey, faults: unknown[]): Promise<HeldKey> {
    const known = held.get(key.kid)
    const mayYetSign = key.retiredAt === null && key.revokedAt === null
    const privateKey = mayYetSign
      ? (known?.privateKey ??
        (await vault.open(key).catch((fault: unknown) => void faults.push(fault))))
      : undefined
    return {
      ...key,
      publicKey: known?.publicKey ?? createPublicKey({ key: key.publicJwk, format: 'jwk' }),
      privateKey: privateKey ?? undefined,
      headers: known?.headers ?? new Map<string, string>(),
    }
  }

  return {
    load,

    async sign(alg, typ, claims) {
      const signer = signers.get(alg)
      if (!signer) throw unavailable(`No signing key for ${alg} is loaded.`)
      const input = encodeHeader(signer, typ) + encode(claims)
      const signature = await algorithms[alg].sign(Buffer.from(input), signer.privateKey)
      return `${input}.${signature.toString('base64url')}`
    },

    canSign: (alg) => signers.has(alg),
    isLoaded: () => settings.algorithms.every((alg) => signers.has(alg)),

    jwks() {
      if (signers.size === 0) throw unavailable('No signing key is loaded.')
      const now = clock.now()
      if (!view || (view.endsAt && view.endsAt <= now)) view = createView([...held.values()], now)
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

function createView(keys: readonly HeldKey[], now: Date): View {
  const published = keys
    .filter((key) => isInJwks(key, now))
    .map((key) => ({ key, order: `${keyState(key, now) === 'signing' ? 0 : 1} ${key.kid}` }))
    .toSorted((a, b) => (a.order < b.order ? -1 : 1))
    .map(({ key }) => toPublished(key))
  const body = JSON.stringify({ keys: published })
  const etag = `"${createHash('sha256').update(body).digest('base64url')}"`
  return { endsAt: nextLeavingAt(keys, now), jwks: { body, etag } }
}

function toPublished({ alg, kid, publicKey }: HeldKey): JsonObject {
  const { kty, ...members } = toPublicJwk(alg, publicKey)
  return { kty, use: 'sig', alg, kid, ...members }
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
