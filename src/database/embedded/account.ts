/** Who runs PostgreSQL: we ourselves or, as it refuses root, an unprivileged user of the system. */
import { chmod, mkdir } from 'node:fs/promises'
import { Refusal } from '../../protocol/refusal.ts'
import { run, type Account } from './run.ts'

export function isRoot(): boolean {
  return process.getuid?.() === 0
}

/** As root: `postgres` where it exists, else `claviger`, made when missing. Otherwise undefined: ourselves. */
export async function findAccount(): Promise<Account | undefined> {
  if (!isRoot()) return undefined
  const found = (await lookUp('postgres')) ?? (await lookUp('claviger'))
  if (found) return found
  await createUser('claviger')
  const created = await lookUp('claviger')
  if (created) return created
  throw new Refusal(
    'PostgreSQL refuses to run as root, and no system user could be made for it. Run useradd --system claviger, start Claviger as an ordinary user, or set DATABASE_URL.',
  )
}

/** Whether the account may enter or execute the path, whatever grants it that. */
export async function canEnter(account: Account, path: string): Promise<boolean> {
  const { ok } = await run('/bin/sh', ['-c', 'test -x "$1"', 'sh', path], { account })
  return ok
}

/** Makes the directory that holds what the account cannot reach where it would normally lie. */
export async function makeSystemDirectory(): Promise<string> {
  const directory = '/var/lib/claviger'
  const created = await mkdir(directory, { recursive: true })
  if (created) await chmod(directory, 0o755) // whatever the umask
  return directory
}

async function lookUp(name: string): Promise<Account | undefined> {
  const [uid, gid] = await Promise.all([run('id', ['-u', name]), run('id', ['-g', name])])
  return uid.ok && gid.ok ? { uid: Number(uid.output), gid: Number(gid.output) } : undefined
}

/** With shadow's program, else with BusyBox's. */
async function createUser(name: string): Promise<void> {
  const failed = { ok: false }
  const shadow = await run('useradd', [
    '--system',
    '--no-create-home',
    '--shell',
    '/bin/false',
    name,
  ]).catch(() => failed)
  if (!shadow.ok) await run('adduser', ['-S', '-D', '-H', name]).catch(() => failed)
}
