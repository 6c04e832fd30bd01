import t from 'tap'
import {
  createClientId,
  createClientSecret,
  hashClientSecret,
  hashesMatch,
  isClientId,
  isClientSecret,
  warnOfSecret,
} from '../../src/clients/secrets.ts'

t.test('a generated secret has 256 bits, is new each time and is nothing to warn of', async (t) => {
  const secrets = Array.from({ length: 100 }, createClientSecret)
  t.equal(new Set(secrets).size, secrets.length)
  for (const secret of secrets) {
    t.match(secret, /^[\w-]{43}$/)
    t.same(warnOfSecret(secret), [])
  }
})

t.test('a generated client_id is a good one and does not look like an option', async (t) => {
  t.ok(isClientId(createClientId()))
  t.match(createClientId(), /^[0-9a-f]/)
})

t.test('only the same secret has the same hash', async (t) => {
  const hash = hashClientSecret('a secret')
  t.equal(hash.length, 32)
  t.equal(hashesMatch(hashClientSecret('a secret'), hash), true)
  for (const other of ['a secreT', 'a secret ', '', hash.toString('hex')])
    t.equal(hashesMatch(hashClientSecret(other), hash), false, other)
})

t.test('a chosen client_id cannot garble HTTP Basic (RFC 6749 §2.3.1, RFC 7617)', async (t) => {
  for (const id of [
    'app',
    'App-1_2.3~4',
    '123-abc.apps.example.com',
    'a'.repeat(128),
    "it's/ok(!)@*",
  ])
    t.equal(isClientId(id), true, id)
  const others = [
    '',
    'a b',
    'a:b',
    'a%20b',
    'a+b',
    'a"b',
    'a\\b',
    'é',
    'a\n',
    'a\0',
    'a'.repeat(129),
    7,
    null,
  ]
  for (const id of others) t.equal(isClientId(id), false, String(id))
})

t.test('a chosen secret is 1 to 512 characters of printable ASCII', async (t) => {
  for (const secret of ['x', ' :%+"\\', 'a'.repeat(512)]) t.equal(isClientSecret(secret), true)
  for (const secret of ['', 'a'.repeat(513), 'é', 'a\n', 'a\0', 7, null])
    t.equal(isClientSecret(secret), false, String(secret))
})

t.test('a short secret, or one that must be percent-encoded, brings a warning', async (t) => {
  t.match(warnOfSecret('short'), [/fewer than 32/])
  t.match(warnOfSecret(`${'a'.repeat(32)}+`), [/percent-encode/])
  t.equal(warnOfSecret('p%').length, 2)
})
