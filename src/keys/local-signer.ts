/** The signer that needs nothing else: private keys in the database, encrypted, and in the memory of each node. */
import { algorithms, kidOf, toPublicJwk, type AlgorithmSettings } from './algorithms.ts'
import type { Signer } from './signer.ts'
import type { Vault } from './vault.ts'

export const localSignerName = 'local'

export function createLocalSigner({
  vault,
  settings,
}: {
  vault: Pick<Vault, 'seal' | 'open'>
  settings: AlgorithmSettings
}): Signer {
  return {
    name: localSignerName,

    async generate(alg) {
      const { privateKey, publicKey } = await algorithms[alg].generate(settings)
      const publicJwk = toPublicJwk(alg, publicKey)
      return { publicJwk, ...(await vault.seal(await kidOf(publicJwk), privateKey)) }
    },

    async open(pair) {
      const key = await vault.open(pair)
      return (data) => algorithms[pair.alg].sign(data, key)
    },
  }
}
