/** PostgreSQL of our own, in DATA_DIR, for when there is no DATABASE_URL. Started by the first process, ended by the last. */
import { setTimeout as delay } from 'node:timers/promises'
import { isOutage } from '../errors.ts'
import { Refusal } from '../../protocol/refusal.ts'
import { prepareCluster } from './cluster.ts'
import { databaseName } from './initdb.ts'
import { enter, type Holder, type Owner, type Presence } from './presence.ts'
import { launchServer, makeSocketDirectory, socketUrl, stopServer } from './server.ts'
import type { LaunchedServer } from './server.ts'

export interface EmbeddedOptions {
  dataDirectory: string
  /** Only one process at a time may serve; commands join it, or each other. */
  owner: Owner
  log: (message: string) => void
}

export interface EmbeddedPostgres {
  /** A postgresql:// URL, the same as long as DATA_DIR lies where it is. */
  connection: string
  /** Where the cluster really lies. */
  dataDirectory: string
  /** Leaves; ends PostgreSQL when no other process of ours uses it. Close all other connections before. */
  stop(): Promise<void>
}

const patienceMilliseconds = 60_000

/** Creates the cluster and starts the server where needed. Throws a Refusal when that cannot be. */
export async function startEmbeddedPostgres({
  dataDirectory,
  owner,
  log,
}: EmbeddedOptions): Promise<EmbeddedPostgres> {
  const cluster = await prepareCluster(dataDirectory)
  const socketDirectory = await makeSocketDirectory(cluster)
  const connection = socketUrl(socketDirectory, databaseName)
  const stopping = new AbortController()

  async function begin(): Promise<Presence> {
    const entered = await enterOrLaunch()
    const holder = owner === 'serve' ? await entered.claim() : undefined
    if (!holder) return entered
    await leave(entered)
    throw alreadyServed(holder, dataDirectory)
  }

  async function enterOrLaunch(): Promise<Presence> {
    const patience = AbortSignal.timeout(patienceMilliseconds)
    let server: LaunchedServer | undefined
    while (!patience.aborted && !stopping.signal.aborted) {
      const { presence: entered, reachable } = await enter(connection, owner)
      if (entered) return entered
      if (server && !(await server.isRunning())) {
        server = undefined
        await delay(100) // another server is starting or stopping
      } else if (!reachable) server ??= await launchServer(cluster)
      await delay(10)
    }
    throw new Refusal(
      `PostgreSQL in ${cluster.directory} accepts no connections. Try again, or see server.log there.`,
    )
  }

  async function leave(entered: Presence): Promise<void> {
    try {
      const alone = await entered.leave()
      if (alone && !(await stopServer(cluster, socketDirectory)))
        log(`PostgreSQL in ${cluster.directory} is still stopping`)
    } catch (error) {
      if (!isOutage(error)) throw error // else it has ended without us
    } finally {
      await entered.close()
    }
  }

  let presence = await begin()
  const asked = new Promise((resolve) => stopping.signal.addEventListener('abort', resolve))

  /** A server that ended while we need it is started again. */
  async function keep(): Promise<void> {
    for (;;) {
      await Promise.race([presence.lost, asked])
      if (stopping.signal.aborted) return
      log(
        `The connection to PostgreSQL in ${cluster.directory} broke; starting it again if need be`,
      )
      try {
        presence = await begin()
      } catch (error) {
        log(error instanceof Error ? error.message : String(error))
        await Promise.race([delay(1000), asked])
      }
    }
  }
  const keeping = keep()

  return {
    connection,
    dataDirectory: cluster.directory,
    async stop() {
      stopping.abort()
      await keeping
      await leave(presence)
    },
  }
}

function alreadyServed({ pid, since }: Holder, dataDirectory: string): Refusal {
  return new Refusal(
    `Another Claviger (pid ${pid}, since ${since.toISOString()}) already serves from ${dataDirectory}. Stop it, or set DATABASE_URL to run several nodes on one PostgreSQL.`,
  )
}
