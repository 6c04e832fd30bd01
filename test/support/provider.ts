/** A whole provider for a test: the real app on a database of its own, with a clock that the test moves. */
import type { FastifyInstance } from 'fastify'
import { randomBytes } from 'node:crypto'
import { createServer } from 'node:net'
import { pino } from 'pino'
import type { Test } from 'tap'
import { createApp } from '../../src/app.ts'
import { readConfig, type Config, type Environment } from '../../src/config.ts'
import { codeOf } from '../../src/database/errors.ts'
import type { Client } from '../../src/clients/registry.ts'
import type { SetTimer } from '../../src/revocation/pace.ts'
import { followChanges } from '../../src/services/background.ts'
import { createServices, type Services } from '../../src/services/index.ts'
import type { Account } from '../../src/users/accounts.ts'
import { createTestClock, type TestClock } from './clock.ts'
import { createTestDatabase, joinTestDatabase, type TestDatabase } from './database.ts'
import { countRoundTrips, type CountedDatabase } from './round-trips.ts'

export interface TestProvider {
  issuer: string
  config: Config
  services: Services
  app: FastifyInstance
  database: TestDatabase & CountedDatabase
  clock: TestClock
  /** What the server has logged so far, one object a line. */
  logged: Record<string, unknown>[]
  createUser(details?: Parameters<Services['accounts']['create']>[0]): Promise<Account>
  /** The client with its secret, if it has one. */
  createClient(metadata?: object): Promise<Client & { secret: string }>
}

export const password = 'a long enough passphrase'
export const redirectUri = 'http://localhost:9999/callback'

/**
 * Listens on a free port of 127.0.0.1; ISSUER says so unless the environment has another. With `beside` it is one more node
 * of that issuer, on its database and with its clock; with `database` it is the first on that one.
 */
export async function createTestProvider(
  t: Test,
  environment: Environment = {},
  {
    beside,
    database: given,
    setTimer,
    clock = beside?.clock ?? createTestClock(),
  }: {
    beside?: TestProvider
    database?: TestDatabase
    setTimer?: SetTimer
    clock?: TestClock
  } = {},
): Promise<TestProvider> {
  const port = await freePort()
  const settings = readConfig({
    ISSUER: beside?.issuer ?? `http://127.0.0.1:${port}`,
    HOST: '127.0.0.1',
    PORT: String(port),
    CLAVIGER_KEY_ENCRYPTION_KEY: beside?.config.keyEncryptionKey ?? randomBytes(32).toString('hex'),
    ...environment,
  })
  // Its clock is moved by days, and no job reads the keys anew.
  const config = { ...settings, keyStalenessSeconds: 3650 * 86_400 }
  const testDatabase =
    given ?? (await (beside ? joinTestDatabase(t, beside.database) : createTestDatabase(t)))
  const database = { ...testDatabase, ...countRoundTrips(testDatabase) }
  const services = await createServices({ config, database, clock })
  if (setTimer) Object.assign(services.revocationsEndpoint, { setTimer })
  await services.rotation.ensureKeys()
  await services.keyring.load()
  await services.revocationFeed.load()
  const logged: Record<string, unknown>[] = []
  const log = pino({ level: 'trace' }, { write: (line) => void logged.push(JSON.parse(line)) })
  const app = await createApp(services, { config, log })
  const stopFollowing = followChanges({ database }, services, {
    onError: (error) => log.error(error),
  })
  await app.listen({ host: config.host, port: config.port })
  t.teardown(async () => {
    await app.close()
    await stopFollowing()
  })
  return {
    issuer: config.issuer,
    config,
    services,
    app,
    database,
    clock,
    logged,
    createUser: (details) =>
      services.accounts.create({ email: 'alice@example.com', password, ...details }),
    async createClient(metadata) {
      const { client, clientSecret } = await services.clients.create({
        client_name: 'Example App',
        redirect_uris: [redirectUri],
        grant_types: ['authorization_code', 'refresh_token'],
        ...metadata,
      })
      return { ...client, secret: clientSecret ?? '' }
    },
  }
}

/** Of the files that run side by side each has its own thousand; runs beside each other begin at different ones. */
const portsOfFile = 1000
const firstPort = 20_000 + (Number(process.env['TAP_JOB_ID'] ?? 0) % 12) * portsOfFile
let nextPort = process.pid * 61

/**
 * Not one that the kernel has to give: it gives that to somebody else as well, until it is listened on. Nobody gets a port
 * of these without asking for it, and nobody here twice.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = firstPort + (nextPort++ % portsOfFile)
    if (await isFree(port)) return port
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer()
  const isListening = await new Promise<boolean>((resolve, reject) => {
    server.once('error', (error) =>
      codeOf(error) === 'EADDRINUSE' ? resolve(false) : reject(error),
    )
    server.listen(port, '127.0.0.1', () => resolve(true))
  })
  if (isListening) await new Promise((resolve) => server.close(resolve))
  return isListening
}
