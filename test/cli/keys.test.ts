import { readdir } from 'node:fs/promises'
import t, { type Test } from 'tap'
import { readConfig } from '../../src/config.ts'
import { createDatabaseClock } from '../../src/database/clock.ts'
import { createAdminServices } from '../../src/services/admin.ts'
import { createKeyServices } from '../../src/services/keys.ts'
import { createTestCli, type Json } from './run-cli.ts'

/** With the keys that a first start would make. */
async function createCliWithKeys(t: Test) {
  const cli = await createTestCli(t)
  const options = {
    config: readConfig({ ...cli.environment }),
    database: cli.database,
    clock: await createDatabaseClock(cli.database),
  }
  const { rotation } = await createKeyServices(options, createAdminServices(options))
  await rotation.ensureKeys()
  const list = async (): Promise<Json[]> => (await cli.json(['keys', 'list']))['keys']
  const find = async (alg: string, state: string) =>
    (await list()).find((key) => key['alg'] === alg && key['state'] === state)
  return { ...cli, list, find }
}

t.test('before the first start there are no keys, and no command makes them', async (t) => {
  const { run, json, refusal, directory } = await createTestCli(t)
  t.strictSame(await json(['keys', 'list']), { keys: [] })
  t.match(await run(['keys', 'list']), { code: 0, stdout: /No keys yet.*claviger serve/ })
  t.match(await refusal(['keys', 'rotate']), /There are no keys yet/)
  t.match(await refusal(['keys', 'revoke', 'x']), /There are no keys yet/)
  t.strictSame(await readdir(directory), [])
})

t.test('keys list shows the state and the next transition of every key', async (t) => {
  const { run, list } = await createCliWithKeys(t)
  const keys = await list()
  t.strictSame(
    keys.map(({ alg, state, next }) => [alg, state, next.state]),
    [
      ['ES256', 'signing', 'retired'],
      ['ES256', 'published', 'signing'],
      ['RS256', 'signing', 'retired'],
      ['RS256', 'published', 'signing'],
    ],
  )
  for (const key of keys) {
    const seconds = (Date.parse(key['next'].at) - Date.parse(key['since'])) / 1000
    t.equal(seconds, 30 * 86_400)
    t.notOk(/private|jwe/.test(JSON.stringify(key)))
  }
  const { stdout } = await run(['keys', 'list'])
  t.match(stdout, /RS256 +signing +\S+ \S+ \+00:00 +retired in 30 days: \d{4}-\d\d-\d\d \d\d:\d\d/)
})

t.test('keys rotate refuses a key that is too new, and --force says what it breaks', async (t) => {
  const { run, json, refusal, find, list } = await createCliWithKeys(t)
  const before = await list()
  const line = await refusal(['keys', 'rotate'])
  t.match(line, /Too early: the next RS256 key may sign from .*\(in 24 hours\).*--force.*refuse/)
  t.strictSame(await list(), before)

  const [former, next] = [await find('ES256', 'signing'), await find('ES256', 'published')]
  const forced = await json(['keys', 'rotate', '--alg', 'ES256', '--force'])
  t.match(forced, {
    rotations: [
      {
        alg: 'ES256',
        verdict: 'promoted',
        signs_from: next?.['signs_from'],
        changes: [
          { change: 'retire', kid: former?.['kid'], leaves_jwks_at: String },
          { change: 'activate', kid: next?.['kid'], activated_at: String },
          { change: 'publish', kid: String, signs_from: String },
        ],
      },
    ],
  })
  t.match(await find('ES256', 'signing'), { kid: next?.['kid'] })
  t.match(await find('ES256', 'retired'), { kid: former?.['kid'], next: { state: 'gone' } })
  t.match(
    (await run(['keys', 'rotate', '--alg', 'RS256', '--force'])).stdout,
    /may refuse new RS256/,
  )
  t.match(await run(['keys', 'rotate', '--alg', 'none']), { code: 1, stderr: /Allowed choices/ })
})

t.test('keys rotate promotes a key once its lead is over', async (t) => {
  const { json, find, database } = await createCliWithKeys(t)
  await database.query(`update signing_keys set signs_from = published_at where alg = 'RS256'`)
  const next = await find('RS256', 'published')
  const { rotations } = await json(['keys', 'rotate', '--alg', 'RS256'])
  t.match(rotations, [{ alg: 'RS256', verdict: 'promoted' }])
  t.match(await find('RS256', 'signing'), { kid: next?.['kid'] })

  await database.query(`update signing_keys set signs_from = published_at where alg = 'RS256'`)
  const outcome = await json(['keys', 'rotate'], { code: 1 })
  t.match(outcome['rotations'], [
    { alg: 'RS256', verdict: 'promoted' },
    { alg: 'ES256', verdict: 'too-early' },
  ])
})

t.test('keys revoke takes a key out at once and lets the next one sign', async (t) => {
  const { run, refusal, find } = await createCliWithKeys(t)
  const [former, next] = [await find('RS256', 'signing'), await find('RS256', 'published')]
  const kid: string = former?.['kid']
  const revoked = await run(['keys', 'revoke', kid, '--reason', 'found in a log'])
  t.match(revoked, {
    code: 0,
    stdout: /left the JWKS.*\n.*for up to 5 minutes[^]*signs from now on/,
  })
  t.match(await find('RS256', 'revoked'), { kid, revocation_reason: 'found in a log', next: null })
  t.match(await find('RS256', 'signing'), { kid: next?.['kid'] })

  t.match(await refusal(['keys', 'revoke', kid]), /was revoked before/)
  t.match(await refusal(['keys', 'revoke', '-unknown']), /No key has the kid "-unknown".*keys list/)
})
