import { generateKeyPairSync } from 'node:crypto'
import { compactDecrypt, decodeProtectedHeader } from 'jose'
import t from 'tap'
import { createVault } from '../../src/keys/vault.ts'
import { loadSecret, newSecret } from './setup.ts'

const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })

t.test('what is sealed opens again, and is a JWE that any JOSE tool can read', async (t) => {
  const secret = newSecret()
  const keys = await loadSecret(secret)
  const vault = createVault(keys)
  const sealed = await vault.seal('k1', privateKey)
  t.equal(sealed.keyEncryptionKeyId, keys.newestId)
  t.same(decodeProtectedHeader(sealed.handle), {
    alg: 'dir',
    enc: 'A256GCM',
    kid: keys.newestId,
    signing_kid: 'k1',
  })
  const opened = await vault.open(sealed)
  t.equal(opened.type, 'private')
  t.equal(opened.equals(privateKey), true)
  const { plaintext } = await compactDecrypt(sealed.handle, Buffer.from(secret, 'hex'))
  t.same(JSON.parse(Buffer.from(plaintext).toString()), privateKey.export({ format: 'jwk' }))
})

t.test('an older key-encryption key still opens what it sealed', async (t) => {
  const [older, newer] = [newSecret(), newSecret()]
  const sealed = await createVault(await loadSecret(older)).seal('k1', privateKey)
  const opened = await createVault(await loadSecret(`${newer} ${older}`)).open(sealed)
  t.equal(opened.equals(privateKey), true)
})

t.test('a wrong key-encryption key is refused with the id and the place to restore', async (t) => {
  const sealed = await createVault(await loadSecret(newSecret())).seal('k1', privateKey)
  const vault = createVault(await loadSecret(newSecret()))
  await t.rejects(vault.open(sealed), {
    name: 'Refusal',
    message: new RegExp(
      `key ${sealed.keyEncryptionKeyId}, .* not in CLAVIGER_KEY_ENCRYPTION_KEY: restore`,
    ),
  })
})

t.test('a key moved to the row of another, or altered, does not open', async (t) => {
  const vault = createVault(await loadSecret(newSecret()))
  const sealed = await vault.seal('k1', privateKey)
  const altered = sealed.handle.replace(/.{4}$/, (end) => (end === 'AAAA' ? 'BBBB' : 'AAAA'))
  const refusal = { name: 'Refusal', message: 'altered' }
  await t.rejects(vault.open({ ...sealed, kid: 'k2' }), refusal)
  await t.rejects(vault.open({ ...sealed, handle: altered }), refusal)
  await t.rejects(vault.open({ ...sealed, handle: '' }), refusal)
})
