/** Lends a command about signing keys what it works on. */
import type { ScheduleSettings } from '../keys/schedule.ts'
import type { SigningKey } from '../keys/store.ts'
import type { ExposureSettings } from '../keys/exposure.ts'
import { Refusal } from '../protocol/refusal.ts'
import type { KeyServices } from '../services/keys.ts'
import { withServices, type CommandContext } from './with-database.ts'

export interface KeysContext extends CommandContext {
  exposure: ExposureSettings
}

/** The first start makes the keys, and the file that encrypts them; a command that finds none changes nothing. */
export function withKeys<T>(
  work: (keys: KeyServices, context: KeysContext) => Promise<T>,
): Promise<T> {
  return withServices(async (services, context) => {
    const { createSigningKeyStore } = await import('../keys/store.ts')
    if (!(await createSigningKeyStore(context.database).hasKeys())) throw noKeys()
    const { createKeyServices, exposureSettingsOf } = await import('../services/keys.ts')
    const exposure = exposureSettingsOf(context.config, await services.longestTokenSeconds())
    return work(await createKeyServices(context, services), { ...context, exposure })
  })
}

export interface StoredKeys {
  keys: SigningKey[]
  schedule: ScheduleSettings
  exposure: ExposureSettings
  now: Date
}

/** As they lie in the database: no key-encryption key is needed to look at them. */
export function withStoredKeys<T>(work: (stored: StoredKeys) => Promise<T>): Promise<T> {
  return withServices(async ({ longestTokenSeconds }, { config, database, clock }) => {
    const { createSigningKeyStore } = await import('../keys/store.ts')
    const { exposureSettingsOf, keyScheduleOf } = await import('../services/keys.ts')
    const longest = await longestTokenSeconds()
    return work({
      keys: await createSigningKeyStore(database).list(),
      schedule: { ...keyScheduleOf(config), longestTokenSeconds: longest },
      exposure: exposureSettingsOf(config, longest),
      now: clock.now(),
    })
  })
}

export function noKeys(): Refusal {
  return new Refusal('There are no keys yet: the first start makes them. Type: claviger serve')
}
