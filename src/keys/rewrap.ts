/** Moves signing keys and the server secret to the newest key-encryption key, beside running servers, so that older ones can be put away. */
import type { AuditStore } from '../audit/store.ts'
import type { Clock } from '../database/clock.ts'
import type { Queryable } from '../database/database.ts'
import { Refusal } from '../protocol/refusal.ts'
import { localSignerName } from './local-signer.ts'
import {
  createServerSecretStore,
  serverSecretName,
  type ServerSecretStore,
} from './server-secret-store.ts'
import type { SigningKeyStore } from './store.ts'
import type { SealedKey, Vault } from './vault.ts'

export interface RewrapOutcome {
  /** The key-encryption key that all that could be moved are under now. */
  keyEncryptionKeyId: string
  /** The kids of those that were moved, or would be; the server secret is among them by its name. */
  moved: string[]
  alreadyNewest: string[]
  /** Those that could not be opened, and why; they stay as they were. */
  failing: { kid: string; fault: string }[]
}

export interface RewrapRequest {
  actor: string
  reason?: string | null
  dryRun?: boolean
}

export type Rewrap = (request: RewrapRequest) => Promise<RewrapOutcome>

/** Keys of other signers are not its concern. Two at once take turns; a server keeps what it has opened. */
export function createRewrap({
  store,
  database,
  vault,
  audit,
  clock,
}: {
  store: Pick<SigningKeyStore, 'list' | 'change'>
  database: Queryable
  vault: Vault
  audit: Pick<AuditStore, 'record'>
  clock: Pick<Clock, 'now'>
}): Rewrap {
  async function seal(keys: readonly SealedKey[]) {
    const sealed: { before: SealedKey; after: SealedKey }[] = []
    const outcome: RewrapOutcome = {
      keyEncryptionKeyId: vault.newestId,
      moved: [],
      alreadyNewest: [],
      failing: [],
    }
    for (const before of keys) {
      const { kid } = before
      if (before.keyEncryptionKeyId === outcome.keyEncryptionKeyId) outcome.alreadyNewest.push(kid)
      else
        try {
          sealed.push({ before, after: await vault.seal(kid, await vault.open(before)) })
          outcome.moved.push(kid)
        } catch (error) {
          if (!(error instanceof Refusal)) throw error
          outcome.failing.push({ kid, fault: error.message })
        }
    }
    return { outcome, sealed }
  }

  return async ({ actor, reason = null, dryRun = false }) => {
    if (dryRun)
      return (await seal(await sealedKeys(store, createServerSecretStore(database)))).outcome
    return store.change(async (changes, transaction) => {
      const secrets = createServerSecretStore(transaction)
      const { outcome, sealed } = await seal(await sealedKeys(changes, secrets))
      if (sealed.length === 0) return outcome
      for (const { before, after } of sealed)
        await (after.kid === serverSecretName ? secrets : changes).rewrap(before, after)
      const { keyEncryptionKeyId: subject, moved, failing } = outcome
      const details = { moved, failing: failing.map(({ kid }) => kid) }
      const event = { at: clock.now(), action: 'keys.rewrap', subject, actor, reason, details }
      await audit.record(event, transaction)
      return outcome
    })
  }
}

async function sealedKeys(
  store: Pick<SigningKeyStore, 'list'>,
  secrets: Pick<ServerSecretStore, 'find'>,
): Promise<SealedKey[]> {
  const own = (await store.list()).filter(({ signer }) => signer === localSignerName)
  const secret = await secrets.find()
  return secret ? [...own, secret] : own
}
