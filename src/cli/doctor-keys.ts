/** What doctor finds out about the signing keys, and the key-encryption keys that guard them. It creates none. */
import { readdir } from 'node:fs/promises'
import type { Config } from '../config.ts'
import { loadKeyEncryptionKeys, type KeyEncryptionKeys } from '../keys/key-encryption-keys.ts'
import { localSignerName } from '../keys/local-signer.ts'
import { servedSeconds } from '../keys/out-of-touch.ts'
import { findNextKey, findSigningKey, nextTransitionAt } from '../keys/schedule.ts'
import type { SigningKey } from '../keys/store.ts'
import { createVault } from '../keys/vault.ts'
import { Refusal } from '../protocol/refusal.ts'
import type { SigningAlg } from '../protocol/signing-algs.ts'
import { exposureSettingsOf } from '../services/keys.ts'
import type { DatabaseFindings } from './doctor-database.ts'
import type { Findings, Problem } from './doctor.ts'
import { viewKeys } from './key-view.ts'
import { span, whenAndHow } from './time.ts'

export async function examineKeys(
  config: Config,
  { signingKeys, now }: DatabaseFindings,
): Promise<Findings> {
  const guard = await findKeyEncryptionKeys(config, signingKeys, now)
  const settings = {
    algorithms: config.signingAlgs,
    rotationIntervalSeconds: config.keyRotationIntervalSeconds,
  }
  const keys = signingKeys ?? []
  const current = viewKeys(keys, settings, now).filter(({ state }) => state !== 'gone')
  const nextTransition = keys.length === 0 ? undefined : nextTransitionAt(keys, settings, now)
  // Longer where a resource has tokens that live longer, and the lead leaves room for them.
  const outageSeconds = servedSeconds(
    exposureSettingsOf(config, Math.max(config.accessTokenTtlSeconds, config.idTokenTtlSeconds)),
  )
  return {
    document: {
      keys: {
        key_encryption_key_source: guard.source,
        key_encryption_key_id: guard.keys?.newestId ?? null,
        signing_keys: current.map(({ key: { kid, alg }, state, next }) => ({
          kid,
          alg,
          state,
          next: next ?? null,
        })),
        next_transition_at: nextTransition ?? null,
        jwks_outage_seconds: outageSeconds,
      },
    },
    rows: [
      ['key-encryption key', `${guard.keys?.newestId ?? guard.state}, from ${guard.source}`],
      [
        'signing keys',
        current.map(({ key, state }) => `${key.alg} ${state} ${key.kid}`).join('\n') ||
          (signingKeys ? 'none yet, the first start makes them' : 'unknown'),
      ],
      ['next transition', nextTransition && whenAndHow(nextTransition, now)],
      ['JWKS in an outage', `served for at least ${span(outageSeconds)}`],
    ],
    problems: [...guard.problems, ...findUnsigned(config.signingAlgs, keys, now)],
  }
}

interface Guard {
  source: string
  /** In place of the id. */
  state: string
  keys?: KeyEncryptionKeys
  problems: Problem[]
}

async function findKeyEncryptionKeys(
  config: Config,
  signingKeys: readonly SigningKey[] | undefined,
  now: Date,
): Promise<Guard> {
  const secretName = 'CLAVIGER_KEY_ENCRYPTION_KEY'
  const { keyEncryptionKey: secret, keysDir: directory } = config
  const source = secret === undefined ? directory : secretName
  const isNew = signingKeys?.length === 0 && secret === undefined && (await isEmpty(directory))
  if (isNew) return { source, state: 'none yet, the first start makes it', problems: [] }
  try {
    const options = { secret, secretName, directory, allowCreate: false, now }
    const keys = await loadKeyEncryptionKeys(options)
    return { source, state: 'there', keys, problems: await tryAll(signingKeys ?? [], keys) }
  } catch (error) {
    return { source, state: 'not usable', problems: [toProblem(error)] }
  }
}

/** Whether those that may yet sign can be decrypted. */
async function tryAll(
  signingKeys: readonly SigningKey[],
  keys: KeyEncryptionKeys,
): Promise<Problem[]> {
  const vault = createVault(keys)
  const needed = signingKeys.filter(
    ({ signer, retiredAt, revokedAt }) => signer === localSignerName && !retiredAt && !revokedAt,
  )
  const outcomes = await Promise.all(
    needed.map((key) => vault.open(key).then(() => undefined, toProblem)),
  )
  return outcomes.filter((problem) => problem !== undefined)
}

function findUnsigned(
  algorithms: Config['signingAlgs'],
  keys: readonly SigningKey[],
  now: Date,
): Problem[] {
  const waits = (alg: SigningAlg) => {
    const next = findNextKey(keys, alg)
    return next !== undefined && next.signsFrom > now
  }
  return algorithms
    .filter((alg) => keys.length > 0 && !findSigningKey(keys, alg) && !waits(alg))
    .map((alg) => ({
      code: 'signing_key',
      message: `No key signs ${alg}. A server sees to it within seconds: start it, or see its log.`,
    }))
}

async function isEmpty(directory: string): Promise<boolean> {
  const names = await readdir(directory).catch(() => [])
  return !names.some((name) => name.endsWith('.key'))
}

function toProblem(error: unknown): Problem {
  if (!(error instanceof Refusal)) throw error
  return { code: 'key_encryption_key', message: error.message }
}
