/** Private signing keys, and the server secret, at rest: a JWK in a compact JWE (RFC 7516, dir + A256GCM) under a key-encryption key. */
import { createPrivateKey, createSecretKey, type JsonWebKey, type KeyObject } from 'node:crypto'
import { compactDecrypt, CompactEncrypt } from 'jose'
import { Refusal } from '../protocol/refusal.ts'
import type { KeyEncryptionKey, KeyEncryptionKeys } from './key-encryption-keys.ts'
import { serverSecretName } from './server-secret-store.ts'

export interface SealedKey {
  kid: string
  /** The compact JWE. */
  handle: string
  keyEncryptionKeyId: string | null
}

export interface Vault {
  /** Of the key-encryption key that seals. */
  readonly newestId: string
  seal(kid: string, key: KeyObject): Promise<SealedKey>
  open(sealed: SealedKey): Promise<KeyObject>
}

export function createVault(keyEncryptionKeys: KeyEncryptionKeys): Vault {
  return {
    get newestId() {
      return keyEncryptionKeys.newestId
    },

    async seal(kid, key) {
      const plaintext = new TextEncoder().encode(JSON.stringify(key.export({ format: 'jwk' })))
      const { newestId } = keyEncryptionKeys
      const handle = await new CompactEncrypt(plaintext)
        // The header is authenticated: signing_kid keeps rows from being swapped.
        .setProtectedHeader({ alg: 'dir', enc: 'A256GCM', kid: newestId, signing_kid: kid })
        .encrypt((await getKey(newestId, kid)).key)
      return { kid, handle, keyEncryptionKeyId: newestId }
    },

    async open({ kid, handle, keyEncryptionKeyId }) {
      const { key, place } = await getKey(keyEncryptionKeyId, kid)
      try {
        const { plaintext, protectedHeader } = await compactDecrypt(handle, key, {
          keyManagementAlgorithms: ['dir'],
          contentEncryptionAlgorithms: ['A256GCM'],
        })
        if (protectedHeader['signing_kid'] !== kid)
          throw new Error('The row holds the key of another.')
        const jwk: JsonWebKey = JSON.parse(new TextDecoder().decode(plaintext))
        return jwk.kty === 'oct'
          ? createSecretKey(jwk.k ?? '', 'base64url')
          : createPrivateKey({ key: jwk, format: 'jwk' })
      } catch (cause) {
        throw new Refusal(
          kid === serverSecretName
            ? `The server secret cannot be decrypted with the key-encryption key ${keyEncryptionKeyId} of ${place}, ` +
                'so its row was altered: restore the table server_secret from its backup.'
            : `The signing key ${kid} cannot be decrypted with the key-encryption key ${keyEncryptionKeyId} of ${place}, ` +
                `so its row was altered: restore the row, or type: claviger keys revoke ${kid}`,
          { cause },
        )
      }
    },
  }

  /** A key that somebody put in place after the start is found without another start. */
  async function getKey(id: string | null, kid: string): Promise<KeyEncryptionKey> {
    const known = keyEncryptionKeys.find(id ?? '')
    if (known) return known
    await keyEncryptionKeys.reload()
    const added = keyEncryptionKeys.find(id ?? '')
    if (added) return added
    const { places, source } = keyEncryptionKeys
    throw new Refusal(
      `The key-encryption key ${id}, which ${kid} is encrypted with, is not in ${places.join(', ')}: ` +
        `restore it in ${source} from its backup.`,
    )
  }
}
