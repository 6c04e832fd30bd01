/** The keys that encrypt signing keys at rest, from a secret or from files; other secrets are derived from them. */
import { createHash, hkdfSync } from 'node:crypto'
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { Refusal } from '../protocol/refusal.ts'
import { createKeyFile, hasCode } from './key-file.ts'

export interface KeyEncryptionKeys {
  /** Encrypts; all decrypt. */
  readonly newestId: string
  /** Where the keys come from, for messages. */
  readonly source: string
  find(id: string): Buffer | undefined
  /** 32 bytes for one purpose, from the newest key. */
  deriveKey(purpose: string): Buffer
  /** The same from every key, the newest first. */
  deriveKeys(purpose: string): Buffer[]
}

export interface KeyEncryptionKeySource {
  /** One key, or several of which the first encrypts, as base64url, base64 or hex. Takes the place of the files. */
  secret: string | undefined
  /** The name of the setting that holds `secret`. */
  secretName: string
  /** Holds `*.key` files, of which the last by name encrypts. */
  directory: string
  /** True while nothing is encrypted yet, so that an empty directory is no loss. */
  allowCreate: boolean
  now: Date
}

export async function loadKeyEncryptionKeys(
  source: KeyEncryptionKeySource,
): Promise<KeyEncryptionKeys> {
  if (source.secret !== undefined) return fromSecret(source.secret, source.secretName)
  const { directory, secretName } = source
  const names = await listKeyFiles(directory)
  if (names.length === 0) {
    if (!source.allowCreate)
      throw new Refusal(
        `No key-encryption key (*.key) lies in ${directory}, but the database holds signing keys that need one: ` +
          `restore that folder from its backup, or set ${secretName}.`,
      )
    names.push(...(await createFirst(directory, source)))
  }
  const keys = await Promise.all(names.map((name) => readKeyFile(join(directory, name))))
  return keyEncryptionKeys(keys.toReversed(), directory)
}

async function createFirst(
  directory: string,
  { now, secretName }: KeyEncryptionKeySource,
): Promise<string[]> {
  try {
    await createKeyFile(directory, now, async () => (await listKeyFiles(directory)).length > 0)
  } catch (cause) {
    if (cause instanceof Refusal) throw cause
    throw new Refusal(
      `No key-encryption key can be created in ${directory}: let this user write there, or set ${secretName}.`,
      { cause },
    )
  }
  return listKeyFiles(directory)
}

function fromSecret(secret: string, secretName: string): KeyEncryptionKeys {
  const texts = secret.split(/[\s,]+/).filter((text) => text !== '')
  const keys = texts.map(parseKey).filter((key) => key !== undefined)
  if (keys.length === 0 || keys.length < texts.length)
    throw new Refusal(
      `${secretName} must be 32 random bytes as base64url or hex: make one with 'openssl rand -hex 32'.`,
    )
  return keyEncryptionKeys(keys, secretName)
}

function keyEncryptionKeys(keys: readonly Buffer[], source: string): KeyEncryptionKeys {
  const newest = keys[0]!
  const byId = new Map(keys.map((key) => [keyId(key), key]))
  return {
    newestId: keyId(newest),
    source,
    find: (id) => byId.get(id),
    deriveKey: (purpose) => derive(newest, purpose),
    deriveKeys: (purpose) => keys.map((key) => derive(key, purpose)),
  }
}

function derive(key: Buffer, purpose: string): Buffer {
  return Buffer.from(hkdfSync('sha256', key, '', `claviger ${purpose}`, 32))
}

function keyId(key: Buffer): string {
  return createHash('sha256').update(key).digest('hex').slice(0, 16)
}

async function listKeyFiles(directory: string): Promise<string[]> {
  try {
    const names = await readdir(directory)
    return names.filter((name) => name.endsWith('.key')).toSorted()
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return []
    throw new Refusal(`${directory} cannot be read: let this user read it.`, { cause: error })
  }
}

async function readKeyFile(file: string): Promise<Buffer> {
  const { mode } = await stat(file)
  if ((mode & 0o077) !== 0)
    throw new Refusal(`${file} is open to other users. Type: chmod 600 '${file}'`)
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new Refusal(`${file} cannot be read: give it to the user that runs Claviger.`, { cause })
  })
  const key = parseKey(text.trim())
  if (!key)
    throw new Refusal(
      `${file} does not hold 32 bytes as base64url or hex: restore it from its backup.`,
    )
  return key
}

function parseKey(text: string): Buffer | undefined {
  if (/^[0-9a-fA-F]{64}$/.test(text)) return Buffer.from(text, 'hex')
  if (/^(?:[\w-]{43}|[A-Za-z0-9+/]{43}=?)$/.test(text)) return Buffer.from(text, 'base64')
  return undefined
}
