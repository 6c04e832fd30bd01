/** What stands in the tokens: no more than was asked for (OpenID Connect Core §2, §5.4, RFC 9068 §2.2). */
import { createRemoteJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose'
import t from 'tap'
import { obtainTokens, refresh, signIn, toTokens, userinfo } from '../support/flow.ts'
import { createTestProvider } from '../support/provider.ts'

/** Golden JSON is compared with what differs from run to run under one name. */
function masked(claims: object): Record<string, unknown> {
  const unique = new Set(['jti', 'sid', 'grant_id'])
  return Object.fromEntries(
    Object.entries(claims).map(([name, value]) => [
      name,
      unique.has(name) && /^[\da-f-]{36}$/.test(String(value)) ? 'a UUID' : value,
    ]),
  )
}

t.test('tokens', async (t) => {
  const provider = await createTestProvider(t)
  const { issuer } = provider
  const user = await provider.createUser({
    username: 'alice',
    emailVerified: true,
    claims: {
      name: 'Alice Liddell',
      locale: 'en-GB',
      address: { country: 'GB' },
      phone_number: '+44 20 7946 0000',
      phone_number_verified: false,
      roles: ['admin', 'editor'],
      department: { id: 7, name: 'Wonder' },
    },
  })
  const browser = await signIn(provider)
  provider.clock.advance(5)
  const scope = 'openid profile email address phone offline_access roles department'
  const client = await provider.createClient({ skip_consent: true, scope })
  const es256 = await provider.createClient({
    skip_consent: true,
    scope,
    id_token_signed_response_alg: 'ES256',
    custom_claims: { tenant: 'acme', limits: { daily: 10 } },
  })
  const now = Math.floor(provider.clock.now().getTime() / 1000)

  t.test('the claims of an ID token (OpenID Connect Core §2)', async (t) => {
    const tokens = await obtainTokens(provider, browser, client, {
      scope: 'openid profile email roles',
    })
    t.strictSame(masked(decodeJwt(tokens.id_token)), {
      roles: ['admin', 'editor'],
      iss: issuer,
      sub: user.sub,
      aud: client.clientId,
      exp: now + 600,
      iat: now,
      auth_time: now - 5,
      acr: 'urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport',
      amr: ['pwd'],
      sid: 'a UUID',
      nonce: 'the nonce',
    })
  })

  t.test('the claims of an access token (RFC 9068 §2.2)', async (t) => {
    const tokens = await obtainTokens(provider, browser, client, {
      scope: 'openid profile email roles',
    })
    t.equal(tokens.expires_in, 600)
    t.equal(tokens.scope, 'openid profile email roles')
    t.strictSame(masked(decodeJwt(tokens.access_token)), {
      roles: ['admin', 'editor'],
      iss: issuer,
      sub: user.sub,
      aud: issuer,
      exp: now + 600,
      iat: now,
      jti: 'a UUID',
      client_id: client.clientId,
      scope: 'openid profile email roles',
      auth_time: now - 5,
      acr: 'urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport',
      amr: ['pwd'],
      sid: 'a UUID',
      grant_id: 'a UUID',
    })
  })

  t.test('there is no nonce where none was sent, and every jti is its own', async (t) => {
    const [one, other] = [
      await obtainTokens(provider, browser, client, { nonce: undefined }),
      await obtainTokens(provider, browser, client),
    ]
    t.notOk('nonce' in decodeJwt(one.id_token))
    t.not(decodeJwt(one.access_token).jti, decodeJwt(other.access_token).jti)
    t.equal(decodeJwt(one.access_token)['sid'], decodeJwt(other.access_token)['sid'])
  })

  t.test('a custom claim comes only with the scope of its name', async (t) => {
    const without = await obtainTokens(provider, browser, client, { scope: 'openid profile' })
    const all = await obtainTokens(provider, browser, client, { scope })
    for (const name of ['roles', 'department']) {
      for (const token of [without.access_token, without.id_token])
        t.notOk(name in decodeJwt(token))
      for (const token of [all.access_token, all.id_token]) t.ok(name in decodeJwt(token))
    }
    t.notOk('roles' in (await userinfo(provider, without.access_token)).body)
    t.strictSame((await userinfo(provider, all.access_token)).body['roles'], ['admin', 'editor'])
    const narrowed = toTokens(
      await refresh(provider, client, all.refresh_token, { scope: 'openid roles' }),
    )
    t.notOk('department' in decodeJwt(narrowed.access_token))
    t.notOk('department' in decodeJwt(narrowed.id_token))
  })

  t.test("a client's own custom_claims are in its access tokens", async (t) => {
    const tokens = await obtainTokens(provider, browser, es256)
    t.match(decodeJwt(tokens.access_token), { tenant: 'acme', limits: { daily: 10 } })
    t.notOk('tenant' in decodeJwt(tokens.id_token))
  })

  t.test('profile, email, address and phone come from userinfo only (Core §5.4)', async (t) => {
    const tokens = await obtainTokens(provider, browser, client, { scope })
    for (const token of [tokens.access_token, tokens.id_token])
      for (const name of ['name', 'email', 'address', 'phone_number', 'preferred_username'])
        t.notOk(name in decodeJwt(token), name)
    const answer = await userinfo(provider, tokens.access_token)
    t.equal(answer.headers.get('cache-control'), 'no-store')
    t.strictSame(answer.body, {
      roles: ['admin', 'editor'],
      department: { id: 7, name: 'Wonder' },
      name: 'Alice Liddell',
      preferred_username: 'alice',
      locale: 'en-GB',
      updated_at: Math.floor(user.updatedAt.getTime() / 1000),
      email: 'alice@example.com',
      email_verified: true,
      address: { country: 'GB' },
      phone_number: '+44 20 7946 0000',
      phone_number_verified: false,
      sub: user.sub,
    })
    const least = await obtainTokens(provider, browser, client)
    t.strictSame((await userinfo(provider, least.access_token)).body, { sub: user.sub })
  })

  t.test('every header names a key of the JWKS that verifies it, RS256 or ES256', async (t) => {
    const keys = createRemoteJWKSet(new URL(`${issuer}/.well-known/jwks.json`))
    for (const [party, alg] of [
      [client, 'RS256'],
      [es256, 'ES256'],
    ] as const) {
      const tokens = await obtainTokens(provider, browser, party)
      const currentDate = provider.clock.now()
      const expected = [
        [tokens.access_token, 'at+jwt', issuer],
        [tokens.id_token, 'JWT', party.clientId],
      ] as const
      for (const [token, typ, audience] of expected) {
        const options = { issuer, audience, typ, algorithms: [alg], currentDate }
        const { protectedHeader } = await jwtVerify(token, keys, options)
        t.strictSame(Object.keys(protectedHeader), ['alg', 'typ', 'kid'])
        t.match(protectedHeader, { alg, typ, kid: /^[\w-]{43}$/ })
      }
    }
  })

  t.test('signed by a key that was rotated out, they verify until they expire', async (t) => {
    const tokens = await obtainTokens(provider, browser, client)
    await provider.services.rotation.rotate({ algorithms: ['RS256'], force: true, actor: 'ada' })
    await provider.services.keyring.load()
    const newer = await obtainTokens(provider, browser, client)
    const [before, after] = [tokens, newer].map((one) => decodeProtectedHeader(one.id_token).kid)
    t.not(after, before)
    const keys = createRemoteJWKSet(new URL(`${issuer}/.well-known/jwks.json`))
    for (const token of [tokens.id_token, newer.id_token])
      await t.resolves(jwtVerify(token, keys, { currentDate: provider.clock.now() }))
    t.equal((await userinfo(provider, tokens.access_token)).status, 200)
  })
})
