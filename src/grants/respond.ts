/** The successful answer that the user-bound grants share. */
import { encryptionOf, type ClientEncryption } from '../clients/encryption.ts'
import type { Client } from '../clients/registry.ts'
import type { Confirmation } from '../protocol/confirmation.ts'
import type { Grant } from '../tokens/grant.ts'
import type { TokenIssuer } from '../tokens/issuer.ts'
import type { Target } from '../tokens/targets.ts'
import type { Account } from '../users/accounts.ts'
import { tokenResponse, type TokenResponse } from './grant-type.ts'

export function createResponder({
  issuer,
  clientEncryption,
}: {
  issuer: TokenIssuer
  clientEncryption: ClientEncryption
}) {
  async function encrypted(client: Client, signed: string): Promise<string> {
    const encryption = encryptionOf(client.metadata, 'id_token')
    if (!encryption) return signed
    return clientEncryption.encrypt(client, encryption, { text: signed, isJwt: true })
  }

  return async function respond({
    client,
    grant,
    account,
    target,
    scope = grant.scope,
    nonce,
    refreshToken,
    confirmation,
    issuedAt,
  }: {
    client: Client
    grant: Grant
    account: Account
    target: Target
    scope?: string[] | undefined
    nonce?: string | undefined
    refreshToken: string | undefined
    confirmation: Confirmation | undefined
    issuedAt: Date
  }): Promise<TokenResponse> {
    const [accessToken, idToken] = await Promise.all([
      issuer.accessToken({ client, target, issuedAt, confirmation, user: { grant, account } }),
      scope.includes('openid')
        ? issuer
            .idToken({ client, grant: { ...grant, scope }, account, nonce, issuedAt })
            .then((signed) => encrypted(client, signed))
        : undefined,
    ])
    return {
      ...tokenResponse(accessToken, target, confirmation),
      ...(refreshToken !== undefined && { refresh_token: refreshToken }),
      ...(idToken !== undefined && { id_token: idToken }),
    }
  }
}

export type Respond = ReturnType<typeof createResponder>
