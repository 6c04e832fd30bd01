/** A real server, and the examples as processes beside it. */
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Test } from 'tap'
import { readConfig } from '../../src/config.ts'
import { createDatabaseClock } from '../../src/database/clock.ts'
import { createAdminServices, type AdminServices } from '../../src/services/admin.ts'
import { createTestDatabase } from '../support/database.ts'
import { packageRoot } from '../support/postgres-run.ts'
import { redirectUri } from '../support/provider.ts'
import { startServer } from '../support/server-process.ts'

export const secret = 'a-secret-of-at-least-thirty-two-characters'
export const orders = 'https://orders.example.com'

/** With the API of the examples registered, its client, and a confidential client for the test's own sign-ins. */
export async function startProvider(t: Test): Promise<{ issuer: string; admin: AdminServices }> {
  const database = await createTestDatabase(t)
  const { issuer } = await startServer(t, database)
  const clock = await createDatabaseClock(database)
  const admin = createAdminServices({ config: readConfig({ ISSUER: issuer }), database, clock })
  await admin.resources.create({
    resource: orders,
    name: 'Orders',
    scopes: ['orders:read', 'roles'],
  })
  await admin.clients.create({
    client_id: 'orders-api',
    client_secret: secret,
    grant_types: ['client_credentials'],
    scope: 'revocations',
  })
  await admin.clients.create({
    client_id: 'app',
    client_secret: secret,
    redirect_uris: [redirectUri],
    scope: 'openid orders:read roles',
    skip_consent: true,
  })
  return { issuer, admin }
}

/** Answers the URL in the first line that it prints. */
export async function runExample(
  t: Test,
  file: string,
  environment: Record<string, string>,
): Promise<URL> {
  const child = spawn(process.execPath, [`examples/${file}`], {
    cwd: packageRoot,
    env: { PATH: process.env['PATH'], PORT: '0', CLIENT_SECRET: secret, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  t.teardown(() => child.kill('SIGKILL'))
  let stderr = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  return new Promise((resolve, reject) => {
    createInterface(child.stdout).on('line', (line) => {
      const url = /https?:\S+/.exec(line)?.[0]
      if (url !== undefined) resolve(new URL(url))
    })
    child.once('close', () => reject(new Error(`${file} ended: ${stderr}`)))
  })
}
