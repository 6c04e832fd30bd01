/** Starts the embedded PostgreSQL in places that vanish with the test, here or in processes of their own. */
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { chmod, mkdtemp, readlink, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'
import { startEmbeddedPostgres } from '../../src/database/embedded/index.ts'
import type { EmbeddedPostgres } from '../../src/database/embedded/index.ts'
import type { Owner } from '../../src/database/embedded/presence.ts'
import type { Account } from '../../src/database/embedded/run.ts'
import { createDatabase } from '../../src/database/pool.ts'
import type { Report } from './embedded-process.ts'
import { forkPlainly } from './fork-plainly.ts'

export const embeddedProgram = fileURLToPath(import.meta.resolve('./embedded-process.js'))

/** A directory in which `data` is the DATA_DIR. */
export async function createPlace(t: Test, mode = 0o755): Promise<string> {
  const place = await mkdtemp(join(tmpdir(), 'claviger-embedded-'))
  await chmod(place, mode)
  t.teardown(async () => {
    const linked = await readlink(join(place, 'data', 'postgres')).catch(() => undefined)
    if (linked) await rm(linked, { recursive: true, force: true })
    await rm(place, { recursive: true, force: true })
  })
  return place
}

export async function startHere(
  t: Test,
  dataDirectory: string,
  owner: Owner,
): Promise<EmbeddedPostgres> {
  const postgres = await startEmbeddedPostgres({ dataDirectory, owner, log: () => {} })
  let stopping: Promise<void> | undefined
  const stop = () => (stopping ??= postgres.stop())
  t.teardown(stop)
  return { ...postgres, stop }
}

export interface EmbeddedProcess {
  connection: string
  dataDirectory: string
  stop(): Promise<void>
  kill(): Promise<void>
}

/** Throws what the process was refused with. */
export async function startProcess(
  t: Test,
  dataDirectory: string,
  owner: Owner,
  account?: Account,
): Promise<EmbeddedProcess> {
  const child = forkPlainly(embeddedProgram, [dataDirectory, owner], { cwd: '/', ...account })
  const exited = once(child, 'exit')
  const kill = async () => {
    child.kill('SIGKILL')
    await exited
  }
  t.teardown(kill)
  const [report] = (await once(child, 'message')) as [Report]
  if ('refusal' in report) throw new Error(report.refusal)
  return {
    ...report,
    kill,
    async stop() {
      child.send('stop')
      await exited
    },
  }
}

export async function ask(connection: string, text: string): Promise<object[]> {
  const database = createDatabase(connection, { onError: () => {}, maxConnections: 1 })
  try {
    return await database.query(text)
  } finally {
    await database.close()
  }
}

/** PostgreSQL removes it as its last act. */
export function isRunning(postgres: { dataDirectory: string }): boolean {
  return existsSync(join(postgres.dataDirectory, 'postmaster.pid'))
}
