import t from 'tap'
import {
  findEmailFault,
  findIdentifierKind,
  findUsernameFault,
  isSub,
  normalizeIdentifier,
} from '../../src/users/identifiers.ts'

t.test('usernames have 1 to 64 visible characters and no @', async (t) => {
  for (const username of ['j', 'jane.doe', 'Zoë', '山田太郎', "o'neil", 'x'.repeat(64)])
    t.equal(findUsernameFault(username), undefined, username)
  const cases: [string, RegExp][] = [
    ['', /1 to 64 characters/],
    ['x'.repeat(65), /1 to 64 characters/],
    ['jane doe', /without spaces/],
    ['jane\u00a0doe', /without spaces/],
    ['jane\0', /control characters/],
    ['jane\u200b', /control characters/], // zero-width space
    ['\u202eenaj', /control characters/], // right-to-left override
    ['jane\ud800', /control characters/],
    ['jane@example.com', /must not hold an '@'/],
    ['@', /must not hold an '@'/],
    ['6F9619FF-8B86-D011-B42D-00CF4FC964FF', /must not look like a user id/],
  ]
  for (const [username, expected] of cases)
    t.match(findUsernameFault(username), expected, JSON.stringify(username))
})

t.test('an email has one @, no spaces and at most 254 characters', async (t) => {
  const longest = `${'x'.repeat(254 - '@example.com'.length)}@example.com`
  for (const email of ['a@b', 'Jane+tag@Example.COM', 'josé@exämple.com', longest])
    t.equal(findEmailFault(email), undefined, email)
  const cases = ['', '@', 'a@', '@b', 'jane', 'a@b@c', 'a b@c', 'a@b\n', 'a\0@b', `x${longest}`]
  for (const email of cases)
    t.match(findEmailFault(email), /must be an address/, JSON.stringify(email))
})

t.test('an identifier is a username, an email, a sub or nothing', async (t) => {
  const cases: [string, 'username' | 'email' | undefined, boolean][] = [
    ['jane', 'username', false],
    ['jane@example.com', 'email', false],
    ['6f9619ff-8b86-d011-b42d-00cf4fc964ff', undefined, true],
    ['', undefined, false],
    ['a@b@c', undefined, false],
    ['x'.repeat(10_000), undefined, false],
    ['a\0b', undefined, false],
  ]
  for (const [identifier, kind, expected] of cases) {
    t.equal(findIdentifierKind(identifier), kind, identifier.slice(0, 40))
    t.equal(isSub(identifier), expected, identifier.slice(0, 40))
  }
})

t.test('identifiers are compared trimmed and in NFC (RFC 8265 §3.3)', async (t) => {
  t.equal(normalizeIdentifier(' Zoe\u0308 '), 'Zoë')
})
