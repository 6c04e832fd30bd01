import t from 'tap'
import { createServerSecretStore } from '../../src/keys/server-secret-store.ts'
import { loadServerSecret } from '../../src/keys/server-secret.ts'
import { createNode, createTestKeys, newSecret } from './setup.ts'

const hex = (key: Buffer) => key.toString('hex')

t.test(
  'nodes that start at once share one secret, and the database holds it encrypted',
  async (t) => {
    const { database, vault } = await createTestKeys(t)
    const store = createServerSecretStore(database)
    const secrets = await Promise.all([1, 2, 3, 4].map(() => loadServerSecret({ store, vault })))
    const derived = secrets.map((secret) => hex(secret.deriveKey('refresh tokens')))
    t.equal(new Set(derived).size, 1)
    t.not(hex(secrets[0]!.deriveKey('form tokens')), derived[0], 'another purpose, another key')
    const sealed = await store.find()
    t.match(sealed?.handle, /^[\w-]+\.\.[\w-]+\.[\w-]+\.[\w-]+$/, 'a compact JWE')
  },
)

t.test('it stays the same when it moves to a newer key-encryption key', async (t) => {
  const { database, secret, clock, vault } = await createTestKeys(t)
  const store = createServerSecretStore(database)
  const before = await loadServerSecret({ store, vault })
  const newer = newSecret()
  const admin = await createNode(database, `${newer} ${secret}`, clock)
  t.same((await admin.rewrap({ actor: 'ada' })).moved, ['server-secret'])
  const alone = await createNode(database, newer, clock)
  const after = await loadServerSecret({ store, vault: alone.vault })
  t.equal(hex(after.deriveKey('refresh tokens')), hex(before.deriveKey('refresh tokens')))
})

t.test('a lost key-encryption key is a clear refusal, and makes no other secret', async (t) => {
  const { database, clock, vault } = await createTestKeys(t)
  const store = createServerSecretStore(database)
  await loadServerSecret({ store, vault })
  const stranger = await createNode(database, newSecret(), clock)
  await t.rejects(loadServerSecret({ store, vault: stranger.vault }), {
    name: 'Refusal',
    message: /key-encryption key .* which server-secret is encrypted with, is not in/,
  })
})
