/** The keys room over a database of its own, as the services build it. */
import { randomBytes } from 'node:crypto'
import type { Test } from 'tap'
import type { Database } from '../../src/database/database.ts'
import { loadKeyEncryptionKeys } from '../../src/keys/key-encryption-keys.ts'
import { createAuditStore } from '../../src/audit/store.ts'
import { createKeyring } from '../../src/keys/keyring.ts'
import type { CacheSettings } from '../../src/keys/out-of-touch.ts'
import { createLocalSigner } from '../../src/keys/local-signer.ts'
import { createRotation, type RotationSettings } from '../../src/keys/rotation.ts'
import { createRewrap } from '../../src/keys/rewrap.ts'
import { createSigners, type Signer } from '../../src/keys/signer.ts'
import { createSigningKeyStore } from '../../src/keys/store.ts'
import { createVault } from '../../src/keys/vault.ts'
import { createTestClock, type TestClock } from '../support/clock.ts'
import { createTestDatabase } from '../support/database.ts'
import { requiredSigningAlgs, type SigningAlg } from '../../src/protocol/signing-algs.ts'

export const settings: RotationSettings & CacheSettings = {
  algorithms: requiredSigningAlgs,
  publicationLeadSeconds: 86_400,
  rotationIntervalSeconds: 30 * 86_400,
  stalenessSeconds: 30,
  clockSkewSeconds: 60,
  jwksMaxAgeSeconds: 300,
  verifierCacheSeconds: 3600,
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
  options: {
    algorithms?: readonly SigningAlg[]
    longestTokenSeconds?: () => Promise<number>
    signer?: Signer
  } = {},
) {
  const { algorithms = requiredSigningAlgs } = options
  const { longestTokenSeconds = () => Promise.resolve(3600) } = options
  const own = { ...settings, algorithms }
  const store = createSigningKeyStore(database)
  const audit = createAuditStore(database)
  const vault = createVault(await loadSecret(secret))
  const local = createLocalSigner({ vault, settings: { rsaKeyBits: 2048 } })
  const signers = options.signer ? createSigners(options.signer, local) : createSigners(local)
  const shared = { store, signers, clock, settings: own, longestTokenSeconds }
  return {
    store,
    audit,
    vault,
    signers,
    rotation: createRotation({ ...shared, audit }),
    keyring: createKeyring(shared),
    rewrap: createRewrap({ store, database, vault, audit, clock }),
  }
}

/** A node's keyring that can sign with ES256. */
export async function createLoadedKeyring(database: Database, clock: TestClock) {
  const { rotation, keyring } = await createNode(database, newSecret(), clock, {
    algorithms: ['ES256'],
  })
  await rotation.ensureKeys()
  await keyring.load()
  return keyring
}

export async function createTestKeys(t: Test, options: Parameters<typeof createNode>[3] = {}) {
  const database = await createTestDatabase(t)
  const clock = createTestClock()
  const secret = newSecret()
  return { database, clock, secret, ...(await createNode(database, secret, clock, options)) }
}
