/**
 * Three nodes on one Postgres rotate their keys every few seconds, while tokens are issued and verified without a pause
 * and one disturbance follows the other. What should not have been is in the report.
 */
import { randomBytes } from 'node:crypto'
import { createDatabase } from '../../../src/database/pool.ts'
import { freePort } from '../provider.ts'
import { findDisagreement } from './agreement.ts'
import { createCommand } from './command.ts'
import {
  cutListeners,
  killOne,
  rotateByCommand,
  type Happening,
  type Surroundings,
} from './disturbances.ts'
import { watchKeys, type KeyWatch } from './key-watch.ts'
import { createNode, type SoakNode } from './node.ts'
import { createTokenClient } from './token-client.ts'
import { createTraffic, type Traffic } from './traffic.ts'
import { createVerifiers } from './verifiers.ts'
import { windowsEnvironment } from './windows.ts'

export interface SoakOptions {
  /** A postgresql:// URL. The database is migrated by the nodes. */
  databaseUrl: string
  /** Asked after every pass through all disturbances. */
  isEnough: (passes: number, seconds: number) => boolean
  /** From each node. */
  tokensPerSecond: number
  /** After which a soak that does not come to its end fails. */
  patienceSeconds: number
}

export interface SoakReport {
  passes: number
  seconds: number
  nodes: readonly SoakNode[]
  /** Exit codes of the orderly stop at the end. */
  exitCodes: (number | null)[]
  /** What the nodes said last, if they did not come to have the same JWKS in the end. */
  disagreement: string | undefined
  happenings: ReadonlyMap<Happening, number>
  watch: Pick<KeyWatch, 'keys' | 'faults' | 'looks' | 'rotations'>
  traffic: Omit<Traffic, 'stop'>
}

/** By how much the wall clock of the second node is wrong; the other way round after it was killed. */
export const clockOffsetSeconds = 5

export async function runSoak(options: SoakOptions): Promise<SoakReport> {
  const { databaseUrl } = options
  const database = createDatabase(databaseUrl, { onError: () => {} })
  const ports = [await freePort(), await freePort(), await freePort()]
  const environment = {
    ISSUER: `http://127.0.0.1:${ports[0]}`,
    DATABASE_URL: databaseUrl,
    CLAVIGER_KEY_ENCRYPTION_KEY: randomBytes(32).toString('hex'),
    ...windowsEnvironment,
  }
  const nodes = ports.map((port, index) => createNode(`node ${index + 1}`, port, environment))
  nodes[1]!.clockOffsetSeconds = clockOffsetSeconds
  try {
    await Promise.all(nodes.map((node) => node.start()))
    return await soak({ nodes, database, runCommand: createCommand(environment) }, options)
  } finally {
    await Promise.all(nodes.map((node) => node.kill()))
    await database.close()
  }
}

async function soak(
  { nodes, database, runCommand }: Pick<Surroundings, 'nodes' | 'database' | 'runCommand'>,
  { isEnough, tokensPerSecond, patienceSeconds }: SoakOptions,
): Promise<SoakReport> {
  const startedAt = performance.now()
  const seconds = () => (performance.now() - startedAt) / 1000
  const patience = AbortSignal.timeout(patienceSeconds * 1000)
  const happenings = new Map<Happening, number>()
  const client = await createTokenClient(runCommand)
  const watch = watchKeys(database, patience)
  const verifiers = createVerifiers(nodes, nodes[0]!.origin)
  const traffic = createTraffic({ nodes, verifiers, client, database, tokensPerSecond })
  const surroundings: Surroundings = {
    nodes,
    watch,
    database,
    runCommand,
    count: (what) => void happenings.set(what, (happenings.get(what) ?? 0) + 1),
  }
  let passes = 0
  try {
    do {
      const node = nodes[(passes + 2) % nodes.length]!
      node.clockOffsetSeconds *= -1
      await killOne(surroundings, node)
      await cutListeners(surroundings)
      await rotateByCommand(surroundings)
      passes += 1
    } while (!isEnough(passes, seconds()))
    await traffic.stop()
    const disagreement = await findDisagreement(nodes, watch)
    const exitCodes = await Promise.all(nodes.map((node) => node.stop()))
    return {
      passes,
      seconds: seconds(),
      nodes,
      exitCodes,
      happenings,
      watch,
      traffic,
      disagreement,
    }
  } finally {
    await traffic.stop()
    await watch.stop()
  }
}
