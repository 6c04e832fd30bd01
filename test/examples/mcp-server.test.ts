/** The MCP server of the examples, set up by the commands of docs/mcp.md, and the clients of the official SDKs. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { readConfig } from '../../src/config.ts'
import { createDatabaseClock } from '../../src/database/clock.ts'
import { createAdminServices } from '../../src/services/admin.ts'
import { toDatabaseUrl } from '../cli/run-cli.ts'
import { createTestDatabase } from '../support/database.ts'
import { packageRoot } from '../support/postgres-run.ts'
import { freePort, password } from '../support/provider.ts'
import { startServer } from '../support/server-process.ts'
import { createApplication, current, former } from './mcp-clients.ts'
import { runExample } from './running.ts'

const database = await createTestDatabase(t)
const { issuer } = await startServer(t, database, {
  environment: {
    CLAVIGER_REGISTRATION: 'open',
    CLAVIGER_REGISTRATION_SCOPES: 'openid offline_access notes:read notes:write',
  },
})
const clock = await createDatabaseClock(database)
const admin = createAdminServices({ config: readConfig({ ISSUER: issuer }), database, clock })
const { sub } = await admin.accounts.create({ email: 'alice@example.com', password })
const port = await freePort()
for (const command of await commandsOf('Setting up')) await shell(command)
const server = await runExample(t, 'mcp-server.mjs', { ISSUER: issuer, PORT: String(port) })

for (const sdk of [current, former]) {
  t.test(`${sdk.name}: registers itself`, async (t) => {
    const app = createApplication(sdk, { issuer, server })
    t.equal(await app.call('list_notes'), '')
    t.equal(await app.call('add_note', { note: 'a bunch of keys' }), 'Added.')
    t.equal(app.visits.length, 2)
  })
}
t.equal(sub, '')

/** The commands of a section of the documentation, without that which starts the example. */
async function commandsOf(section: string): Promise<string[]> {
  const text = await readFile(join(packageRoot, 'docs/mcp.md'), 'utf8')
  const [, after = ''] = text.split(`## ${section}\n`)
  const [, block = ''] = /```sh\n(.*?)```/s.exec(after) ?? []
  return block
    .replaceAll('4002', String(port))
    .split(/\n(?=npx|CLIENT_SECRET)/)
    .filter((command) => command.startsWith('npx claviger '))
}

async function shell(command: string): Promise<void> {
  const environment = { PATH: process.env['PATH'], DATABASE_URL: toDatabaseUrl(database), ISSUER: issuer }
  const script = command.replace('npx claviger', `${process.execPath} bin/claviger.cjs`)
  const child = spawn('sh', ['-ec', script], { cwd: packageRoot, env: environment, stdio: 'inherit' })
  const [code] = await once(child, 'close')
  if (code !== 0) throw new Error(`${command} ended with ${code}`)
}
