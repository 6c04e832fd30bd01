import t from 'tap'
import { createSecret, hashesMatch, hashSecret } from '../../src/protocol/secrets.ts'

t.test('a generated secret has 256 bits and is new each time', async (t) => {
  const secrets = Array.from({ length: 100 }, createSecret)
  t.equal(new Set(secrets).size, secrets.length)
  for (const secret of secrets) t.match(secret, /^[\w-]{43}$/)
})

t.test('only the same secret has the same hash', async (t) => {
  const hash = hashSecret('a secret')
  t.equal(hash.length, 32)
  t.equal(hashesMatch(hashSecret('a secret'), hash), true)
  for (const other of ['a secreT', 'a secret ', '', hash.toString('hex')])
    t.equal(hashesMatch(hashSecret(other), hash), false, other)
})
