/** The server_secret table. */
import type { Queryable } from '../database/database.ts'
import type { SealedKey } from './vault.ts'

/** Its name where a signing key has its kid. */
export const serverSecretName = 'server-secret'

export interface ServerSecretStore {
  find(): Promise<SealedKey | undefined>
  /** Keeps the first one that any node makes. */
  insert(secret: SealedKey): Promise<void>
  /** Compare-and-set: only while it is sealed as `before`. */
  rewrap(before: SealedKey, after: SealedKey): Promise<void>
}

export function createServerSecretStore(database: Queryable): ServerSecretStore {
  return {
    async find() {
      const [row] = await database.query<{ handle: string; key_encryption_key_id: string }>(
        'select handle, key_encryption_key_id from server_secret',
      )
      return (
        row && {
          kid: serverSecretName,
          handle: row.handle,
          keyEncryptionKeyId: row.key_encryption_key_id,
        }
      )
    },

    async insert({ handle, keyEncryptionKeyId }) {
      await database.query(
        `insert into server_secret (handle, key_encryption_key_id) values ($1, $2)
         on conflict do nothing`,
        [handle, keyEncryptionKeyId],
      )
    },

    async rewrap(before, after) {
      await database.query(
        'update server_secret set handle = $2, key_encryption_key_id = $3 where handle = $1',
        [before.handle, after.handle, after.keyEncryptionKeyId],
      )
    },
  }
}
