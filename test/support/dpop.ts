/** A client's DPoP key (RFC 9449), with proofs in the time of a provider. */
import { createHolder, type Proof } from '../verifier/holder.ts'
import type { TestProvider } from './provider.ts'

export interface DpopKey {
  jkt: string
  /** For `METHOD /path` below the issuer; with the token's hash where there is one. */
  prove(target: string, proof?: Proof): Promise<string>
}

export async function createDpopKey(
  { issuer, clock }: Pick<TestProvider, 'issuer' | 'clock'>,
  alg = 'ES256',
): Promise<DpopKey> {
  const { jkt, prove } = await createHolder(alg)
  return {
    jkt,
    prove(target, { claims, ...proof } = {}) {
      const [method = '', path = ''] = target.split(' ')
      return prove({
        method,
        url: issuer + path,
        ...proof,
        claims: {
          iat: Math.floor(clock.now().getTime() / 1000),
          ...(proof.token === undefined && { ath: undefined }),
          ...claims,
        },
      })
    },
  }
}
