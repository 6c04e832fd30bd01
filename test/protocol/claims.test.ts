import t from 'tap'
import {
  releaseCustomClaims,
  releaseUserClaims,
  validateClientClaims,
  validateUserClaims,
  type ClaimsSource,
} from '../../src/protocol/claims.ts'
import { claimsByScope, standardScopes } from '../../src/protocol/scopes.ts'

const profile = {
  name: 'Jane Q. Doe',
  family_name: 'Doe',
  given_name: 'Jane',
  middle_name: 'Q.',
  nickname: 'JD',
  preferred_username: 'j.doe@home',
  profile: 'https://example.com/jane',
  picture: 'https://example.com/jane.jpg',
  website: 'http://jane.example',
  gender: 'female',
  birthdate: '1984-02-29',
  zoneinfo: 'America/Argentina/Buenos_Aires',
  locale: 'fr-CA',
}
const phone = { phone_number: '+1 (425) 555-1212', phone_number_verified: true }
const address = { address: { formatted: '1 Road\nTown', country: 'GB' } }
const custom = { roles: ['admin'], 'https://example.com/tier': { level: 3 }, department: null }

t.test(
  'every standard claim of the right type is accepted (OpenID Connect Core §5.1)',
  async (t) => {
    const claims = { ...profile, ...phone, ...address, ...custom }
    const email = { email: 'jane@example.com', email_verified: true }
    t.same(validateUserClaims({ ...claims, ...email, updated_at: 1_700_000_000 }), {
      claims,
      email: 'jane@example.com',
      emailVerified: true,
      faults: [],
    })
    t.same(validateUserClaims({}).faults, [])
  },
)

t.test('forms of standard claims that the specification allows are accepted (§5.1)', async (t) => {
  const cases: [string, unknown][] = [
    ['birthdate', '0000-12-31'],
    ['birthdate', '0000-02-29'],
    ['birthdate', '1990'],
    ['zoneinfo', 'Europe/Paris'],
    ['zoneinfo', 'Etc/GMT+5'],
    ['zoneinfo', 'UTC'],
    ['locale', 'en'],
    ['locale', 'en_US'],
    ['locale', 'zh-Hant-TW'],
    ['updated_at', 1_700_000_000.5],
    ['email_verified', false],
    ['address', { street_address: '1 Road', x_floor: '3' }],
  ]
  for (const [name, value] of cases)
    t.same(validateUserClaims({ [name]: value }).faults, [], `${name} ${JSON.stringify(value)}`)
})

t.test('standard claims of the wrong type are refused by name (§5.1)', async (t) => {
  const cases: [string, unknown][] = [
    ['name', ''],
    ['name', ' '],
    ['name', 5],
    ['name', null],
    ['given_name', ['Jane']],
    ['gender', true],
    ['profile', 'jane'],
    ['picture', 'javascript:alert(1)'],
    ['website', 'https://'],
    ['website', 'https://a b.example'],
    ['birthdate', '1984-2-9'],
    ['birthdate', '1985-02-29'],
    ['birthdate', '1984-13-01'],
    ['birthdate', '84'],
    ['zoneinfo', 'Europe/Paris; drop'],
    ['locale', 'x'],
    ['locale', 'en-'],
    ['updated_at', '2024-01-01'],
    ['updated_at', -1],
    ['email', 1],
    ['email_verified', 'yes'],
    ['phone_number', 4_425_551_212],
    ['phone_number_verified', 1],
    ['address', '1 Road'],
    ['address', {}],
    ['address', { country: 44 }],
    ['address', ['1 Road']],
  ]
  for (const [name, value] of cases) {
    const { faults } = validateUserClaims({ [name]: value })
    t.equal(faults.length, 1, `${name} ${JSON.stringify(value)}`)
    t.match(faults[0], new RegExp(`^The claim "${name}" must be `))
  }
})

t.test('names that the protocol uses are refused for users and for clients', async (t) => {
  const reserved =
    'iss sub aud exp nbf iat jti auth_time nonce acr amr azp at_hash c_hash s_hash sid scope client_id cnf act ' +
    'events typ grant_id active token_type username _claim_names _claim_sources authorization_details ' +
    'openid phone offline_access'
  for (const name of reserved.split(' ')) {
    t.match(validateUserClaims({ [name]: 'x' }).faults, [/has a meaning in the protocol/], name)
    t.match(validateClientClaims({ [name]: 'x' }).faults, [/has a meaning in the protocol/], name)
  }
  t.match(validateUserClaims(JSON.parse('{"__proto__": {"roles": ["admin"]}}')).faults, [
    /__proto__/,
  ])
})

t.test('a client has no claims that describe a user', async (t) => {
  t.same(validateClientClaims({ tenant: 'acme', limits: { rps: 5 } }), {
    claims: { tenant: 'acme', limits: { rps: 5 } },
    faults: [],
  })
  const standard = [...claimsByScope.values()].flat()
  const faults = validateClientClaims(
    Object.fromEntries(standard.map((name) => [name, 'x'])),
  ).faults
  t.equal(faults.length, standard.length)
  for (const fault of faults) t.match(fault, /describes a user/)
})

t.test('a custom claim that no scope could ask for is refused (RFC 6749 §3.3)', async (t) => {
  for (const name of ['', 'two words', 'a"b', 'a\\b', 'rôles', 'x'.repeat(65)])
    t.match(validateUserClaims({ [name]: 1 }).faults, [/cannot be asked for as a scope/], name)
  t.same(validateUserClaims({ ['x'.repeat(64)]: 1, toString: 2 }).faults, [])
})

t.test('what is not a JSON object, or what Postgres cannot store as one, is refused', async (t) => {
  const circular: Record<string, unknown> = {}
  circular['self'] = circular
  const cases = [
    undefined,
    null,
    'roles',
    ['roles'],
    new Map(),
    circular,
    { roles: undefined },
    { roles: 'a\0b' },
    { roles: { 'a\0b': 1 } },
    { roles: ['\ud800'] },
    { level: Number.NaN },
    { since: new Date(0) },
    { id: 1n },
  ]
  for (const [index, value] of cases.entries())
    t.equal(validateUserClaims(value).faults.length, 1, `case ${index}`)
})

t.test('claims may take 3 KiB as JSON and no more', async (t) => {
  const empty = JSON.stringify({ note: '' }).length
  t.same(validateUserClaims({ note: 'x'.repeat(3_072 - empty) }).faults, [])
  t.match(validateUserClaims({ note: 'x'.repeat(16_385 - empty) }).faults, [/take 16385 bytes/])
  t.match(validateUserClaims({ note: 'é'.repeat(3_072 - empty) }).faults, [/bytes as JSON/])
})

t.test('all faults are found at once', async (t) => {
  const input = { sub: 'x', name: 5, email_verified: 'yes', 'two words': 1, roles: ['admin'] }
  t.equal(validateUserClaims(input).faults.length, 4)
})

const account: ClaimsSource = {
  username: 'jane',
  email: 'jane@example.com',
  emailVerified: true,
  claims: { ...profile, ...phone, ...address, ...custom },
  updatedAt: new Date('2024-01-02T03:04:05.678Z'),
}

t.test('each standard scope releases its claims and nothing else (§5.4)', async (t) => {
  const cases: [string[], object][] = [
    [[], {}],
    [['openid'], {}],
    [['offline_access'], {}],
    [['roles'], {}],
    [['constructor', '__proto__', 'toString'], {}],
    [['phone_number', 'name', 'birthdate'], {}],
    [['openid', 'profile'], { ...profile, updated_at: 1_704_164_645 }],
    [['email'], { email: 'jane@example.com', email_verified: true }],
    [['address'], address],
    [['phone'], phone],
    [['email', 'phone'], { email: 'jane@example.com', email_verified: true, ...phone }],
  ]
  for (const [scopes, expected] of cases)
    t.strictSame(releaseUserClaims(account, scopes), expected, scopes.join(' '))
})

t.test('claims that are not known are left out (§5.3.2)', async (t) => {
  const bare = { emailVerified: false, claims: {}, updatedAt: new Date(1999) }
  t.strictSame(releaseUserClaims(bare, standardScopes), { updated_at: 1 })
  t.strictSame(releaseUserClaims({ ...bare, username: 'jane' }, ['profile']), {
    preferred_username: 'jane',
    updated_at: 1,
  })
  t.strictSame(releaseUserClaims({ ...bare, email: 'j@example.com' }, ['email']), {
    email: 'j@example.com',
    email_verified: false,
  })
})

t.test('a custom claim is released by the scope of its name only', async (t) => {
  const claims = { ...account.claims, phone: 'smuggled', sub: 'smuggled' }
  const cases: [string[], object][] = [
    [[...standardScopes], {}],
    [['name', 'phone', 'sub', 'address', 'profile', 'constructor', '__proto__'], {}],
    [['openid', 'roles'], { roles: ['admin'] }],
    [['https://example.com/tier'], { 'https://example.com/tier': { level: 3 } }],
    [['department'], {}],
    [['role', 'Roles'], {}],
  ]
  for (const [scopes, expected] of cases)
    t.strictSame(releaseCustomClaims(claims, scopes), expected, scopes.join(' '))
})
