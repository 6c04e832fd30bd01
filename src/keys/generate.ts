/** A new signing key, ready to be stored; its kid is its RFC 7638 thumbprint. */
import { calculateJwkThumbprint } from 'jose'
import { algorithms, toPublicJwk, type AlgorithmSettings, type PublicJwk } from './algorithms.ts'
import type { SealedKey, Vault } from './vault.ts'
import type { SigningAlg } from '../protocol/signing-algs.ts'

export interface FreshKey extends SealedKey {
  alg: SigningAlg
  publicJwk: PublicJwk
}

export async function generateSigningKey(
  alg: SigningAlg,
  settings: AlgorithmSettings,
  vault: Pick<Vault, 'seal'>,
): Promise<FreshKey> {
  const { privateKey, publicKey } = await algorithms[alg].generate(settings)
  const publicJwk = toPublicJwk(alg, publicKey)
  const sealed = await vault.seal(await calculateJwkThumbprint(publicJwk, 'sha256'), privateKey)
  return { alg, publicJwk, ...sealed }
}
