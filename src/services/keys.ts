/** The signing keys, and the key-encryption keys that guard them. */
import { exposureOfRevocation } from '../keys/exposure.ts'
import { loadKeyEncryptionKeys } from '../keys/key-encryption-keys.ts'
import { createKeyring } from '../keys/keyring.ts'
import { createLocalSigner } from '../keys/local-signer.ts'
import { createRewrap } from '../keys/rewrap.ts'
import { createRotation, type Act, type RevocationOutcome } from '../keys/rotation.ts'
import { createSigners, type Signer } from '../keys/signer.ts'
import { createSigningKeyStore } from '../keys/store.ts'
import { createVault } from '../keys/vault.ts'
import type { AdminServices, ServiceOptions } from './admin.ts'

export type KeyServices = Awaited<ReturnType<typeof createKeyServices>>

export async function createKeyServices(
  {
    config,
    database,
    clock,
    signer,
  }: ServiceOptions & {
    /** Takes the place of the local one, such as a KMS or an HSM (keys/signer.ts). */
    signer?: Signer
  },
  {
    audit,
    longestTokenSeconds,
    revocations,
  }: Pick<AdminServices, 'audit' | 'longestTokenSeconds' | 'revocations'>,
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
  const local = createLocalSigner({ vault, settings: config })
  const signers = signer ? createSigners(signer, local) : createSigners(local)
  const settings = keyScheduleOf(config)
  const rotation = createRotation({ store, signers, audit, clock, settings, longestTokenSeconds })

  return {
    signingKeyStore: store,
    keyEncryptionKeys,
    vault,
    rotation,
    keyring: createKeyring({
      store,
      signers,
      clock,
      settings: { ...settings, ...cacheSettingsOf(config) },
      longestTokenSeconds,
    }),
    rewrapKeys: createRewrap({ store, database, vault, audit, clock }),

    /** Takes a key out of the JWKS, and tells verifiers that keep a JWKS of before. */
    async revokeKey(kid: string, act: Act): Promise<RevocationOutcome> {
      const exposure = exposureSettingsOf(config, await longestTokenSeconds())
      return rotation.revoke(kid, {
        ...act,
        also: (at, transaction) =>
          revocations.revokeKey(
            kid,
            {
              at,
              trustedUntil: exposureOfRevocation(at, exposure).verifiersUntil,
              reason: act.reason,
            },
            transaction,
          ),
      })
    },
  }
}

/** The schedule's settings, but for the longest token, which changes with the resources. */
export function keyScheduleOf(config: ServiceOptions['config']) {
  return {
    algorithms: config.signingAlgs,
    publicationLeadSeconds: config.keyPublicationLeadSeconds,
    rotationIntervalSeconds: config.keyRotationIntervalSeconds,
    stalenessSeconds: config.keyStalenessSeconds,
    clockSkewSeconds: config.clockSkewSeconds,
  }
}

/** What keys/exposure.ts computes with. */
export function exposureSettingsOf(config: ServiceOptions['config'], longestTokenSeconds: number) {
  return { ...keyScheduleOf(config), ...cacheSettingsOf(config), longestTokenSeconds }
}

function cacheSettingsOf({ jwksMaxAgeSeconds, verifierCacheSeconds }: ServiceOptions['config']) {
  return { jwksMaxAgeSeconds, verifierCacheSeconds }
}
