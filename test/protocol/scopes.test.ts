import t from 'tap'
import { OAuthError } from '../../src/protocol/errors.ts'
import {
  claimsByScope,
  formatScope,
  isSubset,
  parseScope,
  standardScopes,
  userScopes,
} from '../../src/protocol/scopes.ts'

function scopesNumbered(count: number): string {
  return Array.from({ length: count }, (_, index) => `s${index}`).join(' ')
}

t.test('well-formed scopes are read in order, each once (RFC 6749 §3.3)', async (t) => {
  const cases: [string, string[]][] = [
    ['', []], // as if omitted (§3.1)
    ['openid', ['openid']],
    ['openid profile', ['openid', 'profile']],
    ['openid profile openid', ['openid', 'profile']],
    ["!#[]~ https://api.example/read:all it's", ['!#[]~', 'https://api.example/read:all', "it's"]],
    ['__proto__ constructor', ['__proto__', 'constructor']],
    ['x'.repeat(128), ['x'.repeat(128)]],
  ]
  for (const [text, expected] of cases) t.same(parseScope(text), expected, text)
  t.equal(parseScope(scopesNumbered(50)).length, 50)
})

t.test('malformed scopes are refused as invalid_scope (RFC 6749 §3.3, §5.2)', async (t) => {
  const cases = [
    ' ',
    ' openid',
    'openid ',
    'openid  profile',
    'openid\tprofile',
    'open"id',
    'open\\id',
    'openid\n',
    'öpenid',
    'open\0id',
    'x'.repeat(129),
    scopesNumbered(51),
  ]
  for (const text of cases)
    t.match(
      t.throws(() => parseScope(text), OAuthError, JSON.stringify(text)),
      { code: 'invalid_scope', status: 400 },
    )
})

t.test('a formatted scope reads back as the same scopes', async (t) => {
  t.equal(formatScope(['openid', 'email']), 'openid email')
  t.same(parseScope(formatScope(['openid', 'email'])), ['openid', 'email'])
  t.same(parseScope(formatScope([])), [])
})

t.test('scopes are a subset when each of them is allowed', async (t) => {
  const cases: [string[], string[], boolean][] = [
    [[], [], true],
    [[], ['openid'], true],
    [['openid'], ['email', 'openid'], true],
    [['openid', 'email'], ['openid'], false],
    [['Openid'], ['openid'], false],
  ]
  for (const [scopes, allowed, expected] of cases)
    t.equal(
      isSubset(scopes, allowed),
      expected,
      `${formatScope(scopes)} of ${formatScope(allowed)}`,
    )
})

t.test('the standard scopes ask for the claims of OpenID Connect Core §5.4', async (t) => {
  t.same(standardScopes, ['openid', 'profile', 'email', 'address', 'phone', 'offline_access'])
  t.same([...userScopes], standardScopes)
  t.same(Object.fromEntries(claimsByScope), {
    openid: [],
    profile: [
      'name',
      'family_name',
      'given_name',
      'middle_name',
      'nickname',
      'preferred_username',
      'profile',
      'picture',
      'website',
      'gender',
      'birthdate',
      'zoneinfo',
      'locale',
      'updated_at',
    ],
    email: ['email', 'email_verified'],
    address: ['address'],
    phone: ['phone_number', 'phone_number_verified'],
    offline_access: [],
  })
})
