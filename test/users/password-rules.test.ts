import t from 'tap'
import { commonPasswords } from '../../src/users/common-passwords.ts'
import { encodePassword, findPasswordFaults } from '../../src/users/password-rules.ts'

const names = ['jane.doe@example.com', 'JaneTheFirst', undefined]

t.test('long passwords of any composition are accepted (NIST SP 800-63B)', async (t) => {
  const cases = [
    'lowercas',
    'two words here',
    'пароль-пароль',
    '🔑'.repeat(8),
    'x'.repeat(1024),
    '        ',
  ]
  for (const password of cases) t.same(findPasswordFaults(password, names), [], password)
})

t.test('too short, too long, unwritable, common and own names are refused', async (t) => {
  const cases: [string, RegExp][] = [
    ['', /fewer than 8 characters/],
    ['seven77', /fewer than 8 characters/],
    ['🔑'.repeat(7), /fewer than 8 characters/],
    ['x'.repeat(1025), /longer than 1024 bytes/],
    ['é'.repeat(513), /longer than 1024 bytes/],
    ['\ufdfa'.repeat(40), /longer than 1024 bytes/], // one character, 33 bytes after NFKC
    ['tab\tinside it', /control character/],
    ['half \ud83d surrogate', /not Unicode/],
    ['password123', /attackers try first/],
    ['PassWord123', /attackers try first/],
    ['Ｐassword123', /attackers try first/],
    ['jane.doe@example.com', /same as the username or email/],
    ['JANETHEFIRST', /same as the username or email/],
  ]
  for (const [password, expected] of cases) {
    const faults = findPasswordFaults(password, names)
    t.equal(faults.length, 1, password.slice(0, 20))
    t.match(faults[0], expected)
  }
})

t.test('one password has one encoding, whatever keyboard wrote it (NFKC)', async (t) => {
  t.same(encodePassword('Ame\u0301lie ﬁve'), encodePassword('Am\u00e9lie five'))
  t.same(encodePassword('five'), Buffer.from('five'))
  t.equal(encodePassword('x'.repeat(1025)), undefined)
})

t.test('the common passwords are in the form they are looked up in', async (t) => {
  t.ok(commonPasswords.size >= 200)
  for (const password of commonPasswords)
    t.match(findPasswordFaults(password, []), [/attackers try first/], password)
})
