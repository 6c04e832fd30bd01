/** What a benchmark runs against: server processes on one embedded PostgreSQL, gone when it is over. */
import { randomBytes } from 'node:crypto'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readConfig, type Config, type Environment } from '../src/config.ts'
import { startEmbeddedPostgres } from '../src/database/embedded/index.ts'
import { openDatabase } from '../src/database/open.ts'
import { createAdminServices, type AdminServices } from '../src/services/admin.ts'
import { freePort } from '../test/support/provider.ts'
import { createNode, type SoakNode } from '../test/support/soak/node.ts'

export interface Deployment {
  issuer: string
  nodes: SoakNode[]
  config: Config
  /** As the command line has them, in this process. */
  admin: AdminServices
}

export async function withDeployment(
  nodeCount: number,
  settings: Environment,
  work: (deployment: Deployment) => Promise<void>,
): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'claviger-bench-'))
  await chmod(directory, 0o755) // as root, PostgreSQL runs under another account
  const postgres = await startEmbeddedPostgres({
    dataDirectory: join(directory, 'data'),
    owner: 'command',
    log: () => {},
  })
  const ports = await Promise.all(Array.from({ length: nodeCount }, freePort))
  const issuer = `http://127.0.0.1:${ports[0]}`
  const environment = {
    ISSUER: issuer,
    DATABASE_URL: postgres.connection,
    CLAVIGER_KEY_ENCRYPTION_KEY: randomBytes(32).toString('hex'),
    CLAVIGER_RATE_LIMIT: 'off',
    ...settings,
  }
  const nodes = ports.map((port, index) => createNode(`node ${index + 1}`, port, environment))
  async function tidyUp(): Promise<void> {
    await Promise.all(nodes.map((node) => node.kill()))
    await postgres.stop()
    await rm(directory, { recursive: true, force: true })
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => void tidyUp().finally(() => process.exit(1)))

  try {
    await Promise.all(nodes.map((node) => node.start()))
    const config = readConfig(environment)
    const opened = await openDatabase(config, { owner: 'command', log: silent })
    try {
      const admin = createAdminServices({ config, ...opened })
      await work({ issuer, nodes, config, admin })
    } finally {
      await opened.close()
    }
  } finally {
    await tidyUp()
  }
}

const silent = { info: () => {}, error: () => {} }
