/** The signing keys, and the key-encryption keys that guard them. */
import { loadKeyEncryptionKeys } from '../keys/key-encryption-keys.ts'
import { createKeyring } from '../keys/keyring.ts'
import { createRotation } from '../keys/rotation.ts'
import { createSigningKeyStore } from '../keys/store.ts'
import { createVault } from '../keys/vault.ts'
import { signingAlgs } from '../protocol/signing-algs.ts'
import type { AdminServices, ServiceOptions } from './admin.ts'

export type KeyServices = Awaited<ReturnType<typeof createKeyServices>>

export async function createKeyServices(
  { config, database, clock }: ServiceOptions,
  { longestTokenSeconds }: Pick<AdminServices, 'longestTokenSeconds'>,
) {
  const store = createSigningKeyStore(database)
  const keyEncryptionKeys = await loadKeyEncryptionKeys({
    secret: config.keyEncryptionKey,
    secretName: 'CLAVIGER_KEY_ENCRYPTION_KEY',
    directory: config.keysDir,
    allowCreate: !(await store.hasKeys()),
    now: clock.now(),
  })
  const vault = createVault(keyEncryptionKeys)
  const settings = {
    algorithms: signingAlgs,
    publicationLeadSeconds: config.keyPublicationLeadSeconds,
    rotationIntervalSeconds: config.keyRotationIntervalSeconds,
    clockSkewSeconds: config.clockSkewSeconds,
    rsaKeyBits: config.rsaKeyBits,
  }
  return {
    signingKeyStore: store,
    keyEncryptionKeys,
    rotation: createRotation({ store, vault, clock, settings, longestTokenSeconds }),
    keyring: createKeyring({ store, vault, clock, settings }),
  }
}
