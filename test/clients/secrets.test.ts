import t from 'tap'
import {
  createClientId,
  isClientId,
  isClientSecret,
  warnOfSecret,
} from '../../src/clients/secrets.ts'

t.test('a generated client_id is a good one and does not look like an option', async (t) => {
  t.ok(isClientId(createClientId()))
  t.match(createClientId(), /^[0-9a-f]/)
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
