import { chmod, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { loadKeyEncryptionKeys } from '../../src/keys/key-encryption-keys.ts'
import { createKeyFile } from '../../src/keys/key-file.ts'
import { Refusal } from '../../src/protocol/refusal.ts'
import { loadSecret, newSecret } from './setup.ts'

const now = new Date('2026-11-22T04:55:31.250Z')
const firstFile = 'kek-2026-11-22T045531Z.key'

function load(directory: string, allowCreate = false) {
  const secretName = 'CLAVIGER_KEY_ENCRYPTION_KEY'
  return loadKeyEncryptionKeys({ secret: undefined, secretName, directory, allowCreate, now })
}

async function put(directory: string, name: string, text = newSecret()): Promise<string> {
  await writeFile(join(directory, name), text, { mode: 0o600 })
  return text
}

const idOf = async (secret: string) => (await loadSecret(secret)).newestId

t.test('the first start creates one key for its owner only, and the next uses it', async (t) => {
  const directory = join(t.testdir(), 'keys')
  const created = await load(directory, true)
  t.same(await readdir(directory), [firstFile])
  t.equal((await stat(join(directory, firstFile))).mode & 0o777, 0o600)
  t.equal((await stat(directory)).mode & 0o777, 0o700)
  t.match(await readFile(join(directory, firstFile), 'utf8'), /^[\w-]{43}\n$/)
  t.match(created.newestId, /^[0-9a-f]{16}$/)
  t.equal((await load(directory, true)).newestId, created.newestId)
  t.equal((await load(directory)).newestId, created.newestId)
})

t.test('a README beside the keys is no key, and a directory keeps its mode', async (t) => {
  const directory = t.testdir({ 'README.md': 'What lies here' })
  await chmod(directory, 0o755)
  await load(directory, true)
  t.same((await readdir(directory)).toSorted(), ['README.md', firstFile])
  t.equal((await stat(directory)).mode & 0o777, 0o755)
})

t.test('processes that start at once create one key between them', async (t) => {
  const directory = join(t.testdir(), 'keys')
  const all = await Promise.all(Array.from({ length: 8 }, () => load(directory, true)))
  t.same(await readdir(directory), [firstFile])
  t.equal(new Set(all.map(({ newestId }) => newestId)).size, 1)
})

t.test('a process that comes in after the first key was made makes no other', async (t) => {
  const directory = t.testdir()
  await createKeyFile(directory, now, () => Promise.resolve(true))
  t.same(await readdir(directory), [])
})

t.test('a missing key that is expected is never replaced by a new one', async (t) => {
  const directory = join(t.testdir(), 'keys')
  await t.rejects(load(directory), Refusal)
  await t.rejects(load(directory), { message: new RegExp(`in ${directory}.*restore.*backup`) })
  await t.rejects(stat(directory), { code: 'ENOENT' })
})

t.test('the last by name encrypts, all decrypt', async (t) => {
  const directory = t.testdir()
  const newer = await idOf(await put(directory, 'kek-2027-01-01T000000Z.key'))
  const older = await idOf(await put(directory, 'kek-2026-01-01T000000Z.key'))
  const keys = await load(directory)
  t.equal(keys.newestId, newer)
  t.equal(keys.find(newer)?.key.length, 32)
  t.equal(keys.find(older)?.key.length, 32)
  t.equal(keys.find('0000000000000000'), undefined)
  t.equal(keys.source, directory)
})

t.test('a file that others can read is refused with the command that mends it', async (t) => {
  const directory = t.testdir()
  await put(directory, 'a.key')
  const file = join(directory, 'a.key')
  for (const mode of [0o640, 0o604, 0o620]) {
    await chmod(file, mode)
    await t.rejects(load(directory), { name: 'Refusal', message: `chmod 600 '${file}'` })
  }
  await chmod(file, 0o400)
  await t.resolves(load(directory))
})

t.test('a damaged file is refused by name', async (t) => {
  const directory = t.testdir()
  for (const text of ['', 'abc', newSecret().slice(1), `${newSecret()}00`]) {
    await put(directory, 'a.key', text)
    await t.rejects(load(directory), { name: 'Refusal', message: join(directory, 'a.key') })
  }
})

t.test('a claim that a dead start left behind is named', { timeout: 30_000 }, async (t) => {
  const directory = t.testdir({ '.creating': '' })
  const claim = join(directory, '.creating')
  await t.rejects(load(directory, true), { name: 'Refusal', message: `rm '${claim}'` })
})

t.test('a secret is taken as hex, base64 and base64url, whatever spaces surround it', async (t) => {
  const hex = newSecret()
  const bytes = Buffer.from(hex, 'hex')
  const ids = await Promise.all(
    [hex, bytes.toString('base64'), ` ${bytes.toString('base64url')}\n`].map(idOf),
  )
  t.equal(new Set(ids).size, 1)
})

t.test('of several secrets the first encrypts', async (t) => {
  const [first, second] = [newSecret(), newSecret()]
  const keys = await loadSecret(`${first},${second}`)
  t.equal(keys.newestId, await idOf(first))
  t.equal(keys.find(await idOf(second))?.key.toString('hex'), second)
})

t.test('a secret of another length is refused by the name of its setting', async (t) => {
  for (const secret of ['', 'hunter2', newSecret().slice(2), `${newSecret()} hunter2`])
    await t.rejects(loadSecret(secret), {
      name: 'Refusal',
      message: /^CLAVIGER_KEY_ENCRYPTION_KEY must be 32 random bytes/,
    })
})
