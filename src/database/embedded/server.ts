/** The PostgreSQL server process of a cluster, reached by a socket that only its owner and root can open. */
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import { chown, lstat, mkdir, open, readFile, rmdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { Refusal } from '../../protocol/refusal.ts'
import type { Cluster } from './cluster.ts'
import { superuser } from './initdb.ts'
import { cannotRun, run, surroundings } from './run.ts'

export interface LaunchedServer {
  /** False once it made way for another server of the cluster. Throws a Refusal when it failed. */
  isRunning(): Promise<boolean>
}

const { O_APPEND, O_CREAT, O_NOFOLLOW, O_WRONLY } = constants
const longestSocketPath = 100 // bytes; the systems' limits begin at 104
const longestLog = 1024 * 1024
const appendNoLink = O_APPEND | O_CREAT | O_WRONLY | O_NOFOLLOW // the account may write there, we may be root
const anotherServer = /lock file .* (already exists|is empty)|pre-existing shared memory block/

/** A postgresql:// URL that nothing in the environment changes. */
export function socketUrl(socketDirectory: string, database: string): string {
  const host = encodeURIComponent(socketDirectory)
  return `postgresql://${superuser}@${host}:5432/${database}?sslmode=disable`
}

/** The cluster's own directory or, when its path is too long, a private one in /tmp that is named after it. */
export async function makeSocketDirectory({ directory, account }: Cluster): Promise<string> {
  if (Buffer.byteLength(join(directory, '.s.PGSQL.5432')) <= longestSocketPath) return directory
  const digest = createHash('sha256').update(directory).digest('hex').slice(0, 32)
  const path = `/tmp/claviger-${digest}`
  const created = await mkdir(path, { mode: 0o700 }).then(
    () => true,
    () => false,
  )
  if (created && account) await chown(path, account.uid, account.gid)
  const status = await lstat(path)
  const owner = account?.uid ?? process.getuid?.()
  if (!status.isDirectory() || status.uid !== owner || (status.mode & 0o077) !== 0)
    throw new Refusal(`${path} is in the way. Remove it, or choose a shorter DATA_DIR.`)
  return path
}

/** Starts the server in a session of its own, so that Ctrl-C does not end it before we have drained. */
export async function launchServer(cluster: Cluster): Promise<LaunchedServer> {
  const { directory, binaries, account } = cluster
  const socketDirectory = await makeSocketDirectory(cluster) // anew: who ends a server removes it
  const path = join(directory, 'server.log')
  const log = await open(path, appendNoLink, 0o600)
  let { size: begin } = await log.stat()
  if (begin > longestLog) {
    await log.truncate()
    begin = 0
  }
  if (account) await log.chown(account.uid, account.gid)
  const settings = [
    'listen_addresses=',
    'port=5432',
    `unix_socket_directories="${socketDirectory.replaceAll('"', '""')}"`,
    'unix_socket_permissions=0700',
    'log_min_messages=log', // failed statements are ours to report
    'log_checkpoints=off',
  ]
  const child = spawn(
    binaries.postgres,
    ['-D', directory, ...settings.flatMap((setting) => ['-c', setting])],
    { ...surroundings, ...account, detached: true, stdio: ['ignore', log.fd, log.fd] },
  )
  child.unref()
  let failure: Error | undefined
  child.on('error', (error) => (failure = cannotRun(binaries.postgres, error)))
  await log.close()
  return {
    async isRunning() {
      if (failure) throw failure
      if (child.exitCode === null && child.signalCode === null) return true
      const text = (await readFile(path)).subarray(begin).toString().trim()
      if (child.exitCode === 0 || anotherServer.test(text)) return false
      throw new Refusal(`PostgreSQL in ${directory} did not start: ${text}`)
    },
  }
}

/** Ends the server, whose clients are disconnected; answers whether it was gone within 30 seconds. */
export async function stopServer(
  { directory, account }: Cluster,
  socketDirectory: string,
): Promise<boolean> {
  const pid = await findServerPid(directory)
  if (pid !== undefined) {
    // As the account: the file with the number is its own, and root could hit anyone.
    await run('/bin/sh', ['-c', 'kill -INT "$1"', 'sh', String(pid)], { account })
    const patience = AbortSignal.timeout(30_000)
    while ((await findServerPid(directory)) === pid && isAlive(pid)) {
      if (patience.aborted) return false
      await delay(10)
    }
  }
  if (socketDirectory !== directory) await rmdir(socketDirectory).catch(() => {})
  return true
}

/** The file is removed as the last thing the server does. */
async function findServerPid(directory: string): Promise<number | undefined> {
  const text = await readFile(join(directory, 'postmaster.pid'), 'utf8').catch(() => '')
  const pid = Number.parseInt(text, 10)
  return pid > 0 ? pid : undefined
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
