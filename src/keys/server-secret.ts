/**
 * The secret under which this server's own tokens are made (refresh tokens, form tokens). The same on all nodes, and
 * the same when the key-encryption key changes: at rest it is encrypted like a signing key, and rewrapped with them.
 */
import { createSecretKey, hkdfSync, randomBytes } from 'node:crypto'
import { serverSecretName, type ServerSecretStore } from './server-secret-store.ts'
import type { Vault } from './vault.ts'

export interface ServerSecret {
  /** 32 bytes for one purpose. */
  deriveKey(purpose: string): Buffer
}

/** Makes it at the first start. */
export async function loadServerSecret({
  store,
  vault,
}: {
  store: ServerSecretStore
  vault: Pick<Vault, 'seal' | 'open'>
}): Promise<ServerSecret> {
  if (!(await store.find()))
    await store.insert(await vault.seal(serverSecretName, createSecretKey(randomBytes(32))))
  const sealed = await store.find()
  if (!sealed) throw new Error('The server secret vanished while it was read')
  const secret = await vault.open(sealed)
  return {
    deriveKey: (purpose) => Buffer.from(hkdfSync('sha256', secret, '', `claviger ${purpose}`, 32)),
  }
}
