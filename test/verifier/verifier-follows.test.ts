/** A whole verifier with its follower: what the feed says decides about tokens. */
import t, { type Test } from 'tap'
import type { VerifierEvent } from '../../src/verifier/events.ts'
import type { FollowOptions } from '../../src/verifier/follow-options.ts'
import { createVerifier, type Verifier, type VerifierOptions } from '../../src/verifier/verifier.ts'
import { createFeedKey } from './feed-issuer.ts'
import { createFeedServer } from './feed-server.ts'
import { createTestTime, until } from './test-time.ts'

const audience = 'https://api.example'

async function setUp(
  t: Test,
  options: FollowOptions = {},
  verifierOptions: Partial<VerifierOptions> = {},
) {
  const time = createTestTime()
  const server = await createFeedServer(t, time)
  const events: VerifierEvent[] = []
  const verifier = createVerifier({
    ...time,
    issuer: server.issuer,
    audience,
    revocations: { public: true, ...options },
    onEvent: (event) => void events.push(event),
    ...verifierOptions,
  })
  t.teardown(() => verifier.close())
  const token = (claims: object = {}) => {
    const iat = Math.floor(time.trueNow() / 1000)
    const all = { iss: server.issuer, aud: audience, iat, exp: iat + 300, sub: 'U', ...claims }
    return server.sign(all, { typ: 'at+jwt' })
  }
  return { time, server, verifier, events, token }
}

function countOf(verifier: Verifier): number | undefined {
  const { revocations } = verifier.status()
  return revocations === 'off' ? undefined : revocations.count
}

t.test('a revocation refuses what was issued before, at once, and nothing else', async (t) => {
  const { time, server, verifier, token } = await setUp(t)
  await verifier.ready()
  await until(() => server.streams.length === 1)
  const mine = await token()
  const others = await token({ sub: 'V' })
  await verifier.verify(mine)
  await server.revoke({ kind: 'user', id: 'U' })
  await server.streams[0]!.send()
  await until(() => countOf(verifier) === 1)
  await t.rejects(verifier.verify(mine), { code: 'token_revoked' })
  await verifier.verify(others)
  time.advance(1_000)
  await verifier.verify(await token())
})

t.test('a token goes with whatever it was exchanged for (RFC 8693)', async (t) => {
  const { server, verifier, token } = await setUp(t)
  await verifier.ready()
  await until(() => server.streams.length === 1)
  const exchanged = (parts: object) => token({ exchanged_from: [{ client_id: 'C' }, parts] })
  const [gone, good] = [await exchanged({ jti: 'J' }), await exchanged({ jti: 'K' })]
  await verifier.verify(gone)
  await server.revoke({ kind: 'token', id: 'J' })
  await server.streams[0]!.send()
  await until(() => countOf(verifier) === 1)
  await t.rejects(verifier.verify(gone), { code: 'token_revoked' })
  await verifier.verify(good)
})

t.test('a revoked key refuses all that it signed', async (t) => {
  const { time, server, verifier, events, token } = await setUp(t)
  const mine = await token()
  await verifier.ready()
  await verifier.verify(mine)
  await until(() => events.some(({ detail }) => detail === 'stream'))
  server.keys.push(await createFeedKey('key-2'))
  time.advance(20_000) // past the pause before the JWKS is looked at for a new kid
  await server.revoke({ kind: 'key', id: 'key-1', notBefore: 253_402_214_400 })
  await server.streams[0]!.send()
  await until(() => countOf(verifier) === 1)
  await t.rejects(verifier.verify(mine), { code: 'key_revoked' })
})

t.test('without the feed nothing is accepted for longer than its greatest age', async (t) => {
  for (const whenStale of ['refuse', 'accept'] as const) {
    const { time, server, verifier, events, token } = await setUp(t, { whenStale, mode: 'poll' })
    await server.revoke({ kind: 'session', id: 'S' })
    await verifier.ready()
    server.intercept = (_, response) => {
      response.destroy()
      return true
    }
    time.advance(58_000)
    await verifier.verify(await token())
    time.advance(1_001)
    await t.rejects(verifier.verify(await token({ iat: 1_000, sid: 'S' })), {
      code: 'token_revoked',
    })
    if (whenStale === 'refuse')
      await t.rejects(verifier.verify(await token()), { code: 'revocations_stale' })
    else await verifier.verify(await token())
    t.equal(events.filter(({ type }) => type === 'degraded').length, whenStale === 'accept' ? 1 : 0)
    server.intercept = () => false
    time.advance(1_000)
    await verifier.verify(await token())
  }
})

t.test('which algorithms are welcome for tokens says nothing of the feed', async (t) => {
  const { verifier, token } = await setUp(t, {}, { algorithms: ['ES256'] })
  await verifier.ready()
  await t.rejects(verifier.verify(await token()), { code: 'algorithm_refused' })
})
