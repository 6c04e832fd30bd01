import t, { type Test } from 'tap'
import { VerificationError } from '../../src/verifier/errors.ts'
import type { VerifierEvent } from '../../src/verifier/events.ts'
import { createKeySet, type KeySetTimings } from '../../src/verifier/key-set.ts'
import { signatureAlgorithms } from '../../src/verifier/verification-keys.ts'
import {
  codeOf,
  createSigningKey,
  createTestClock,
  createTestIssuer,
  type SigningKey,
} from './test-issuer.ts'

const a = await createSigningKey('ES256', { kid: 'a' })
const b = await createSigningKey('ES256', { kid: 'b' })
const c = await createSigningKey('EdDSA', { kid: 'c' })

async function setUp(t: Test, keys: SigningKey[], changes: Partial<KeySetTimings> = {}) {
  const clock = createTestClock()
  const issuer = await createTestIssuer(t, ...keys)
  const events: VerifierEvent[] = []
  const timings = { maxAgeSeconds: 600, cooldownSeconds: 10, staleSeconds: 3600, ...changes }
  const keySet = createKeySet({
    ...clock,
    findUri: async () => issuer.jwksUri,
    algorithms: signatureAlgorithms,
    timings,
    emit: (event) => events.push(event),
  })
  const find = (kid: string | undefined, alg = 'ES256') =>
    keySet.get(kid, alg).then(
      (key) => key.kid,
      (error: unknown) => (error instanceof VerificationError ? error.code : error),
    )
  return { ...issuer, clock, keySet, find, events, fetches: () => issuer.requests.length }
}

t.test('the keys are fetched once, however many tokens ask', async (t) => {
  const { find, fetches, events, keySet } = await setUp(t, [a, b])
  const found = await Promise.all(Array.from({ length: 1000 }, () => find('a')))
  t.strictSame(new Set(found), new Set(['a']))
  t.equal(await find('b'), 'b')
  t.equal(fetches(), 1)
  t.strictSame(events, [{ type: 'keys_fetched', detail: '2 usable, 0 skipped' }])
  t.strictSame(keySet.status(), { count: 2, ageSeconds: 0, isStale: false, failure: undefined })
})

t.test('a new key is found by its kid', async (t) => {
  const { find, fetches, publish, clock } = await setUp(t, [a])
  t.equal(await find('a'), 'a')
  publish(a, b)
  clock.advance(10)
  t.equal(await find('b'), 'b')
  t.equal(fetches(), 2)
})

t.test('a thousand unknown kids at once cause one fetch, and none soon after', async (t) => {
  const { find, fetches, clock } = await setUp(t, [a])
  const flood = async (name: string) =>
    new Set(await Promise.all(Array.from({ length: 1000 }, (_, index) => find(name + index))))
  t.strictSame(await flood('cold'), new Set(['key_unknown']))
  t.equal(fetches(), 1, 'the first fetch told it all')
  clock.advance(10)
  t.strictSame(await flood('x'), new Set(['key_unknown']))
  t.equal(fetches(), 2)
  clock.advance(9.999)
  t.strictSame(await flood('y'), new Set(['key_unknown']))
  t.equal(fetches(), 2)
  clock.advance(0.001)
  await flood('z')
  t.equal(fetches(), 3)
})

t.test('a kid that was looked for in vain is not looked for again for a while', async (t) => {
  const { find, fetches, clock } = await setUp(t, [a])
  await find('a')
  clock.advance(10)
  t.equal(await find('gone'), 'key_unknown')
  t.equal(fetches(), 2)
  clock.advance(29.999)
  t.equal(await find('gone'), 'key_unknown')
  t.equal(fetches(), 2)
  t.equal(await find('other'), 'key_unknown')
  t.equal(fetches(), 3, 'another one is')
  clock.advance(10)
  t.equal(await find('gone'), 'key_unknown')
  t.equal(fetches(), 4)
})

t.test('a kid that was looked for in vain is found as soon as the keys have it', async (t) => {
  const { find, publish, clock } = await setUp(t, [a])
  await find('a')
  clock.advance(10)
  t.equal(await find('b'), 'key_unknown')
  publish(a, b)
  clock.advance(10)
  await find('any')
  t.equal(await find('b'), 'b')
})

t.test('a token without a kid has the only key that fits', async (t) => {
  const { find, publish, clock, fetches } = await setUp(t, [a, c])
  t.equal(await find(undefined), 'a')
  t.equal(await find(undefined, 'EdDSA'), 'c')
  t.equal(await find(undefined, 'RS256'), 'key_unknown')
  publish(a, b, c)
  clock.advance(600)
  t.equal(await find(undefined), 'key_unknown', 'either could be meant')
  t.equal(await find('a'), 'a')
  t.equal(fetches(), 2)
})

t.test('keys with one kid are told apart by the algorithm only', async (t) => {
  const [same, twin] = [
    await createSigningKey('EdDSA', { kid: 'a' }),
    await createSigningKey('ES256', { kid: 'b' }),
  ]
  const { find } = await setUp(t, [a, same, b, twin])
  t.equal(await find('a'), 'a')
  t.equal(await find('a', 'EdDSA'), 'a')
  t.equal(await find('b'), 'key_unknown', 'either could be meant')
})

t.test('a key is not taken for an algorithm that it is not for', async (t) => {
  const { find, clock, fetches } = await setUp(t, [a])
  await find('a')
  clock.advance(60)
  for (const alg of ['RS256', 'ES384', 'HS256', 'none'])
    t.equal(await find('a', alg), 'algorithm_refused')
  t.equal(fetches(), 1, 'and no fetch would help')
})

t.test('a key that has left the JWKS is trusted until the next fetch, no longer', async (t) => {
  const { keySet, find, publish, clock } = await setUp(t, [a, b])
  const [keyA, keyB] = [await keySet.get('a', 'ES256'), await keySet.get('b', 'ES256')]
  t.equal(keySet.trusts(keyA), true, 'at once')
  publish(b)
  clock.advance(600)
  t.equal(await keySet.trusts(keyA), false)
  t.equal(keySet.trusts(keyB), true)
  t.equal(await find('a'), 'key_unknown')
})

t.test('a JWKS without keys leaves none', async (t) => {
  const { find, publish, clock } = await setUp(t, [a])
  await find('a')
  publish()
  clock.advance(600)
  t.equal(await find('a'), 'key_unknown')
})

t.test('what cannot be used is skipped, and said', async (t) => {
  const { find, publish, events } = await setUp(t, [])
  publish({ kty: 'XYZ' }, a, { kty: 'oct', k: 'c2VjcmV0', kid: 'secret' })
  t.equal(await find('a'), 'a')
  t.equal(await find('secret', 'HS256'), 'key_unknown')
  t.strictSame(events, [{ type: 'keys_fetched', detail: '1 usable, 2 skipped' }])
})

t.test('without keys it is not the token that is wrong', async (t) => {
  const { find, keySet, answer, stop, start, publish, clock, events } = await setUp(t, [])
  const attempts: [why: string, prepare: () => unknown, detail: RegExp][] = [
    ['an error', () => answer('/jwks', 500), /500/],
    ['a redirect', () => answer('/jwks', 302, { location: '/other' }), /302/],
    ['no JWKS', () => answer('/jwks', { error: 'x' }), /no array of keys/],
    ['no JSON', () => answer('/jwks', (_, response) => response.end('<html>')), /not a JSON/],
    ['too much', () => answer('/jwks', { keys: [], x: 'x'.repeat(512 * 1024) }), /longer than/],
    ['no connection', stop, /ECONNREFUSED/],
  ]
  for (const [why, prepare, detail] of attempts) {
    await prepare()
    clock.advance(10)
    t.equal(await find('a'), 'keys_unavailable', why)
    t.match(events.at(-1), { type: 'keys_unavailable', detail })
    t.match(keySet.status(), { count: 0, ageSeconds: undefined, isStale: true, failure: detail })
  }
  await t.rejects(keySet.ready(), { code: 'keys_unavailable', status: 503 })

  await start()
  publish(a)
  t.equal(await find('a'), 'keys_unavailable', 'the failure is too fresh')
  clock.advance(10)
  t.equal(await find('a'), 'a')
  await keySet.ready()
})

t.test('while the issuer is away its keys serve on, for a bounded time', async (t) => {
  const { find, keySet, stop, clock } = await setUp(t, [a])
  const key = await keySet.get('a', 'ES256')
  await stop()
  clock.advance(3599)
  t.equal(await find('a'), 'a')
  t.equal(await keySet.trusts(key), true)
  t.match(keySet.status(), { count: 1, ageSeconds: 3599, isStale: true, failure: /ECONNREFUSED/ })
  t.equal(await find('b'), 'keys_unavailable', 'whether there is another is not known')
  clock.advance(10)
  t.equal(await find('a'), 'keys_unavailable')
  t.equal(await codeOf(Promise.resolve(keySet.trusts(key))), 'keys_unavailable')
})

t.test('the keys are kept as long as Cache-Control says, within bounds', async (t) => {
  const { answer, keySet, clock, fetches } = await setUp(t, [a], { maxAgeSeconds: 300 })
  const rows: [cacheControl: string | undefined, seconds: number][] = [
    [undefined, 300],
    ['max-age=60', 60],
    ['max-age=86400', 300],
    ['max-age=0', 10],
    ['no-store', 10],
  ]
  for (const [cacheControl, seconds] of rows) {
    answer('/jwks', { keys: [a.jwk] }, cacheControl ? { 'cache-control': cacheControl } : {})
    clock.advance(300)
    await keySet.ready()
    const before = fetches()
    clock.advance(seconds * 0.75 - 0.001)
    await keySet.ready()
    t.equal(fetches(), before, `${cacheControl}: young`)
    clock.advance(seconds * 0.25)
    t.equal(keySet.status().isStale, false)
    clock.advance(0.001)
    t.equal(keySet.status().isStale, true)
    await keySet.ready()
    t.equal(fetches(), before + 1, `${cacheControl}: over`)
  }
})

t.test('of the kids that were looked for in vain only some are remembered', async (t) => {
  const { find, clock, fetches } = await setUp(t, [a])
  await find('a')
  clock.advance(10)
  await Promise.all(Array.from({ length: 1001 }, (_, index) => find(`kid ${index}`)))
  t.equal(fetches(), 2)
  clock.advance(10)
  t.equal(await find('kid 1000'), 'key_unknown')
  t.equal(fetches(), 2, 'the last one is')
  t.equal(await find('kid 0'), 'key_unknown')
  t.equal(fetches(), 3, 'the first one is not')
})

t.test('keys that come slowly are not waited for beyond a limit', async (t) => {
  const clock = createTestClock()
  const { jwksUri, answer } = await createTestIssuer(t)
  answer('/jwks', () => {})
  const keySet = createKeySet({
    ...clock,
    findUri: async () => jwksUri,
    algorithms: signatureAlgorithms,
    timings: { maxAgeSeconds: 600, cooldownSeconds: 10, staleSeconds: 3600 },
    limits: { timeoutMilliseconds: 50, maxBytes: 1000 },
    emit: () => {},
  })
  t.equal(await codeOf(keySet.ready()), 'keys_unavailable')
})
