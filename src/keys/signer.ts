/**
 * Where private keys live and sign. The local signer keeps them in the database, encrypted; a KMS or an HSM takes its
 * place by another Signer, given to createKeyServices:
 *
 * - `generate` makes a key pair where it is to stay and answers its public half, with a handle (an ARN, a PKCS#11 label,
 *   a wrapped key): text that is stored with the key and handed to `open` later. A pair that is never stored is left
 *   to the signer to clean up: several nodes may generate at once, and one of them stores its pair.
 * - `open` makes a key ready once for each node that may sign with it; what it answers signs bytes (the JWS signing
 *   input, RFC 7515 §5.1, not its hash) and answers the signature as JWS writes it: for ES256 r and s, not DER (RFC 7518
 *   §3.4). It throws a Refusal that says what to do when the key cannot be had.
 * - A call that fails or never ends makes the request fail, nothing else; time limits are the signer's own.
 * - Keys of the signer before stay with it until they have left the JWKS: each row names its signer.
 */
import { createPublicKey } from 'node:crypto'
import { Refusal } from '../protocol/refusal.ts'
import type { SigningAlg } from '../protocol/signing-algs.ts'
import { algorithms, kidOf, type PublicJwk } from './algorithms.ts'

export type Sign = (data: Buffer) => Promise<Buffer>

export interface Signer {
  /** Stored with each of its keys; never changes. */
  readonly name: string
  generate(alg: SigningAlg): Promise<NewKeyPair>
  open(key: HeldKeyPair): Promise<Sign>
}

export interface NewKeyPair {
  publicJwk: PublicJwk
  handle: string
  /** What the handle is encrypted with, where that can be replaced. */
  keyEncryptionKeyId?: string | null
}

export interface HeldKeyPair {
  kid: string
  alg: SigningAlg
  handle: string
  keyEncryptionKeyId: string | null
}

export interface StoredKeyPair extends HeldKeyPair {
  /** The name of its signer. */
  signer: string
}

/** A new signing key, ready to be stored. */
export interface FreshKey extends StoredKeyPair {
  publicJwk: PublicJwk
}

/** All signers that are plugged in, as one. */
export interface Signers {
  /** By the first. */
  generate(alg: SigningAlg): Promise<FreshKey>
  /** By the one that has the key. */
  open(key: StoredKeyPair): Promise<Sign>
}

export function createSigners(current: Signer, ...former: Signer[]): Signers {
  const byName = new Map([...former, current].map((signer) => [signer.name, signer]))

  async function open(key: StoredKeyPair): Promise<Sign> {
    const signer = byName.get(key.signer)
    if (signer) return signer.open(key)
    throw new Refusal(
      `The signing key ${key.kid} is kept by the signer ${key.signer}, which is not plugged in: ` +
        `plug it in, or type: claviger keys revoke ${key.kid}`,
    )
  }

  return {
    open,

    async generate(alg) {
      const made = await current.generate(alg)
      const publicJwk = algorithms[alg].toPublicJwk({ ...made.publicJwk })
      const key: FreshKey = {
        kid: await kidOf(publicJwk),
        alg,
        publicJwk,
        signer: current.name,
        handle: made.handle,
        keyEncryptionKeyId: made.keyEncryptionKeyId ?? null,
      }
      await tryOut(key, await open(key))
      return key
    },
  }
}

/** So that no key is published that could not sign when its time comes. */
async function tryOut({ alg, kid, publicJwk, signer }: FreshKey, sign: Sign): Promise<void> {
  const sample = Buffer.from(kid)
  const publicKey = createPublicKey({ key: publicJwk, format: 'jwk' })
  if (!(await algorithms[alg].verify(sample, publicKey, await sign(sample))))
    throw new Error(`The signer ${signer} made a ${alg} key whose signatures do not verify.`)
}
