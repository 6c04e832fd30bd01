/** Creates the first key-encryption key file: complete or not at all, for its owner only, never over another. */
import { randomBytes } from 'node:crypto'
import { link, mkdir, open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { Refusal } from '../protocol/refusal.ts'

const attempts = 100
const pauseMilliseconds = 20

/** Of the processes that start at once on one directory, the file `.creating` lets one in; the others use its key. */
export async function createKeyFile(
  directory: string,
  now: Date,
  hasKeyFiles: () => Promise<boolean>,
): Promise<void> {
  const claim = join(directory, '.creating')
  await mkdir(directory, { recursive: true, mode: 0o700 })
  for (let attempt = 0; attempt < attempts; attempt++) {
    if (await claimDirectory(claim)) {
      try {
        if (!(await hasKeyFiles())) await writeKeyFile(directory, now)
      } finally {
        await rm(claim)
      }
      return
    }
    await delay(pauseMilliseconds)
    if (await hasKeyFiles()) return
  }
  throw new Refusal(`A start that was cut short left ${claim}. Type: rm '${claim}'`)
}

async function claimDirectory(claim: string): Promise<boolean> {
  try {
    const handle = await open(claim, 'wx', 0o600)
    await handle.close()
    return true
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false
    throw error
  }
}

export function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}

async function writeKeyFile(directory: string, now: Date): Promise<void> {
  const instant = now
    .toISOString()
    .replace(/\.\d+Z$/, 'Z')
    .replaceAll(':', '')
  const file = join(directory, `kek-${instant}.key`)
  const draft = `${file}.draft`
  await rm(draft, { force: true })
  await writeDurably(draft, `${randomBytes(32).toString('base64url')}\n`)
  await link(draft, file)
  await rm(draft)
  await synchronizeDirectory(directory)
}

/** On disk before anything is encrypted with it. */
async function writeDurably(file: string, text: string): Promise<void> {
  const handle = await open(file, 'wx', 0o600)
  try {
    await handle.writeFile(text)
    await handle.sync()
  } finally {
    await handle.close()
  }
}

async function synchronizeDirectory(directory: string): Promise<void> {
  const handle = await open(directory)
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
