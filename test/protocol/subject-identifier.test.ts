import t from 'tap'
import { parseSubjectIdentifier } from '../../src/protocol/subject-identifier.ts'

t.test('the formats that name a user (RFC 9493 §3.2)', async (t) => {
  for (const subject of [
    { format: 'iss_sub', iss: 'https://issuer.example', sub: 'alice' },
    { format: 'email', email: 'alice@example.com' },
    { format: 'opaque', id: 'alice' },
  ])
    t.strictSame(parseSubjectIdentifier(subject, 'sub_id'), subject)
})

t.test('what is none is refused, by the name of its member', async (t) => {
  for (const value of [
    undefined,
    null,
    'alice',
    [],
    {},
    { format: ['email'], email: 'a@b' },
    { format: 'toString' },
    { format: 'phone_number', phone_number: '+1' },
    { format: 'email' },
    { format: 'email', email: 'alice' },
    { format: 'email', email: 'a@b', id: 'alice' },
    { format: 'opaque', id: 1 },
    { format: 'opaque', id: 'a\0' },
    { format: 'iss_sub', iss: 'https://issuer.example' },
    Object.assign(Object.create({ format: 'opaque' }), { id: 'alice' }),
  ])
    t.throws(() => parseSubjectIdentifier(value, 'sub_id'), {
      code: 'invalid_request',
      description: /'sub_id'/,
    })
})
