/** Runs PostgreSQL for one tap run and ends it when told to, or when tap is gone without a word. */
import { spawn } from 'node:child_process'
import { chown, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { openSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { findAccount } from '../../src/database/embedded/account.ts'
import { findBinaries, reachableBinaries } from '../../src/database/embedded/binaries.ts'
import { createCluster } from '../../src/database/embedded/initdb.ts'
import { surroundings } from '../../src/database/embedded/run.ts'
import { socketUrl } from '../../src/database/embedded/server.ts'
import { codeOf } from '../../src/database/errors.ts'
import { migrate } from '../../src/database/migrate.ts'
import { createDatabase } from '../../src/database/pool.ts'
import { packageRoot, runFile, runsDirectory, templateName } from './postgres-run.ts'
import type { PostgresRun } from './postgres-run.ts'

const settings = {
  listen_addresses: '',
  port: '5432',
  max_connections: '300',
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
  wal_level: 'minimal',
  max_wal_senders: '0',
}

const tapPid = Number(process.argv[2])
const told = new Promise<void>((resolve) => {
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => resolve())
})

await mkdir(runsDirectory, { recursive: true })
await removeLeftovers()
const directory = await mkdtemp(join(tmpdir(), 'claviger-test-'))
const data = join(directory, 'postgres')
let postgres: ReturnType<typeof spawn> | undefined

try {
  await start()
  process.send?.({})
  await Promise.race([told, untilGone(tapPid)])
} catch (error) {
  process.send?.({ failure: error instanceof Error ? error.message : String(error) })
} finally {
  if (postgres) await stop(postgres)
  await rm(directory, { recursive: true, force: true })
  await rm(runFile(tapPid), { force: true })
}
process.exit()

async function start(): Promise<void> {
  const account = await findAccount()
  const binaries = await reachableBinaries(await findBinaries(), account)
  if (account) await chown(directory, account.uid, account.gid)
  await createCluster(data, { binaries, account, noSync: true })
  const log = openSync(join(directory, 'log'), 'a')
  postgres = spawn(
    binaries.postgres,
    [
      '-D',
      data,
      ...Object.entries({ ...settings, unix_socket_directories: directory }).flatMap(
        ([name, value]) => ['-c', `${name}=${value}`],
      ),
    ],
    { ...surroundings, ...account, stdio: ['ignore', log, log] },
  )
  await createTemplate(postgres)
  const run: PostgresRun = { keeperPid: process.pid, directory }
  await writeFile(`${runFile(tapPid)}.new`, JSON.stringify(run))
  await rename(`${runFile(tapPid)}.new`, runFile(tapPid))
}

async function createTemplate(server: ReturnType<typeof spawn>): Promise<void> {
  const database = createDatabase(socketUrl(directory, 'postgres'), { onError: () => {} })
  for (;;) {
    const connected = await database.query('select 1').then(
      () => true,
      () => false,
    )
    if (connected) break
    if (server.exitCode !== null) throw new Error(await readFile(join(directory, 'log'), 'utf8'))
    await delay(20)
  }
  await database.query(`create database ${templateName}`)
  await database.close()
  await migrate(socketUrl(directory, templateName), {
    directory: join(packageRoot, 'sql'),
    onError: () => {},
  })
}

async function stop(server: ReturnType<typeof spawn>): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return
  const exited = new Promise((resolve) => server.once('exit', resolve))
  server.kill('SIGQUIT') // at once: the data goes with it
  await exited
}

/** PostgreSQL ends by itself when its directory is gone. */
async function removeLeftovers(): Promise<void> {
  for (const name of await readdir(runsDirectory)) {
    if (!name.endsWith('.json')) continue
    const file = join(runsDirectory, name)
    const text = await readFile(file, 'utf8').catch(() => undefined)
    if (text === undefined) continue // its run has just ended
    const run: PostgresRun = JSON.parse(text)
    if (isAlive(run.keeperPid)) continue
    await rm(run.directory, { recursive: true, force: true })
    await rm(file, { force: true })
  }
}

async function untilGone(pid: number): Promise<void> {
  while (isAlive(pid)) await delay(500)
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return codeOf(error) === 'EPERM'
  }
}
