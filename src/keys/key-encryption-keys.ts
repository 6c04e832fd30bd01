/** The keys that encrypt signing keys and the server secret at rest, from a setting or from files. */
import { createHash } from 'node:crypto'
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { Refusal } from '../protocol/refusal.ts'
import { createKeyFile, hasCode } from './key-file.ts'

export interface KeyEncryptionKey {
  id: string
  key: Buffer
  /** The file, or the setting, that holds it. */
  place: string
}

export interface KeyEncryptionKeys {
  /** Encrypts; all decrypt. */
  readonly newestId: string
  /** Where the keys come from, for messages. */
  readonly source: string
  /** Each file, or the setting, that was read. */
  readonly places: readonly string[]
  find(id: string): KeyEncryptionKey | undefined
  /** Reads the directory anew. */
  reload(): Promise<void>
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
  if (source.secret !== undefined) {
    const keys = fromSecret(source.secret, source.secretName)
    return keyEncryptionKeys(keys, source.secretName, () => Promise.resolve(keys))
  }
  const { directory, secretName } = source
  const names = await listKeyFiles(directory)
  if (names.length === 0) {
    if (!source.allowCreate)
      throw new Refusal(
        `No key-encryption key (*.key) lies in ${directory}, but the database holds signing keys that need one: ` +
          `restore that folder from its backup, or set ${secretName}.`,
      )
    await createFirst(directory, source)
  }
  const read = () => readKeyFiles(directory)
  return keyEncryptionKeys(await read(), directory, read)
}

async function createFirst(
  directory: string,
  { now, secretName }: KeyEncryptionKeySource,
): Promise<void> {
  try {
    await createKeyFile(directory, now, async () => (await listKeyFiles(directory)).length > 0)
  } catch (cause) {
    if (cause instanceof Refusal) throw cause
    throw new Refusal(
      `No key-encryption key can be created in ${directory}: let this user write there, or set ${secretName}.`,
      { cause },
    )
  }
}

/** The newest first. */
async function readKeyFiles(directory: string): Promise<KeyEncryptionKey[]> {
  const names = (await listKeyFiles(directory)).toReversed()
  return Promise.all(names.map((name) => readKeyFile(join(directory, name))))
}

function fromSecret(secret: string, secretName: string): KeyEncryptionKey[] {
  const texts = secret.split(/[\s,]+/).filter((text) => text !== '')
  const keys = texts.map(parseKey).filter((key) => key !== undefined)
  if (keys.length === 0 || keys.length < texts.length)
    throw new Refusal(
      `${secretName} must be 32 random bytes as base64url or hex: make one with 'openssl rand -hex 32'.`,
    )
  return keys.map((key) => ({ id: keyId(key), key, place: secretName }))
}

function keyEncryptionKeys(
  loaded: KeyEncryptionKey[],
  source: string,
  read: () => Promise<KeyEncryptionKey[]>,
): KeyEncryptionKeys {
  let keys = loaded
  return {
    get newestId() {
      return keys[0]!.id
    },
    source,
    get places() {
      return [...new Set(keys.map(({ place }) => place))]
    },
    find: (id) => keys.find((each) => each.id === id),
    async reload() {
      const found = await read()
      if (found.length > 0) keys = found
    },
  }
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

async function readKeyFile(file: string): Promise<KeyEncryptionKey> {
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
  return { id: keyId(key), key, place: file }
}

function parseKey(text: string): Buffer | undefined {
  if (/^[0-9a-fA-F]{64}$/.test(text)) return Buffer.from(text, 'hex')
  if (/^(?:[\w-]{43}|[A-Za-z0-9+/]{43}=?)$/.test(text)) return Buffer.from(text, 'base64')
  return undefined
}
