/** The keys room over a database of its own, as the services build it. */
import { randomBytes } from 'node:crypto'
import type { Test } from 'tap'
import type { Database } from '../../src/database/database.ts'
import { loadKeyEncryptionKeys } from '../../src/keys/key-encryption-keys.ts'
import { createKeyring } from '../../src/keys/keyring.ts'
import { createRotation, type RotationSettings } from '../../src/keys/rotation.ts'
import { createSigningKeyStore } from '../../src/keys/store.ts'
import { createVault } from '../../src/keys/vault.ts'
import { createTestClock, type TestClock } from '../support/clock.ts'
import { createTestDatabase } from '../support/database.ts'
import { signingAlgs, type SigningAlg } from '../../src/protocol/signing-algs.ts'

export const settings: RotationSettings = {
  algorithms: signingAlgs,
  publicationLeadSeconds: 86_400,
  rotationIntervalSeconds: 30 * 86_400,
  clockSkewSeconds: 60,
  rsaKeyBits: 2048,
}

export function loadSecret(secret: string) {
  return loadKeyEncryptionKeys({
    secret,
    secretName: 'CLAVIGER_KEY_ENCRYPTION_KEY',
    directory: '/nowhere',
    allowCreate: false,
    now: new Date(),
  })
}

export const newSecret = () => randomBytes(32).toString('hex')

/** One node: everything of its own but the database and, in tests, the clock. */
export async function createNode(
  database: Database,
  secret: string,
  clock: TestClock,
  options: { algorithms?: SigningAlg[]; longestTokenSeconds?: () => Promise<number> } = {},
) {
  const { algorithms = signingAlgs, longestTokenSeconds = () => Promise.resolve(3600) } = options
  const own = { ...settings, algorithms }
  const store = createSigningKeyStore(database)
  const vault = createVault(await loadSecret(secret))
  return {
    store,
    vault,
    rotation: createRotation({ store, vault, clock, settings: own, longestTokenSeconds }),
    keyring: createKeyring({ store, vault, clock, settings: own }),
  }
}

export async function createTestKeys(t: Test, options: Parameters<typeof createNode>[3] = {}) {
  const database = await createTestDatabase(t)
  const clock = createTestClock()
  const secret = newSecret()
  return { database, clock, secret, ...(await createNode(database, secret, clock, options)) }
}
