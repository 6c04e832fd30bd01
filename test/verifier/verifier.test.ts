import t from 'tap'
import { createVerifier } from '../../src/verifier/verifier.ts'
import { codeOf } from './test-issuer.ts'
import { key, next, setUp, setUpFollowed } from './verifier-setup.ts'

t.test('a key that has left the JWKS takes the tokens along that were seen before', async (t) => {
  const { verifier, token, publish, clock } = await setUp(t)
  const [old, fresh] = [await token({ exp: clock.seconds() + 5000 }), await token({}, {}, next)]
  publish(key, next)
  await verifier.verify(old)
  await verifier.verify(fresh)
  publish(next)
  clock.advance(599)
  t.equal(await codeOf(verifier.verify(old)), 'accepted', 'the keys are fetched in the background')
  clock.advance(1)
  t.equal(await codeOf(verifier.verify(fresh)), 'accepted')
  t.equal(await codeOf(verifier.verify(old)), 'key_unknown')
  publish(key, next)
  clock.advance(600)
  t.equal(await codeOf(verifier.verify(old)), 'accepted', 'and is trusted again if it comes back')
})

t.test('a thousand tokens with unknown keys at once cause one fetch', async (t) => {
  const { verifier, token, requests, clock } = await setUp(t)
  const fetches = () => requests.filter((path) => path === '/jwks').length
  const flood = await Promise.all(
    Array.from({ length: 1000 }, (_, index) => token({}, { kid: `unknown ${index}` })),
  )
  const verdicts = async () =>
    new Set(await Promise.all(flood.map((jws) => codeOf(verifier.verify(jws)))))
  t.strictSame(await verdicts(), new Set(['key_unknown']))
  t.equal(fetches(), 1)
  clock.advance(10)
  t.strictSame(await verdicts(), new Set(['key_unknown']))
  t.equal(fetches(), 2)
})

t.test('while the issuer is away, known keys serve on and the token is not blamed', async (t) => {
  const { verifier, token, stop, clock } = await setUp(t, { jwksStaleSeconds: 1000 })
  const jws = await token({ exp: clock.seconds() + 5000 })
  await stop()
  t.equal(await codeOf(verifier.verify(jws)), 'keys_unavailable')
  await t.rejects(verifier.ready(), { code: 'keys_unavailable', status: 503 })

  const other = await setUp(t, { jwksStaleSeconds: 1000 })
  const known = await other.token({ exp: other.clock.seconds() + 5000 })
  await other.verifier.ready()
  await other.verifier.verify(known)
  await other.stop()
  other.clock.advance(999)
  t.equal(await codeOf(other.verifier.verify(known)), 'accepted')
  t.match(other.verifier.status(), { keys: { isStale: true, count: 1 }, revocations: 'off' })
  other.clock.advance(60)
  t.equal(await codeOf(other.verifier.verify(known)), 'keys_unavailable')
})

t.test('the keys may be at a place that is told, without metadata', async (t) => {
  const { options, token, jwksUri, requests } = await setUp(t)
  const verifier = createVerifier({ ...options, jwksUri })
  await verifier.verify(await token())
  t.strictSame(requests, ['/jwks'])
})

t.test('it says how it is, and ends', async (t) => {
  const { verifier, token, follower } = await setUpFollowed(t)
  t.match(verifier.status(), {
    keys: { count: 0, ageSeconds: undefined, isStale: true, failure: undefined },
    revocations: { count: 0, isStale: false },
    rememberedTokens: 0,
  })
  await verifier.ready()
  await verifier.verify(await token())
  t.match(verifier.status(), { keys: { count: 1, ageSeconds: 0 }, rememberedTokens: 1 })
  verifier.close()
  t.equal(follower.calls.close, 1)
  t.equal(verifier.status().rememberedTokens, 0)
})

t.test('it tells what adapters need, and is not made of unsafe options', async (t) => {
  const { verifier, issuer, options } = await setUp(t, { audience: ['a', 'b'] })
  t.equal(verifier.issuer, issuer)
  t.strictSame(verifier.audience, ['a', 'b'])
  t.throws(() => createVerifier({ ...options, algorithms: ['none'] }), TypeError)
})

t.test('a listener that fails changes no decision', async (t) => {
  const { options, token } = await setUp(t)
  const verifier = createVerifier({
    ...options,
    onEvent() {
      throw new Error('planted')
    },
  })
  t.equal(await codeOf(verifier.verify(await token())), 'accepted')
  t.equal(await codeOf(verifier.verify('x')), 'token_malformed')
})
