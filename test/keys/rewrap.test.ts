import { generateKeyPairSync } from 'node:crypto'
import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { loadKeyEncryptionKeys } from '../../src/keys/key-encryption-keys.ts'
import { createVault } from '../../src/keys/vault.ts'
import { createNode, createTestKeys, newSecret } from './setup.ts'

const actor = 'ada'

t.test('all keys move to the newest key-encryption key, beside a running server', async (t) => {
  const { database, secret, clock, rotation, keyring, store } = await createTestKeys(t)
  await rotation.ensureKeys()
  await keyring.load()
  const { body } = keyring.jwks()
  const newer = newSecret()
  const admin = await createNode(database, `${newer} ${secret}`, clock)

  const kids = (await store.list()).map(({ kid }) => kid)
  const planned = await admin.rewrap({ actor, dryRun: true })
  const expected = {
    keyEncryptionKeyId: admin.vault.newestId,
    moved: kids,
    alreadyNewest: [],
    failing: [],
  }
  t.same(planned, expected)
  t.same(await admin.rewrap({ actor, dryRun: true }), expected, 'a dry run changes nothing')
  t.same(await admin.rewrap({ actor, reason: 'yearly' }), expected)
  t.same(await admin.rewrap({ actor }), { ...expected, moved: [], alreadyNewest: kids })

  await keyring.load()
  t.equal(keyring.isLoaded(), true, 'a server goes on with what it has opened')
  t.equal(keyring.jwks().body, body)
  const alone = await createNode(database, newer, clock)
  await alone.keyring.load()
  t.equal(alone.keyring.isLoaded(), true, 'the older key-encryption key may be put away')

  const events = await admin.audit.list()
  t.match(events.at(-1), {
    action: 'keys.rewrap',
    subject: admin.vault.newestId,
    actor,
    reason: 'yearly',
    details: { moved: kids, failing: [] },
  })
  t.equal(events.filter(({ action }) => action === 'keys.rewrap').length, 1)
})

t.test('two at once move each key once', async (t) => {
  const { database, secret, clock, rotation } = await createTestKeys(t)
  await rotation.ensureKeys()
  const secrets = `${newSecret()} ${secret}`
  const admins = await Promise.all([1, 2].map(() => createNode(database, secrets, clock)))
  const outcomes = await Promise.all(admins.map(({ rewrap }) => rewrap({ actor })))
  t.same(new Set(outcomes.map(({ moved }) => moved.length)), new Set([0, 4]))
  t.same(new Set(outcomes.map((each) => each.alreadyNewest.length)), new Set([4, 0]))
})

t.test('a key that cannot be opened stays as it is, and the others move', async (t) => {
  const { database, clock, store, rotation } = await createTestKeys(t)
  await rotation.ensureKeys()
  const [lost] = await store.list()
  const [older, newer] = [newSecret(), newSecret()]
  const admin = await createNode(database, `${newer} ${older}`, clock)
  const own = await createNode(database, older, clock)
  await own.rotation.rotate({ actor, force: true, algorithms: ['ES256'] })
  const { moved, failing } = await admin.rewrap({ actor })
  t.equal(moved.length, 1)
  t.equal(failing.length, 4)
  t.match(failing, [{ kid: lost?.kid, fault: /key-encryption key .* is not in CLAVIGER_/ }])
  const row = (await store.list()).find(({ kid }) => kid === lost?.kid)
  t.equal(row?.handle, lost?.handle)
})

t.test('a key-encryption key put in place after the start is found without another', async (t) => {
  const directory = t.testdir()
  const load = () =>
    loadKeyEncryptionKeys({
      secret: undefined,
      secretName: 'CLAVIGER_KEY_ENCRYPTION_KEY',
      directory,
      allowCreate: true,
      now: new Date('2026-11-22T00:00:00Z'),
    })
  const running = createVault(await load())
  const { newestId } = running
  const { privateKey } = generateKeyPairSync('ed25519')
  const file = join(directory, 'kek-2027.key')
  await writeFile(file, newSecret(), { mode: 0o600 })
  const restarted = createVault(await load())
  t.not(restarted.newestId, newestId)
  const sealed = await restarted.seal('k1', privateKey)
  const opened = await running.open(sealed)
  t.equal(opened.equals(privateKey), true)
  t.equal(running.newestId, restarted.newestId)

  const missing = { ...sealed, keyEncryptionKeyId: '0000000000000000' }
  const [first = ''] = await readdir(directory)
  await t.rejects(running.open(missing), {
    name: 'Refusal',
    message: `The key-encryption key 0000000000000000, which k1 is encrypted with, is not in ${file}, ${join(directory, first)}: restore it in ${directory} from its backup.`,
  })
  await t.rejects(running.open({ ...sealed, handle: 'x' }), { message: file })
})
