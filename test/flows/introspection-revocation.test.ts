/** The endpoints that tell whether a token counts, and that end it (RFC 7662, RFC 7009). */
import { decodeJwt } from 'jose'
import t from 'tap'
import {
  introspect,
  obtainTokens,
  post,
  refresh,
  signIn,
  toTokens,
  userinfo,
  type Party,
} from '../support/flow.ts'
import { createTestProvider } from '../support/provider.ts'
import { exchange, exchangeGrant } from '../support/token-exchange.ts'

const scope = 'openid email offline_access'
const invalidGrant = { status: 400, body: { error: 'invalid_grant' } }
const inactive = { active: false }

t.test('introspection and revocation', async (t) => {
  const provider = await createTestProvider(t)
  const { issuer } = provider
  const user = await provider.createUser()
  const browser = await signIn(provider)
  const client = await provider.createClient({ skip_consent: true })
  const other = await provider.createClient()
  const publicClient = await provider.createClient({
    skip_consent: true,
    token_endpoint_auth_method: 'none',
  })
  const obtain = (one = client) => obtainTokens(provider, browser, one, { scope })
  const revoke = (token: string, one: Parameters<typeof post>[2] = client, fields = {}) =>
    post(provider, '/revoke', one, { token, ...fields })
  const now = () => Math.floor(provider.clock.now().getTime() / 1000)

  t.test('introspection tells all about an access token, to any API (RFC 7662 §2.2)', async (t) => {
    const { access_token: token } = await obtain()
    for (const asking of [client, other])
      t.match(await introspect(provider, asking, token), {
        active: true,
        token_type: 'Bearer',
        iss: issuer,
        sub: user.sub,
        aud: issuer,
        client_id: client.clientId,
        scope,
        iat: now(),
        exp: now() + 600,
      })
  })

  t.test('introspection tells of a refresh token to its own client only', async (t) => {
    const { refresh_token: token } = await obtain()
    t.match(await introspect(provider, client, token), {
      active: true,
      sub: user.sub,
      client_id: client.clientId,
      scope,
    })
    t.strictSame(await introspect(provider, other, token), inactive)
  })

  t.test('introspection of a refresh token that its client may not use any more', async (t) => {
    const { clients } = provider.services
    const { refresh_token: token } = await obtain()
    const { scope: allowed, grant_types } = client.metadata
    for (const lost of [{ scope: 'openid' }, { grant_types: ['authorization_code'] }]) {
      await clients.update(client.clientId, lost)
      t.strictSame(await introspect(provider, client, token), inactive)
      await clients.update(client.clientId, { scope: allowed, grant_types })
      t.match(await introspect(provider, client, token), { active: true })
    }
  })

  t.test('introspection of anything else is inactive and nothing more (§2.2)', async (t) => {
    const { access_token: token, id_token: idToken } = await obtain()
    const [header, payload] = token.split('.')
    const altered = `${header}.${payload}.${'A'.repeat(342)}`
    for (const one of [idToken, altered, `${token}x`, 'x', 'a.b.c', '..', '✓'])
      t.strictSame(await introspect(provider, client, one), inactive)
    provider.clock.advance(600)
    t.strictSame(await introspect(provider, client, token), inactive, 'it has expired')
  })

  t.test('the access token of every grant is introspected and revoked alike', async (t) => {
    const service = await provider.createClient({
      redirect_uris: [],
      grant_types: ['client_credentials', exchangeGrant],
      token_exchange: {
        audiences: [issuer],
        delegation: 'none',
        subject_clients: [client.clientId],
      },
    })
    const tokens = await obtain()
    const credentials = { grant_type: 'client_credentials' }
    const all: [grant: string, owner: Party, token: string][] = [
      [
        'refresh_token',
        client,
        toTokens(await refresh(provider, client, tokens.refresh_token)).access_token,
      ],
      [
        'client_credentials',
        service,
        toTokens(await post(provider, '/token', service, credentials)).access_token,
      ],
      [
        'token-exchange',
        service,
        toTokens(await exchange(provider, service, { subject_token: tokens.access_token }))
          .access_token,
      ],
      ['authorization_code', client, tokens.access_token],
    ]
    for (const [grant, owner, token] of all) {
      const { clientId: client_id } = owner
      t.match(await introspect(provider, other, token), { active: true, client_id }, grant)
      t.equal((await revoke(token, owner)).status, 200, grant)
      t.strictSame(await introspect(provider, other, token), inactive, grant)
    }
  })

  t.test(
    'introspection tells what else a token says (RFC 8705 §3.2, 8693 §4.1, 9396 §9)',
    async (t) => {
      const said = {
        cnf: { 'x5t#S256': 'thumbprint' },
        act: { sub: 'actor' },
        authorization_details: [{ type: 'payment' }],
        acr: 'urn:mace:incommon:iap:silver',
      }
      const { access_token: token } = await obtain()
      const claims = { ...decodeJwt(token), ...said }
      const signed = await provider.services.keyring.sign('RS256', 'at+jwt', claims)
      t.match(await introspect(provider, client, signed), { active: true, ...said })
    },
  )

  t.test('introspection is for clients that authenticate (§2.1)', async (t) => {
    const { access_token: token } = await obtain()
    const strangers = [
      publicClient,
      { clientId: client.clientId, secret: 'wrong' },
      { clientId: 'unknown', secret: 'x' },
    ]
    for (const one of strangers)
      t.match(await post(provider, '/introspect', one, { token }), {
        status: 401,
        body: { error: 'invalid_client' },
      })
    const answer = await post(provider, '/introspect', client, {})
    t.match(answer, { status: 400, body: { error: 'invalid_request' } })
    t.equal(answer.headers.get('cache-control'), 'no-store')
  })

  t.test('a revoked access token dies alone (RFC 7009 §2.1)', async (t) => {
    const tokens = await obtain()
    const second = toTokens(await refresh(provider, client, tokens.refresh_token))
    const answer = await revoke(tokens.access_token)
    t.equal(answer.status, 200)
    t.strictSame(answer.body, {})
    t.equal((await userinfo(provider, tokens.access_token)).status, 401)
    t.strictSame(await introspect(provider, client, tokens.access_token), inactive)
    t.equal((await userinfo(provider, second.access_token)).status, 200)
    t.equal((await refresh(provider, client, second.refresh_token)).status, 200)
  })

  t.test('a revoked refresh token takes the access tokens of its grant along (§2.1)', async (t) => {
    for (const one of [client, publicClient]) {
      const [tokens, untouched] = [await obtain(one), await obtain(one)]
      const second = toTokens(await refresh(provider, one, tokens.refresh_token))
      t.equal((await revoke(second.refresh_token, one)).status, 200)
      for (const token of [tokens.refresh_token, second.refresh_token])
        t.match(await refresh(provider, one, token), invalidGrant)
      for (const token of [tokens.access_token, second.access_token])
        t.strictSame(await introspect(provider, client, token), inactive)
      t.equal((await userinfo(provider, untouched.access_token)).status, 200)
    }
  })

  t.test('a refresh token that was rotated long ago still ends its grant', async (t) => {
    const tokens = await obtain()
    const stolen = toTokens(await refresh(provider, client, tokens.refresh_token))
    provider.clock.advance(60)
    t.equal((await revoke(tokens.refresh_token)).status, 200)
    t.match(await refresh(provider, client, stolen.refresh_token), invalidGrant)
    t.equal((await userinfo(provider, stolen.access_token)).status, 401)
  })

  t.test("another client's token is not revoked (RFC 7009 §2.1)", async (t) => {
    const tokens = await obtain()
    for (const token of [tokens.access_token, tokens.refresh_token])
      for (const one of [other, publicClient])
        t.match(await revoke(token, one), { status: 400, body: { error: /^invalid_/ } })
    t.equal((await userinfo(provider, tokens.access_token)).status, 200)
    t.equal((await refresh(provider, client, tokens.refresh_token)).status, 200)
  })

  t.test('what is unknown, expired or revoked already is as good as revoked (§2.2)', async (t) => {
    const tokens = await obtain()
    for (let time = 0; time < 2; time += 1)
      for (const token of [tokens.access_token, tokens.refresh_token, 'x', 'a.b.c'])
        t.equal((await revoke(token)).status, 200)
    const expired = await obtain()
    provider.clock.advance(3600)
    t.equal((await revoke(expired.access_token)).status, 200)
  })

  t.test('token_type_hint is a hint: a wrong or unknown one does no harm (§2.1)', async (t) => {
    for (const hint of ['refresh_token', 'access_token', 'carrier_pigeon']) {
      const { access_token: token } = await obtain()
      t.match(
        await post(provider, '/introspect', client, { token, token_type_hint: hint }),
        { status: 200, body: { active: true } },
        hint,
      )
      t.equal((await revoke(token, client, { token_type_hint: hint })).status, 200)
      t.equal((await userinfo(provider, token)).status, 401)
    }
  })

  t.test('revocation needs the client to authenticate', async (t) => {
    const { refresh_token: token } = await obtain()
    for (const secret of ['wrong', ''])
      t.match(await revoke(token, { clientId: client.clientId, secret }), {
        status: 401,
        body: { error: 'invalid_client' },
      })
    t.equal((await refresh(provider, client, token)).status, 200)
    t.match(await post(provider, '/revoke', client, {}), {
      status: 400,
      body: { error: 'invalid_request' },
    })
  })
})
