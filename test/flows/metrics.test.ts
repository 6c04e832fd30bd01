/** What Prometheus reads, over HTTP, after whole flows. */
import { readFile } from 'node:fs/promises'
import t, { type Test } from 'tap'
import { serveMetrics } from '../../src/http/metrics-server.ts'
import { addGauges } from '../../src/services/gauges.ts'
import { createMetrics } from '../../src/watch/metrics.ts'
import {
  introspect,
  obtainTokens,
  post,
  redeem,
  refresh,
  signIn,
  userinfo,
} from '../support/flow.ts'
import { createTestProvider } from '../support/provider.ts'

async function serve(t: Test, metrics: ReturnType<typeof createMetrics>) {
  const server = await serveMetrics({ metrics, host: '127.0.0.1', port: 0 })
  if (!server) throw new Error('no server')
  t.teardown(() => server.close())
  const url = `http://127.0.0.1:${server.port}`
  return { url, read: async () => (await fetch(`${url}/metrics`)).text() }
}

/** Without the series that a histogram consists of. */
async function documentedMetrics(): Promise<string[]> {
  const text = await readFile(new URL('../../../docs/watching.md', import.meta.url), 'utf8')
  const names = text.matchAll(/\bclaviger_[a-z_]+/g)
  return [...new Set([...names].map(([name]) => name.replace(/_(bucket|count)$/, '')))].toSorted()
}

t.test('each has a name, a meaning and a value', async (t) => {
  const provider = await createTestProvider(t)
  const { services, issuer } = provider
  const { read, url } = await serve(t, services.metrics)
  await provider.createUser()
  const client = await provider.createClient()
  const browser = await signIn(provider)
  const scope = 'openid offline_access'
  const tokens = await obtainTokens(provider, browser, client, { scope })
  await refresh(provider, client, tokens.refresh_token)
  await userinfo(provider, 'nonsense')
  await introspect(provider, client, 'non.sen.se')
  await redeem(provider, client, 'nonsense')
  await post(provider, '/token', { ...client, secret: 'wrong' }, {})
  await post(provider, '/revoke', client, { token: tokens.refresh_token })
  for (const path of ['/nowhere', '/no/where', '/health/live?x=1']) await fetch(issuer + path)

  const text = await read()
  const transition = services.keyring.nextTransition()!.getTime() / 1000
  const expected = [
    'events_total{type="login.succeeded"} 1',
    'tokens_issued_total{grant_type="authorization_code"} 1',
    'tokens_issued_total{grant_type="refresh_token"} 1',
    'tokens_refused_total{endpoint="userinfo",code="invalid_token"} 1',
    'tokens_refused_total{endpoint="introspect",code="inactive"} 1',
    'tokens_refused_total{endpoint="token",code="invalid_grant"} 1',
    'clients_refused_total{endpoint="token"} 1',
    'refresh_total{verdict="rotated"} 1',
    'revocations_total{kind="grant"} 1',
    'logins_total{outcome="succeeded"} 1',
    'events_dropped_total 0',
    'database_waiting 0',
    `events_waiting ${services.events.waiting()}`,
    `signing_keys_next_transition_timestamp_seconds ${transition}`,
    'request_duration_seconds_count{route="/token",status="2xx"} 2',
    'request_duration_seconds_count{route="/token",status="4xx"} 2',
    'request_duration_seconds_count{route="none",status="4xx"} 2',
    'request_duration_seconds_count{route="/health/live",status="2xx"} 1',
  ]
  const lines = new Set(text.split('\n'))
  t.strictSame(
    expected.filter((line) => !lines.has(`claviger_${line}`)),
    [],
  )
  for (const [, name] of text.matchAll(/^# TYPE (\S+)/gm)) {
    t.match(name, /^claviger_[a-z_]+$/)
    t.match(text, new RegExp(`^# HELP ${name} [A-Z].+\\.$`, 'm'))
  }

  const names = [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name = '']) => name)
  t.strictSame(
    await documentedMetrics(),
    names.toSorted(),
    'docs/watching.md names all, and no other',
  )

  const answer = await fetch(`${url}/metrics?x`)
  t.match(answer.headers.get('content-type'), /^text\/plain; version=0\.0\.4/)
  t.equal((await fetch(url)).status, 404)
  t.equal((await fetch(`${url}/metrics`, { method: 'POST' })).status, 404)
  t.equal((await fetch(`${issuer}/metrics`)).status, 404, 'not where everybody can ask')
})

t.test('the age of the oldest expired row of each table, 0 where none has expired', async (t) => {
  const provider = await createTestProvider(t)
  const { database, clock, services } = provider
  const metrics = createMetrics({ readSeconds: 60 })
  addGauges({ ...services, database, metrics })
  const insert = (hash: string, seconds: number) =>
    database.query('insert into used_assertions (assertion_hash, expires_at) values ($1, $2)', [
      hash,
      new Date(clock.now().getTime() + seconds * 1000),
    ])
  await insert('later', 60)
  const name = 'claviger_oldest_expired_row_seconds'
  t.match(await metrics.text(), `${name}{table="used_assertions"} 0\n`)
  await insert('first', 0)
  clock.advance(90)
  const text = await metrics.text()
  t.match(text, `${name}{table="used_assertions"} 90\n`)
  t.notMatch(text, `${name}{table="sessions"}`, 'a table without rows')
})

t.test('without the database, what needs none is still told', async (t) => {
  const provider = await createTestProvider(t)
  const { read } = await serve(t, provider.services.metrics)
  await provider.database.close()
  const text = await read()
  t.match(text, /^claviger_events_waiting 0$/m)
  t.notMatch(text, 'claviger_oldest_expired_row_seconds{')
})

t.test('a gauge that cannot be read in time is left out', async (t) => {
  const metrics = createMetrics({ readSeconds: 0.01 })
  const gauge = (name: string, read: () => number | undefined | Promise<number>) =>
    metrics.gauge({ name, help: 'A test.', read })
  gauge('known', () => 7)
  gauge('undefined', () => undefined)
  gauge('endless', () => new Promise(() => {}))
  gauge('broken', () => {
    throw new Error('broken')
  })
  const { read } = await serve(t, metrics)
  const lines = (await read()).split('\n')
  t.ok(lines.includes('claviger_known 7'))
  t.strictSame(
    lines.filter((line) => /^claviger_(undefined|endless|broken)/.test(line)),
    [],
  )
})

t.test('what alerts ask for is there from the start, as 0 (Prometheus, increase)', async (t) => {
  const text = await createMetrics().text()
  for (const series of [
    'events_total{type="code.reused"}',
    'refresh_total{verdict="reused"}',
    'signals_total{kind="several-networks"}',
    'logins_total{outcome="rejected"}',
    'events_dropped_total',
  ])
    t.match(text, `claviger_${series} 0\n`)
})

t.test('two providers in one process count apart', async (t) => {
  const [one, other] = [createMetrics(), createMetrics()]
  one.refreshes.inc({ verdict: 'rotated' })
  t.match(await one.text(), 'claviger_refresh_total{verdict="rotated"} 1\n')
  t.match(await other.text(), 'claviger_refresh_total{verdict="rotated"} 0\n')
})
