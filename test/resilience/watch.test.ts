/** The watch never gets in the way: no request waits for it or fails for it, and a stop loses nothing. */
import t from 'tap'
import { DatabaseUnavailable } from '../../src/database/database.ts'
import { createEventStore } from '../../src/watch/events-store.ts'
import { createCli, toDatabaseUrl } from '../cli/run-cli.ts'
import { recordedEvents } from '../support/events.ts'
import { userinfo } from '../support/flow.ts'
import { createOutage } from '../support/outage.ts'
import { createTestProvider, freePort, type TestProvider } from '../support/provider.ts'
import { keyEncryptionKey, startServer } from '../support/server-process.ts'

/** Requests that need no database, each with an event; answers their statuses. */
async function beRefused(provider: TestProvider, times: number): Promise<number[]> {
  const statuses: number[] = []
  for (let turn = 0; turn < times; turn += 1)
    statuses.push((await userinfo(provider, 'nonsense')).status)
  return statuses
}

t.test('while Postgres is away requests are answered, and their events wait', async (t) => {
  const provider = await createTestProvider(t)
  const setReachable = createOutage(t, provider.database)
  await setReachable(false)
  t.strictSame(await beRefused(provider, 3), [401, 401, 401])
  await t.rejects(provider.services.events.flush(), DatabaseUnavailable)
  t.strictSame(await beRefused(provider, 1), [401])
  t.equal(provider.services.events.waiting(), 4)

  await setReachable(true)
  const events = await recordedEvents(provider)
  t.strictSame(
    events.map(({ type }) => type),
    Array.from({ length: 4 }, () => 'token.refused'),
  )
})

t.test('without retention the database is never asked', async (t) => {
  const provider = await createTestProvider(t, { CLAVIGER_EVENT_RETENTION_SECONDS: '0' })
  await beRefused(provider, 2)
  t.equal(provider.services.events.waiting(), 0)
  t.strictSame(await recordedEvents(provider), [])
  t.equal(provider.logged.filter(({ event }) => event === 'token.refused').length, 2)
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
  // It may have logged something before.
  const { code, stderr } = await second.run(['serve'])
  t.equal(code, 1)
  t.match(stderr, /^error: .*metrics.*EADDRINUSE.*another CLAVIGER_METRICS_PORT/m)
  server.kill('SIGTERM')
  t.equal(await server.ended, 0)
  await t.rejects(read(), TypeError)
})

t.test('a server that is told to stop writes the last events first', async (t) => {
  const provider = await createTestProvider(t, { CLAVIGER_KEY_ENCRYPTION_KEY: keyEncryptionKey })
  const { issuer, kill, ended } = await startServer(t, provider.database)
  await beRefused({ ...provider, issuer }, 20)
  kill('SIGTERM')
  t.equal(await ended, 0)
  const events = await createEventStore(provider.database).list({ since: new Date(0), limit: 100 })
  t.equal(events.length, 20)
})

t.test('a stop without Postgres says what was lost, and ends', async (t) => {
  const provider = await createTestProvider(t, { CLAVIGER_KEY_ENCRYPTION_KEY: keyEncryptionKey })
  const { issuer, kill, ended, logged } = await startServer(t, provider.database)
  const setReachable = createOutage(t, provider.database)
  await setReachable(false)
  await beRefused({ ...provider, issuer }, 2)
  kill('SIGTERM')
  t.equal(await ended, 0)
  const lines = logged.filter(({ msg }) => msg === 'the last events of the watch became no rows')
  t.match(lines, [{ level: 50, lost: 2 }])
  await setReachable(true)
})
