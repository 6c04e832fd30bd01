/** The cluster of a DATA_DIR: made whole or not at all, by whichever process is first. */
import { randomBytes } from 'node:crypto'
import { lstat, mkdir, readdir, readFile, realpath } from 'node:fs/promises'
import { rename, rm, stat, symlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { codeOf } from '../errors.ts'
import { Refusal } from '../../protocol/refusal.ts'
import { canEnter, findAccount, isRoot, makeSystemDirectory } from './account.ts'
import { findBinaries, reachableBinaries, type Binaries } from './binaries.ts'
import { createCluster } from './initdb.ts'
import type { Account } from './run.ts'

export interface Cluster {
  /** Where it really lies. */
  directory: string
  binaries: Binaries
  /** Who runs it, when not we ourselves. */
  account: Account | undefined
}

const unfinishedPrefix = 'postgres.new-'

/** Finds the cluster, or creates it. */
export async function prepareCluster(dataDirectory: string): Promise<Cluster> {
  const place = join(dataDirectory, 'postgres')
  const binaries = await findBinaries()
  try {
    await mkdir(dataDirectory, { recursive: true })
    if (!(await isTaken(place))) await createInPlace(place, binaries)
    return await openCluster(place, binaries)
  } catch (error) {
    if (!isForbidden(error)) throw error
    throw new Refusal(
      `${place} cannot be used (${error.message}). Choose a DATA_DIR that you may write.`,
      { cause: error },
    )
  }
}

async function createInPlace(place: string, original: Binaries): Promise<void> {
  const account = await findAccount()
  const binaries = await reachableBinaries(original, account)
  const apart = account !== undefined && !(await canEnter(account, dirname(place)))
  const id = randomBytes(8).toString('hex')
  const directory = apart
    ? join(await makeSystemDirectory(), id)
    : join(dirname(place), `${unfinishedPrefix}${id}`)
  try {
    await createCluster(directory, { binaries, account })
    // Either happens at once or fails because another process was faster.
    await (apart ? symlink(directory, place) : rename(directory, place))
  } catch (error) {
    await rm(directory, { recursive: true, force: true })
    if (!(await isTaken(place))) throw error
  }
  await removeUnfinished(dirname(place))
}

/** What processes that died while creating, or are slower than we, have left. */
async function removeUnfinished(dataDirectory: string): Promise<void> {
  for (const name of await readdir(dataDirectory))
    if (name.startsWith(unfinishedPrefix))
      await rm(join(dataDirectory, name), { recursive: true, force: true }).catch(() => {})
}

async function openCluster(place: string, original: Binaries): Promise<Cluster> {
  const { uid, gid } = await stat(place).catch((error) => {
    throw isAbsent(error)
      ? new Refusal(
          `${place} is a link to a directory that is gone. Restore that directory, or remove the link to begin with an empty database.`,
        )
      : error
  })
  refuseForeign(place, uid)
  const account = isRoot() ? { uid, gid } : undefined
  const directory = await realpath(place)
  const version = await readFile(join(directory, 'PG_VERSION'), 'utf8').catch(() => undefined)
  if (version === undefined)
    throw new Refusal(
      `${place} is not a PostgreSQL cluster. Move it away or choose another DATA_DIR.`,
    )
  const major = original.version.split('.')[0]
  if (version.trim() !== major)
    throw new Refusal(
      `${place} was written by PostgreSQL ${version.trim()}, and this release brings ${major}. Dump it with the release that made it, and restore it into a new DATA_DIR.`,
    )
  if (account && !(await canEnter(account, directory)))
    throw new Refusal(
      `The user ${uid}, who owns ${directory}, cannot reach it. Let others enter the directories above it (chmod o+x).`,
    )
  return { directory, account, binaries: await reachableBinaries(original, account) }
}

function refuseForeign(place: string, uid: number): void {
  if (isRoot() ? uid !== 0 : uid === process.getuid?.()) return
  throw new Refusal(
    isRoot()
      ? `${place} belongs to root, and PostgreSQL refuses to run as root. Give it to another user (chown -R).`
      : `${place} belongs to another user (uid ${uid}). Start Claviger as that user or as root, or choose another DATA_DIR.`,
  )
}

async function isTaken(place: string): Promise<boolean> {
  const status = await lstat(place).catch((error) => {
    if (!isAbsent(error)) throw error
  })
  if (!status?.isDirectory()) return status !== undefined
  // Of someone else's we cannot see whether it is empty.
  return readdir(place).then(
    (names) => names.length > 0,
    () => true,
  )
}

function isAbsent(error: unknown): boolean {
  return codeOf(error) === 'ENOENT'
}

function isForbidden(error: unknown): error is Error {
  return ['EACCES', 'EPERM', 'EROFS', 'ENOTDIR'].includes(codeOf(error) ?? '')
}
