import { readdir, readFile } from 'node:fs/promises'
import t from 'tap'
import { createCliWithKeys, secondsBetween } from './keys-setup.ts'
import { createTestCli } from './run-cli.ts'

t.test('before the first start there are no keys, and no command makes them', async (t) => {
  const { run, json, refusal, directory } = await createTestCli(t)
  t.strictSame(await json(['keys', 'list']), { keys: [] })
  t.match(await run(['keys', 'list']), { code: 0, stdout: /No keys yet.*claviger serve/ })
  t.strictSame(await json(['keys', 'log']), { events: [] })
  t.match(await run(['keys', 'log']), { code: 0, stdout: /Nothing was done/ })
  for (const args of [
    ['rotate'],
    ['rotate', '--dry-run'],
    ['revoke', 'x'],
    ['timeline'],
    ['rewrap'],
    ['export-jwks'],
  ])
    t.match(await refusal(['keys', ...args]), /There are no keys yet.*claviger serve/)
  t.strictSame(await readdir(directory), [])
})

t.test(
  'keys list shows the state of every key, its next transition and its last token',
  async (t) => {
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
      const { kid: _, ...told } = key // which may hold any letters
      const { state, since, next, tokens_alive_until: tokensUntil } = told
      t.equal(secondsBetween(since, next.at), 30 * 86_400)
      if (state === 'published') t.equal(tokensUntil, null)
      else t.equal(secondsBetween(next.at, tokensUntil), 60 + 600 + 10, 'staleness, lifetime, skew')
      t.notOk(/private|jwe/.test(JSON.stringify(told)))
    }
    const { stdout } = await run(['keys', 'list'])
    const time = String.raw`\d{4}-\d\d-\d\d \d\d:\d\d`
    const line = `RS256 +signing +${time} +retires ${time} \\(in 30 days\\) +${time}`
    t.match(stdout, new RegExp(line))
    t.equal(stdout.trimEnd().split('\n').length, 1 + keys.length, 'one line per key')
  },
)

t.test('keys list tells until when tokens of retired and revoked keys are trusted', async (t) => {
  const { run, find, kidOf } = await createCliWithKeys(t)
  await run(['keys', 'rotate', '--alg', 'RS256', '--force'])
  const retired = await find('RS256', 'retired')
  t.equal(retired?.['tokens_alive_until'], retired?.['leaves_jwks_at'])

  await run(['keys', 'revoke', await kidOf('ES256', 'signing'), '--reason', 'lost'])
  const revoked = await find('ES256', 'revoked')
  const { revoked_at: revokedAt, tokens_alive_until: trustedUntil, next } = revoked ?? {}
  t.equal(secondsBetween(revokedAt, trustedUntil), 86_400 - 10, 'caches elsewhere')
  t.equal(next, null)
})

t.test('keys export-jwks prints what is published, or replaces a file by it', async (t) => {
  const { run, json, refusal, list, kidOf, directory } = await createCliWithKeys(t)
  const gone = await kidOf('ES256', 'signing')
  await run(['keys', 'revoke', gone])
  const exported = await run(['keys', 'export-jwks'])
  t.match(exported, { code: 0, stderr: '' })
  const jwks = JSON.parse(exported.stdout)
  t.strictSame(await json(['keys', 'export-jwks']), jwks)
  const live = (await list()).flatMap(({ kid, state }) => (state === 'revoked' ? [] : [kid]))
  t.strictSame(new Set(jwks.keys.map((key: { kid: string }) => key.kid)), new Set(live))
  t.notOk(live.includes(gone))
  for (const key of jwks.keys) t.notOk('d' in key, 'no private part')

  const file = `${directory}/jwks.json`
  t.match(await run(['keys', 'export-jwks', '--file', file]), {
    code: 0,
    stdout: `Wrote ${file}\n`,
  })
  t.equal(await readFile(file, 'utf8'), exported.stdout)
  t.match(await json(['keys', 'export-jwks', '--file', file]), { file, etag: /^"[\w-]{43}"$/ })
  t.strictSame((await readdir(directory)).toSorted(), ['jwks.json', 'keys'], 'no draft is left')
  const nowhere = `${directory}/none/jwks.json`
  t.match(await refusal(['keys', 'export-jwks', '--file', nowhere]), /cannot be written/)
})

t.test('keys log tells who did what, when and why, the latest last', async (t) => {
  const { run, events, kidOf } = await createCliWithKeys(t)
  const kid = await kidOf('RS256', 'signing')
  await run(['keys', 'revoke', kid, '--reason', 'found in a log'])
  const all = await events()
  t.match(all, [
    { action: 'keys.rotate', actor: 'schedule', details: { alg: 'RS256' } },
    { action: 'keys.rotate', actor: 'schedule', details: { alg: 'ES256' } },
    { action: 'keys.revoke', actor: /^.+@.+$/, subject: kid, reason: 'found in a log' },
  ])
  t.strictSame(await events('--limit', '1'), all.slice(-1))
  t.strictSame(await events('--limit', '0'), [])
  const { stdout } = await run(['keys', 'log', '--limit', '1'])
  t.match(stdout, new RegExp(`keys\\.revoke RS256 by .+@.+: found in a log\\n +revoke +${kid}\\n`))
})
