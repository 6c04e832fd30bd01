/** Answers as JWTs for one client: signed, encrypted, or signed and then encrypted (OpenID Connect Core §10). */
import type { ClientEncryption, Encryption } from '../clients/encryption.ts'
import type { Client } from '../clients/registry.ts'
import type { Keyring } from '../keys/keyring.ts'
import type { SigningAlg } from '../protocol/signing-algs.ts'

export interface ClientJwts {
  /** With `iss` and the client as `aud` where it is signed. */
  create(
    client: Client,
    answer: {
      typ: string
      claims: object
      alg: SigningAlg | undefined
      encryption: Encryption | undefined
    },
  ): Promise<string>
}

export function createClientJwts({
  keyring,
  encryption: clientEncryption,
  issuer,
}: {
  keyring: Pick<Keyring, 'sign'>
  encryption: ClientEncryption
  issuer: string
}): ClientJwts {
  return {
    async create(client, { typ, claims, alg, encryption }) {
      const isJwt = alg !== undefined
      const text = isJwt
        ? await keyring.sign(alg, typ, { ...claims, iss: issuer, aud: client.clientId })
        : JSON.stringify(claims)
      return encryption ? clientEncryption.encrypt(client, encryption, { text, isJwt }) : text
    },
  }
}
