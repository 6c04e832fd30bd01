/** The watch never gets in the way: no request waits for it or fails for it, and a stop loses nothing. */
import t from 'tap'
import { DatabaseUnavailable } from '../../src/database/database.ts'
import { createEventStore } from '../../src/watch/events-store.ts'
import { createCli, toDatabaseUrl } from '../cli/run-cli.ts'
import { recordedEvents } from '../support/events.ts'
import { post } from '../support/flow.ts'
import { createOutage } from '../support/outage.ts'
import { createTestProvider, freePort, type TestProvider } from '../support/provider.ts'
import { keyEncryptionKey, startServer } from '../support/server-process.ts'

const service = {
  grant_types: ['client_credentials'],
  redirect_uris: [],
  scope: 'orders:read',
}

async function issue(
  provider: TestProvider,
  client: Parameters<typeof post>[2],
  times: number,
): Promise<number[]> {
  const statuses: number[] = []
  for (let turn = 0; turn < times; turn += 1) {
    const asked = { grant_type: 'client_credentials', scope: 'orders:read' }
    const { status } = await post(provider, '/token', client, asked)
    statuses.push(status)
  }
  return statuses
}

t.test('while Postgres is away tokens are issued, and their events wait', async (t) => {
  const provider = await createTestProvider(t)
  const client = await provider.createClient(service)
  await issue(provider, client, 1)
  const setReachable = createOutage(t, provider.database)
  await setReachable(false)
  t.strictSame(await issue(provider, client, 3), [200, 200, 200])
  await t.rejects(provider.services.events.flush(), DatabaseUnavailable)
  t.strictSame(await issue(provider, client, 1), [200])
  t.equal(provider.services.events.waiting(), 5)

  await setReachable(true)
  const events = await recordedEvents(provider)
  t.strictSame(
    events.map(({ type }) => type),
    Array.from({ length: 5 }, () => 'token.issued'),
  )
})

t.test('without retention the database is never asked', async (t) => {
  const provider = await createTestProvider(t, { CLAVIGER_EVENT_RETENTION_SECONDS: '0' })
  const client = await provider.createClient(service)
  await issue(provider, client, 2)
  t.equal(provider.services.events.waiting(), 0)
  t.strictSame(await recordedEvents(provider), [])
  t.equal(provider.logged.filter(({ event }) => event === 'token.issued').length, 2)
})

t.test('a server shows its metrics on a port of their own, until it stops', async (t) => {
  const provider = await createTestProvider(t, { CLAVIGER_KEY_ENCRYPTION_KEY: keyEncryptionKey })
  const port = String(await freePort())
  const environment = { CLAVIGER_METRICS_HOST: '127.0.0.1', CLAVIGER_METRICS_PORT: port }
  const server = await startServer(t, provider.database, { environment })
  const read = () => fetch(`http://127.0.0.1:${port}/metrics`)
  const text = await (await read()).text()
  for (const job of ['synchronize-clock', 'rotate-keys', 'purge-expired', 'write-events'])
    t.match(text, `claviger_job_failures_total{job="${job}"} 0\n`)

  const second = createCli(t, {
    ...environment,
    ISSUER: 'http://127.0.0.1:1',
    DATABASE_URL: toDatabaseUrl(provider.database),
    CLAVIGER_KEY_ENCRYPTION_KEY: keyEncryptionKey,
  })
  t.match(await second.refusal(['serve']), /metrics.*EADDRINUSE.*another CLAVIGER_METRICS_PORT/)
  server.kill('SIGTERM')
  t.equal(await server.ended, 0)
  await t.rejects(read(), TypeError)
})

t.test('a server that is told to stop writes the last events first', async (t) => {
  const provider = await createTestProvider(t, { CLAVIGER_KEY_ENCRYPTION_KEY: keyEncryptionKey })
  const client = await provider.createClient(service)
  const server = await startServer(t, provider.database)
  t.strictSame(
    new Set(await issue({ ...provider, issuer: server.issuer }, client, 20)),
    new Set([200]),
  )
  server.kill('SIGTERM')
  t.equal(await server.ended, 0)
  const events = await createEventStore(provider.database).list({ since: new Date(0), limit: 100 })
  t.equal(events.length, 20)
})

t.test('a stop without Postgres says what was lost, and ends', async (t) => {
  const provider = await createTestProvider(t, { CLAVIGER_KEY_ENCRYPTION_KEY: keyEncryptionKey })
  const client = await provider.createClient(service)
  const server = await startServer(t, provider.database)
  const there = { ...provider, issuer: server.issuer }
  await issue(there, client, 1)
  const setReachable = createOutage(t, provider.database)
  await setReachable(false)
  await issue(there, client, 2)
  server.kill('SIGTERM')
  t.equal(await server.ended, 0)
  const line = server.logged.find(({ msg }) =>
    /events of the watch became no rows/.test(String(msg)),
  )
  t.match(line, { level: 50, lost: Number })
  t.ok(Number(line?.['lost']) >= 2)
  await setReachable(true)
})
