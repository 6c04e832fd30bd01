import t, { type Test } from 'tap'
import { createEventStore } from '../../src/watch/events-store.ts'
import { toRecord, type TokenEvent } from '../../src/watch/events.ts'
import { createSignalStore } from '../../src/watch/signals-store.ts'
import { createTestCli, spawnCli } from './run-cli.ts'

const minute = 60

async function setUp(t: Test) {
  const cli = await createTestCli(t)
  const store = createEventStore(cli.database)
  async function record(event: TokenEvent, ageSeconds = 0): Promise<void> {
    const at = new Date(Date.now() - ageSeconds * 1000)
    const origin = { requestId: 'the-request', network: '192.0.2.0/24', at }
    await store.insert([toRecord(event, origin)], 86_400)
  }
  return { ...cli, record }
}

const refused: TokenEvent = {
  type: 'token.refused',
  clientId: 'web',
  details: { endpoint: 'token', code: 'invalid_grant' },
}

t.test('events tells what happened, the latest last, narrowed down', async (t) => {
  const { run, json, refusal, record } = await setUp(t)
  t.strictSame(await json(['events']), { events: [] })
  t.match(await run(['events']), { code: 0, stdout: 'No such events.\n' })
  t.match((await run(['events', '--help'])).stdout, /7d \(default: 1h\)/)
  const user = await json(['users', 'create', '--username', 'jane', '--password', 'a passphrase!!'])
  await record({ type: 'logout', sub: user.sub, sid: 's' }, 3 * 60 * minute)
  await record({ type: 'login.succeeded', sub: user.sub }, 30 * minute)
  await record(refused, 20 * minute)
  await record({ type: 'session.used', sub: user.sub, sid: 's', clientId: 'web' }, minute)

  const { events } = await json(['events'])
  t.same(events[1], {
    id: 3,
    at: events[1].at,
    type: 'token.refused',
    request_id: 'the-request',
    network: '192.0.2.0/24',
    client_id: 'web',
    sub: null,
    sid: null,
    grant_id: null,
    jti: null,
    details: { endpoint: 'token', code: 'invalid_grant' },
  })
  const types = async (...args: string[]) =>
    (await json(['events', ...args])).events.map(({ type }: { type: string }) => type)
  t.strictSame(await types(), ['login.succeeded', 'token.refused', 'session.used'])
  t.strictSame(await types('--limit', '1'), ['session.used'])
  t.strictSame(await types('--since', '25m'), ['token.refused', 'session.used'])
  t.strictSame(await types('--client', 'web'), ['token.refused', 'session.used'])
  t.strictSame(await types('--type', 'token.refused'), ['token.refused'])
  for (const name of ['jane', user.sub])
    t.strictSame(await types('--user', name, '--since', '1d'), [
      'logout',
      'login.succeeded',
      'session.used',
    ])

  const { stdout } = await run(['events', '--type', 'token.refused'])
  t.match(
    stdout,
    /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \+00:00 {2}token\.refused +192\.0\.2\.0\/24 +code=invalid_grant {2}endpoint=token {2}request_id=the-request {2}client_id=web\n$/,
  )
  t.match(await refusal(['events', '--user', 'nobody']), /No user has/)
  t.match(await run(['events', '--type', 'x']), { code: 1, stderr: /Allowed choices are token/ })
  t.match(await run(['events', '--since', 'x']), {
    code: 1,
    stderr: /Give a span such as 90s, 30m/,
  })

  await json(['users', 'delete', 'jane', '--yes'])
  t.equal((await types('--user', user.sub)).length, 2, 'events outlive their user')
})

t.test('events --follow goes on with what comes, until it is told to stop', async (t) => {
  const { environment, record } = await setUp(t)
  for (const clientId of ['first', 'second', 'third']) await record({ ...refused, clientId })
  const child = spawnCli(['events', '--follow', '--limit', '2', '--json'], environment)
  t.teardown(() => child.kill('SIGKILL'))
  const ended = new Promise((resolve) => child.once('close', resolve))
  let text = ''
  const printed = (clientId: string) =>
    new Promise<void>((resolve) => {
      const look = () => void (text.includes(clientId) && resolve())
      child.stdout.on('data', look)
      look()
    })
  child.stdout.setEncoding('utf8').on('data', (part: string) => (text += part))
  await printed('third')
  await record({ ...refused, clientId: 'fourth' })
  await printed('fourth')
  await record({ ...refused, clientId: 'fifth' })
  await printed('fifth')
  child.kill('SIGINT')
  t.equal(await ended, 0)
  t.strictSame(
    text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line).client_id),
    ['second', 'third', 'fourth', 'fifth'],
  )
})

t.test('signals tells what looks like an attack', async (t) => {
  const { run, json, record, database } = await setUp(t)
  t.strictSame(await json(['signals']), { signals: [] })
  t.match(await run(['signals']), { code: 0, stdout: 'No signals.\n' })
  await record({ type: 'code.reused', grantId: 'g', clientId: 'web', sub: 'u' }, minute)
  const search = { since: new Date(0), windowSeconds: 600, most: 0, retentionSeconds: 86_400 }
  await createSignalStore(database).detect('code-reuse', search)

  const { signals } = await json(['signals', '--since', '5m'])
  const [{ first_at: at }] = signals
  t.strictSame(signals, [
    {
      kind: 'code-reuse',
      subject_kind: 'grant',
      subject: 'g',
      first_at: at,
      last_at: at,
      count: 1,
      details: { network: ['192.0.2.0/24'], sub: ['u'], client_id: ['web'] },
    },
  ])
  t.strictSame(await json(['signals', '--since', '30s']), { signals: [] })
  t.match(await run(['signals']), {
    code: 0,
    stdout: /\(\d+ seconds ago\)\n {2}code-reuse \(1\): grant g\n {2}sub +u\n[^]*network +192/,
  })
})
