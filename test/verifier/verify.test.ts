import t from 'tap'
import { accessTokenClaims, codeOf, createSigningKey, metadataPath } from './test-issuer.ts'
import { next, setUp, setUpFollowed } from './verifier-setup.ts'

t.test('a good token is accepted and its claims are told', async (t) => {
  const { issuer, clock, verifier, token, requests, decisions } = await setUp(t)
  const { claims, header } = await verifier.verify(await token())
  t.strictSame(claims, accessTokenClaims(issuer, clock))
  t.strictSame(header, { alg: 'ES256', typ: 'at+jwt', kid: 'a' })
  t.strictSame(requests, [metadataPath, '/jwks'])
  t.strictSame(decisions(), [
    {
      type: 'accepted',
      kid: 'a',
      jti: 'the jti',
      client_id: 'app',
      sub: 'alice',
      sid: 'the session',
    },
  ])
})

t.test('each fault of a token has its code', async (t) => {
  const { clock, verifier, token, decisions } = await setUp(t, {
    scopes: ['orders:read'],
    claims: { client_id: 'app' },
  })
  const now = clock.seconds()
  const forger = await createSigningKey('ES256', { kid: 'a' })
  const rows: [code: string, jws: string][] = [
    ['token_missing', ''],
    ['token_missing', undefined as unknown as string],
    ['token_malformed', 'opaque'],
    ['token_malformed', 'x'.repeat(1_000_000)],
    ['token_type', await token({}, { typ: 'JWT' })],
    ['algorithm_refused', `${Buffer.from('{"alg":"none"}').toString('base64url')}.e30.`],
    ['algorithm_refused', await token({}, { kid: 'a' }, next)],
    ['key_unknown', await token({}, { kid: 'c' })],
    ['signature_invalid', await token({}, {}, forger)],
    ['issuer_mismatch', await token({ iss: 'https://other.example' })],
    ['audience_mismatch', await token({ aud: 'https://other.example' })],
    ['token_expired', await token({ exp: now - 5 })],
    ['token_not_yet_valid', await token({ nbf: now + 6 })],
    ['issued_in_future', await token({ iat: now + 6 })],
    ['claim_missing', await token({ exp: undefined })],
    ['claim_mismatch', await token({ client_id: 'other' })],
    ['scope_insufficient', await token({ scope: 'orders:write' })],
    ['binding_missing', await token({ cnf: { jkt: 'x' } })],
    ['accepted', await token()],
  ]
  for (const [code, jws] of rows) t.equal(await codeOf(verifier.verify(jws)), code)
  t.strictSame(
    decisions().map((event) => event.code ?? event.type),
    rows.map(([code]) => code),
    'and each decision is told',
  )
  t.strictSame(
    decisions().flatMap(({ type, code = type, sub }) => (sub === undefined ? [] : [code])),
    [
      'token_expired',
      'token_not_yet_valid',
      'issued_in_future',
      'claim_mismatch',
      'scope_insufficient',
      'binding_missing',
      'accepted',
    ],
    'whose token it is, once it is known to be of the issuer',
  )
})

t.test('a token without iat is accepted only where no revocations are followed', async (t) => {
  const { verifier, token } = await setUp(t)
  t.equal(await codeOf(verifier.verify(await token({ iat: undefined }))), 'accepted')
  const followed = await setUpFollowed(t)
  t.equal(
    await codeOf(followed.verifier.verify(await followed.token({ iat: undefined }))),
    'claim_missing',
  )
})

t.test('what is answered cannot be changed, as others will be answered the same', async (t) => {
  const { verifier, token } = await setUp(t)
  const jws = await token({ act: { sub: 'bob' }, amr: ['pwd'] })
  const { claims, header } = await verifier.verify(jws)
  t.throws(() => void (claims.sub = 'mallory'), TypeError)
  t.throws(() => claims.amr?.push('otp'), TypeError)
  t.throws(() => void (claims.act!['sub'] = 'mallory'), TypeError)
  t.throws(() => void (header.alg = 'none'), TypeError)
  t.equal((await verifier.verify(jws)).claims, claims)
})

t.test('a token that was seen before costs no signature, and is judged all the same', async (t) => {
  const { verifier, token, signatures, clock } = await setUpFollowed(t)
  const jws = await token()
  await verifier.verify(jws)
  t.equal(await codeOf(verifier.verify(jws, { scopes: ['orders:write'] })), 'accepted')
  t.equal(await codeOf(verifier.verify(jws, { scopes: ['admin'] })), 'scope_insufficient')
  t.equal(await codeOf(verifier.verify(jws, { claims: { sub: 'alice' } })), 'accepted')
  t.equal(await codeOf(verifier.verify(jws, { claims: { sub: 'bob' } })), 'claim_mismatch')
  t.match(await codeOf(verifier.verify(jws, { scheme: 'DPoP' })), /^binding_/)
  t.equal(signatures.checked, 1)
  t.equal(verifier.status().rememberedTokens, 1)
  clock.advance(604.999)
  t.equal(await codeOf(verifier.verify(jws)), 'accepted')
  clock.advance(0.001)
  t.equal(await codeOf(verifier.verify(jws)), 'token_expired')
  t.equal(signatures.checked, 1)
})

t.test('another spelling of a token is another token', async (t) => {
  const { verifier, token } = await setUp(t)
  const jws = await token()
  await verifier.verify(jws)
  for (const other of [`${jws}=`, ` ${jws}`, jws.toUpperCase(), `${jws}A`])
    t.match(await codeOf(verifier.verify(other)), /token_malformed|signature_invalid/)
})

t.test('tokens that are refused are not remembered', async (t) => {
  const { verifier, token, clock } = await setUp(t)
  const forger = await createSigningKey('ES256', { kid: 'a' })
  for (const jws of [
    'x.y.z',
    await token({}, {}, forger),
    await token({ aud: 'x' }),
    await token({ exp: clock.seconds() - 10 }),
  ])
    t.not(await codeOf(verifier.verify(jws)), 'accepted')
  t.equal(verifier.status().rememberedTokens, 0)
})

t.test('as many tokens are remembered as one likes, or none', async (t) => {
  const none = await setUpFollowed(t, { cacheSize: 0 })
  const jws = await none.token()
  await none.verifier.verify(jws)
  await none.verifier.verify(jws)
  t.equal(none.signatures.checked, 2)
  t.equal(none.verifier.status().rememberedTokens, 0)

  const two = await setUpFollowed(t, { cacheSize: 2 })
  for (const jti of ['1', '2', '3', '3']) await two.verifier.verify(await two.token({ jti }))
  t.equal(two.verifier.status().rememberedTokens, 2)
})

t.test('a revocation reaches tokens that were seen before, and no others', async (t) => {
  const { verifier, token, follower, clock, signatures, decisions } = await setUpFollowed(t)
  const [alice, bob] = [await token(), await token({ sub: 'bob', jti: 'another' })]
  await verifier.verify(alice)
  await verifier.verify(bob)
  t.equal(follower.calls.find, 2)
  await verifier.verify(alice)
  t.equal(follower.calls.find, 2, 'nothing changed')

  follower.revoke({ kind: 'user', id: 'alice', notBefore: clock.seconds() + 1 })
  t.equal(await codeOf(verifier.verify(alice)), 'token_revoked')
  t.equal(await codeOf(verifier.verify(bob)), 'accepted')
  t.equal(signatures.checked, 2)
  t.match(decisions().at(-2), { type: 'refused', code: 'token_revoked', sub: 'alice' })
  clock.advance(1)
  t.equal(await codeOf(verifier.verify(await token())), 'accepted', 'a new login counts')
  follower.revokeKey('a')
  t.equal(await codeOf(verifier.verify(bob)), 'key_revoked')
})

t.test('a token is revoked by anything that it belongs to', async (t) => {
  const { verifier, token, follower, clock } = await setUpFollowed(t)
  const ids = { client: 'app', user: 'alice', session: 'the session', grant: 'the grant' }
  let jti = 0
  for (const [kind, id] of Object.entries({ ...ids, everything: '' })) {
    const jws = await token({ jti: String((jti += 1)) })
    t.equal(await codeOf(verifier.verify(jws)), 'accepted')
    const notBefore = clock.seconds() + 1
    follower.revoke({ kind: kind as 'user', id, notBefore })
    t.equal(await codeOf(verifier.verify(jws)), 'token_revoked', kind)
    clock.advance(1)
  }
})

t.test('a key without kid in the token is revoked by the kid of the JWKS', async (t) => {
  const { verifier, token, follower } = await setUpFollowed(t)
  const jws = await token({}, { kid: undefined })
  t.equal(await codeOf(verifier.verify(jws)), 'accepted')
  follower.revokeKey('a')
  t.equal(await codeOf(verifier.verify(jws)), 'key_revoked')
})

t.test('while the feed is stale, the caller’s choice holds and is told', async (t) => {
  const refusing = await setUpFollowed(t)
  const jws = await refusing.token()
  await refusing.verifier.verify(jws)
  refusing.follower.set({ fresh: false })
  t.equal(await codeOf(refusing.verifier.verify(jws)), 'revocations_stale')
  await t.rejects(refusing.verifier.ready())
  refusing.follower.set({ fresh: true })
  t.equal(await codeOf(refusing.verifier.verify(jws)), 'accepted')

  const { verifier, token, follower, decisions } = await setUpFollowed(t, {
    whenStale: 'accept',
  })
  const other = await token()
  follower.set({ fresh: false })
  await verifier.verify(other)
  t.match(decisions(), [{ type: 'degraded', sub: 'alice' }])
})
