import t from 'tap'
import { readOptions } from '../../src/verifier/options.ts'
import { signatureAlgorithms } from '../../src/verifier/verification-keys.ts'

const least = { issuer: 'https://issuer.example', audience: 'api', revocations: 'off' } as const

t.test('what is not said has a safe default', async (t) => {
  const { runtime, ...rules } = readOptions(least)
  t.strictSame(rules, {
    issuer: 'https://issuer.example',
    audiences: ['api'],
    revocations: 'off',
    algorithms: signatureAlgorithms,
    types: ['at+jwt'],
    clockToleranceSeconds: 5,
    scopes: [],
    claims: {},
    jwksUri: undefined,
    timings: { maxAgeSeconds: 600, cooldownSeconds: 10, staleSeconds: 86_400 },
    cacheSize: 10_000,
  })
  t.ok(Math.abs(runtime.now() - Date.now()) < 60_000)
  t.ok(runtime.monotonic() <= performance.now())
})

t.test('types are compared in one spelling', async (t) => {
  t.strictSame(readOptions({ ...least, types: ['Application/JWT', 'at+JWT', ''] }).types, [
    'jwt',
    'at+jwt',
    '',
  ])
})

t.test('what would not be safe is refused when the verifier is made', async (t) => {
  const rows: [faulty: object, says: RegExp][] = [
    [{ issuer: undefined }, /issuer must be/],
    [{ issuer: 'issuer.example' }, /issuer must be/],
    [{ issuer: 'ftp://issuer.example' }, /issuer must be/],
    [{ issuer: 'https://issuer.example/?tenant=1' }, /issuer must be/],
    [{ issuer: 'https://issuer.example/#' }, /issuer must be/],
    [{ audience: undefined }, /audience must be/],
    [{ audience: '' }, /audience must be/],
    [{ audience: [] }, /audience must be/],
    [{ audience: ['api', ''] }, /audience must be/],
    [{ revocations: undefined }, /revocations must say how/],
    [{ revocations: 'on' }, /revocations must say how/],
    [{ revocations: null }, /revocations must say how/],
    [{ algorithms: [] }, /algorithms must be some of RS256/],
    [{ algorithms: ['RS256', 'none'] }, /algorithms must be/],
    [{ algorithms: ['HS256'] }, /algorithms must be/],
    [{ types: [] }, /types must be/],
    [{ clockToleranceSeconds: -1 }, /clockToleranceSeconds must be 0 to 60/],
    [{ clockToleranceSeconds: 61 }, /clockToleranceSeconds must be/],
    [{ clockToleranceSeconds: Number.NaN }, /clockToleranceSeconds must be/],
    [{ scopes: ['a b'] }, /scopes must be/],
    [{ scopes: [''] }, /scopes must be/],
    [{ jwksUri: '/jwks' }, /jwksUri must be/],
    [{ jwksMaxAgeSeconds: 0 }, /jwksMaxAgeSeconds/],
    [{ jwksCooldownSeconds: 0 }, /jwksCooldownSeconds/],
    [{ jwksStaleSeconds: -1 }, /jwksStaleSeconds/],
    [{ cacheSize: -1 }, /cacheSize must be/],
    [{ cacheSize: 1.5 }, /cacheSize must be/],
  ]
  for (const [faulty, message] of rows)
    t.throws(
      () => readOptions({ ...least, ...faulty }),
      { name: 'TypeError', message },
      JSON.stringify(faulty),
    )
})

t.test('every fault is said at once', async (t) => {
  t.throws(() => readOptions({ ...least, issuer: '', audience: '' }), {
    message: /issuer must be.*audience must be/,
  })
})
