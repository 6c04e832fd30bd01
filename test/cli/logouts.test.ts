import { EventEmitter, once } from 'node:events'
import t, { type Test } from 'tap'
import { createDatabaseClock } from '../../src/database/clock.ts'
import { logoutsChannel } from '../../src/sessions/logout-store.ts'
import { createTestCli } from './run-cli.ts'

async function setUp(t: Test) {
  const cli = await createTestCli(t)
  const { database } = cli
  const now = (await createDatabaseClock(database)).now()
  const minutesAgo = (minutes: number) => new Date(now.getTime() - minutes * 60_000)
  for (const clientId of ['one', 'other'])
    await database.query(
      `insert into clients (client_id, metadata, allowed_origins, created_at, updated_at)
       values ($1, '{"backchannel_logout_uri": "https://app.example/logout"}', '{}', $2, $2)`,
      [clientId, now],
    )
  const insert = (clientId: string, createdAt: Date, lastError?: string) =>
    database.query(
      `insert into logout_deliveries
         (client_id, sub, sid, created_at, attempts, next_attempt_at, expires_at, last_error)
       values ($1, 'alice', 'a session', $2::timestamptz, $3, $4, $2 + interval '1 day', $5)`,
      lastError === undefined
        ? [clientId, createdAt, 0, '-infinity', null]
        : [clientId, createdAt, 3, minutesAgo(-10), lastError],
    )
  return { ...cli, insert, minutesAgo }
}

t.test('logouts list tells what waits and why', async (t) => {
  const { run, json, insert, minutesAgo } = await setUp(t)
  t.match((await run(['logouts', 'list'])).stdout, /Nothing waits/)
  await insert('one', minutesAgo(5), 'answered 503')
  await insert('other', minutesAgo(1))

  const { logouts } = await json(['logouts', 'list'])
  t.equal(logouts.length, 2)
  t.strictSame(logouts[0], {
    jti: logouts[0].jti,
    client_id: 'one',
    sub: 'alice',
    sid: 'a session',
    created_at: minutesAgo(5).toISOString(),
    attempts: 3,
    next_attempt_at: minutesAgo(-10).toISOString(),
    expires_at: minutesAgo(5 - 24 * 60).toISOString(),
    last_error: 'answered 503',
  })
  t.match(logouts[1], { client_id: 'other', attempts: 0, last_error: null })
  t.equal(logouts[1].next_attempt_at, logouts[1].created_at, 'a new one is due')
  t.match(await json(['logouts', 'list', '--client', 'other']), { logouts: [logouts[1]] })
  t.match(await json(['logouts', 'list', '--limit', '1']), { logouts: [logouts[0]] })
  const { stdout } = await run(['logouts', 'list'])
  t.match(stdout, /one +alice +a session +5 minutes ago +3 +in \d+ minutes +answered 503/)
  t.match(stdout, /other +alice +a session +.* ago +0 +now/)
})

t.test('logouts retry makes due what has failed, and wakes the servers', async (t) => {
  const { json, run, insert, minutesAgo, database } = await setUp(t)
  t.match((await run(['logouts', 'retry'])).stdout, /Nothing has failed/)
  await insert('one', minutesAgo(5), 'answered 503')
  await insert('one', minutesAgo(4), 'answered 503')
  await insert('other', minutesAgo(1))
  t.strictSame(await json(['logouts', 'retry', '--client', 'other']), { retried: 0 })

  const server = new EventEmitter()
  const hasJoined = once(server, 'woken')
  database.listen(logoutsChannel, () => server.emit('woken'))
  await hasJoined
  const isWoken = once(server, 'woken')
  t.strictSame(await json(['logouts', 'retry']), { retried: 2 })
  await isWoken
  const { logouts } = await json(['logouts', 'list'])
  for (const { created_at, next_attempt_at } of logouts) t.equal(next_attempt_at, created_at)
})

t.test('doctor warns of clients that could not be told for over an hour', async (t) => {
  const { json, insert, minutesAgo } = await setUp(t)
  await insert('one', minutesAgo(59), 'answered 503')
  t.match(await json(['doctor']), { ok: true })
  await insert('other', minutesAgo(61), 'answered 503')
  const { problems } = await json(['doctor'], { code: 1 })
  t.match(problems, [{ code: 'logouts', message: /could not be told of a logout: other\. / }])
})
