/** Private signing keys at rest: a JWK in a compact JWE (RFC 7516, dir + A256GCM) under a key-encryption key. */
import { createPrivateKey, type JsonWebKey, type KeyObject } from 'node:crypto'
import { compactDecrypt, CompactEncrypt } from 'jose'
import { Refusal } from '../protocol/refusal.ts'
import type { KeyEncryptionKeys } from './key-encryption-keys.ts'

export interface SealedKey {
  kid: string
  privateJwe: string
  keyEncryptionKeyId: string
}

export interface Vault {
  seal(kid: string, privateKey: KeyObject): Promise<SealedKey>
  open(sealed: SealedKey): Promise<KeyObject>
}

export function createVault(keyEncryptionKeys: KeyEncryptionKeys): Vault {
  const { newestId, source } = keyEncryptionKeys

  return {
    async seal(kid, privateKey) {
      const plaintext = new TextEncoder().encode(
        JSON.stringify(privateKey.export({ format: 'jwk' })),
      )
      const privateJwe = await new CompactEncrypt(plaintext)
        // The header is authenticated: signing_kid keeps rows from being swapped.
        .setProtectedHeader({ alg: 'dir', enc: 'A256GCM', kid: newestId, signing_kid: kid })
        .encrypt(getKey(newestId, kid))
      return { kid, privateJwe, keyEncryptionKeyId: newestId }
    },

    async open({ kid, privateJwe, keyEncryptionKeyId }) {
      const key = getKey(keyEncryptionKeyId, kid)
      try {
        const { plaintext, protectedHeader } = await compactDecrypt(privateJwe, key, {
          keyManagementAlgorithms: ['dir'],
          contentEncryptionAlgorithms: ['A256GCM'],
        })
        if (protectedHeader['signing_kid'] !== kid)
          throw new Error('The row holds the key of another.')
        const jwk: JsonWebKey = JSON.parse(new TextDecoder().decode(plaintext))
        return createPrivateKey({ key: jwk, format: 'jwk' })
      } catch (cause) {
        throw new Refusal(
          `The signing key ${kid} cannot be decrypted with the key-encryption key ${keyEncryptionKeyId} of ${source}, ` +
            `so its row was altered: restore the row, or type: claviger keys revoke ${kid}`,
          { cause },
        )
      }
    },
  }

  function getKey(id: string, kid: string): Buffer {
    const key = keyEncryptionKeys.find(id)
    if (key) return key
    throw new Refusal(
      `The key-encryption key ${id}, which the signing key ${kid} is encrypted with, is not in ${source}: ` +
        `restore it there from its backup.`,
    )
  }
}
