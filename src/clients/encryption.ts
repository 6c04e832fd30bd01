/** What is encrypted for a client, to one of its public keys (RFC 7516, OpenID Connect Core §10.2). */
import { CompactEncrypt, importJWK, type JWK } from 'jose'
import { OAuthError } from '../protocol/errors.ts'
import type { ClientKeys } from './client-keys.ts'
import type { ClientMetadata } from './metadata.ts'
import type { Client } from './registry.ts'

/** Not RSA1_5, which tells too much of what does not decrypt, nor RSA-OAEP with its SHA-1. */
export const encryptionAlgs = [
  'RSA-OAEP-256',
  'ECDH-ES',
  'ECDH-ES+A128KW',
  'ECDH-ES+A256KW',
] as const

export const contentEncryptions = ['A128CBC-HS256', 'A128GCM', 'A256GCM'] as const

export interface Encryption {
  alg: (typeof encryptionAlgs)[number]
  enc: (typeof contentEncryptions)[number]
}

export interface ClientEncryption {
  /** A compact JWE. Refuses with invalid_request when the client has no key for it. */
  encrypt(
    client: Client,
    encryption: Encryption,
    content: { text: string; isJwt: boolean },
  ): Promise<string>
}

export function createClientEncryption({
  clientKeys,
}: {
  clientKeys: Pick<ClientKeys, 'all'>
}): ClientEncryption {
  return {
    async encrypt(client, { alg, enc }, { text, isJwt }) {
      const refuse = (cause: unknown): never => {
        throw refusalOf(alg, cause)
      }
      const key = findEncryptionKey(await clientKeys.all(client).catch(refuse), alg)
      if (!key) throw refusalOf(alg)
      return new CompactEncrypt(new TextEncoder().encode(text))
        .setProtectedHeader({
          alg,
          enc,
          ...(key.kid !== undefined && { kid: key.kid }),
          ...(isJwt && { cty: 'JWT' }), // RFC 7519 §5.2
        })
        .encrypt(await importJWK(key, alg).catch(refuse))
    },
  }
}

/** The client's own doing, so it is told; fetched keys are not known to be any good. */
function refusalOf(alg: string, cause?: unknown): OAuthError {
  return new OAuthError(
    'invalid_request',
    `The client wants this answer encrypted by ${alg}, but none of its keys can be had that fits. Give it one of use 'enc'.`,
    { cause },
  )
}

/** What the client wants for one kind of answer; A128CBC-HS256 unless it says so (OpenID Connect Registration §2). */
export function encryptionOf(
  metadata: ClientMetadata,
  answer: 'id_token' | 'userinfo' | 'introspection',
): Encryption | undefined {
  const alg = metadata[`${answer}_encrypted_response_alg`]
  const enc = metadata[`${answer}_encrypted_response_enc`] ?? 'A128CBC-HS256'
  return alg && { alg, enc }
}

export function findEncryptionKey(keys: readonly JWK[], alg: string): JWK | undefined {
  const fitting = keys.filter(
    (key) =>
      isOfType(key, alg) &&
      (key.alg === undefined || key.alg === alg) &&
      (key.use === undefined || key.use === 'enc'),
  )
  return fitting.find(({ use }) => use === 'enc') ?? fitting[0]
}

const agreementCurves = new Set(['P-256', 'P-384', 'P-521', 'X25519'])

function isOfType({ kty, crv }: JWK, alg: string): boolean {
  return alg === 'RSA-OAEP-256' ? kty === 'RSA' : crv !== undefined && agreementCurves.has(crv)
}
