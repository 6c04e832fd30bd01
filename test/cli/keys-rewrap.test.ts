import { rm, writeFile } from 'node:fs/promises'
import t from 'tap'
import { createCliWithKeys } from './keys-setup.ts'
import { newSecret } from './run-cli.ts'

t.test('keys rewrap moves keys to the newest file and says when older ones may go', async (t) => {
  const { run, json, list, events, directory, services } = await createCliWithKeys(t)
  const [older] = services.keyEncryptionKeys.places
  const nothing = await run(['keys', 'rewrap'])
  t.match(nothing, { code: 0, stdout: /^Nothing to move: 4 keys are under / })
  t.notOk(/Older files/.test(nothing.stdout))

  const file = `${directory}/keys/kek-9999.key`
  await writeFile(file, newSecret(), { mode: 0o600 })
  const kids = new Set((await list()).map(({ kid }) => kid))
  const before = [await list(), await events()]
  const dry = await json(['keys', 'rewrap', '--dry-run'])
  t.strictSame(new Set(dry['moved']), kids)
  t.strictSame([await list(), await events()], before, 'a dry run changes nothing')

  const { stdout } = await run(['keys', 'rewrap', '--reason', 'a new year'])
  t.match(stdout, /^Moved to the key-encryption key [0-9a-f]{16}\n.*kek-9999\.key/)
  t.match(stdout, /may go once every server was started again/)
  t.ok(older && stdout.includes(`  ${older}\n`), 'the older file is named')
  const again = await json(['keys', 'rewrap'])
  t.strictSame([again['moved'], again['failing'], again['older_files']], [[], [], [older]])
  t.strictSame(new Set(again['already_newest']), kids)
  const [event] = await events('--limit', '1')
  t.match(event, { action: 'keys.rewrap', reason: 'a new year' })

  await rm(older!)
  t.match(await run(['keys', 'rewrap']), { code: 0, stdout: /^Nothing to move/ })
})

t.test('keys rewrap is refused for keys that no file opens', async (t) => {
  const { run, json, directory, services } = await createCliWithKeys(t)
  await rm(services.keyEncryptionKeys.places[0]!)
  await writeFile(`${directory}/keys/kek-9999.key`, newSecret(), { mode: 0o600 })
  const { failing, moved } = await json(['keys', 'rewrap'], { code: 1 })
  t.strictSame([failing.length, moved], [4, []])
  const { code, stdout, stderr } = await run(['keys', 'rewrap'])
  t.equal(code, 1)
  t.match(stderr, /^error: 4 of the keys cannot be moved, so no older file may go\..*restore it in/)
  t.equal(stdout, '')
})
