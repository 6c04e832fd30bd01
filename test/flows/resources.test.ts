/** Tokens for registered APIs: their audience, lifetime, algorithm and scopes (RFC 8707). */
import { decodeJwt, decodeProtectedHeader } from 'jose'
import t from 'tap'
import {
  authorize,
  introspect,
  obtainTokens,
  redeem,
  refresh,
  signIn,
  toTokens,
  userinfo,
} from '../support/flow.ts'
import { createTestProvider } from '../support/provider.ts'

const orders = 'https://orders.example'
const stock = 'https://stock.example/v1'
const signed = 'urn:example:es256'
const scope = 'openid offline_access orders:read orders:write stock:read'

const algOf = (token: string) => decodeProtectedHeader(token).alg

t.test('resources', async (t) => {
  const provider = await createTestProvider(t)
  const { issuer } = provider
  await provider.createUser()
  const browser = await signIn(provider)
  const client = await provider.createClient({ skip_consent: true, scope })
  const { resources } = provider.services
  await resources.create({
    resource: orders,
    name: 'Orders',
    scopes: ['orders:read', 'orders:write'],
    access_token_ttl_seconds: 60,
  })
  await resources.create({ resource: stock, name: 'Stock', access_token_ttl_seconds: 3600 })
  await resources.create({
    resource: signed,
    name: 'Signed',
    access_token_signed_response_alg: 'ES256',
  })
  const obtain = (changes: object) => obtainTokens(provider, browser, client, { scope, ...changes })

  t.test('without one, the token is for the default audience', async (t) => {
    t.equal(decodeJwt((await obtain({})).access_token).aud, issuer)
  })

  t.test('one resource is the aud, with its lifetime and the scopes it knows', async (t) => {
    const tokens = await obtain({ resource: orders })
    t.equal(tokens.expires_in, 60)
    t.equal(tokens.scope, 'openid offline_access orders:read orders:write')
    const { aud, iat, exp, scope: granted } = decodeJwt(tokens.access_token)
    t.equal(aud, orders)
    t.equal(exp, Number(iat) + 60)
    t.equal(granted, tokens.scope)
  })

  t.test('several resources are an array, with the shortest of their lifetimes', async (t) => {
    const tokens = await obtain({ resource: [orders, stock, orders] })
    t.strictSame(decodeJwt(tokens.access_token).aud, [orders, stock])
    t.equal(tokens.expires_in, 60)
    t.equal(tokens.scope, scope, 'the second one knows every scope')
  })

  t.test('the resource says how its tokens are signed, whatever the client wants', async (t) => {
    const es256 = await provider.createClient({
      skip_consent: true,
      id_token_signed_response_alg: 'ES256',
    })
    const mine = await obtain({ resource: signed })
    t.equal(algOf(mine.access_token), 'ES256')
    t.equal(algOf(mine.id_token), 'RS256')
    await resources.update(stock, { access_token_signed_response_alg: 'RS256' })
    const theirs = await obtainTokens(provider, browser, es256, { resource: stock })
    t.equal(algOf(theirs.access_token), 'RS256')
    t.equal(algOf(theirs.id_token), 'ES256')
    await resources.update(stock, { access_token_signed_response_alg: null })
  })

  t.test('an unknown one is invalid_target, at once and at the client (RFC 8707 §2)', async (t) => {
    for (const resource of ['https://unknown.example', `${orders}/`, 'not a uri', `${orders}#x`])
      t.match(await authorize(provider, browser, client, { resource: [orders, resource] }), {
        error: 'invalid_target',
        state: 'the state',
        iss: issuer,
      })
  })

  t.test('the token request may narrow them, not widen (RFC 8707 §2.2)', async (t) => {
    const { code } = await authorize(provider, browser, client, {
      scope,
      resource: [orders, stock],
    })
    for (const resource of ['https://unknown.example', signed])
      t.match(await redeem(provider, client, code, { resource }), {
        status: 400,
        body: { error: 'invalid_target' },
      })
    const tokens = toTokens(await redeem(provider, client, code, { resource: orders }))
    t.equal(decodeJwt(tokens.access_token).aud, orders)

    const refused = await refresh(provider, client, tokens.refresh_token, { resource: signed })
    t.match(refused, { status: 400, body: { error: 'invalid_target' } })
    const other = toTokens(
      await refresh(provider, client, tokens.refresh_token, { resource: stock }),
    )
    t.equal(decodeJwt(other.access_token).aud, stock, 'the grant still reaches what it gave')
    const both = toTokens(await refresh(provider, client, other.refresh_token))
    t.strictSame(decodeJwt(both.access_token).aud, [orders, stock])
  })

  t.test(
    'differently signed ones are granted together, tokens asked for each (§2.2)',
    async (t) => {
      const resource = [stock, signed]
      const { code, error } = await authorize(provider, browser, client, { scope, resource })
      t.equal(error, undefined)
      t.match(await redeem(provider, client, code), {
        status: 400,
        body: { error: 'invalid_target' },
      })
      const tokens = toTokens(await redeem(provider, client, code, { resource: stock }))
      const other = toTokens(
        await refresh(provider, client, tokens.refresh_token, { resource: signed }),
      )
      t.equal(algOf(other.access_token), 'ES256')
    },
  )

  t.test('a token for an API is none for userinfo; one for both is', async (t) => {
    const api = await obtain({ resource: orders })
    t.match(await userinfo(provider, api.access_token), {
      status: 401,
      body: { error: 'invalid_token' },
    })
    t.match(await introspect(provider, client, api.access_token), { active: true, aud: orders })
    const both = await obtain({ resource: [orders, issuer] })
    t.equal((await userinfo(provider, both.access_token)).status, 200)
  })

  t.test(
    'one that was deleted meanwhile is refused, and the refresh token not used up',
    async (t) => {
      const gone = 'https://gone.example'
      await resources.create({ resource: gone, name: 'Gone' })
      const { refresh_token: token } = await obtain({ resource: [gone, stock] })
      await resources.delete(gone)
      const refused = { status: 400, body: { error: 'invalid_target' } }
      t.match(await refresh(provider, client, token), refused)
      provider.clock.advance(60)
      t.match(await refresh(provider, client, token), refused)
      const tokens = toTokens(await refresh(provider, client, token, { resource: stock }))
      t.equal(decodeJwt(tokens.access_token).aud, stock)
    },
  )

  t.test('a family whose only one was deleted keeps its refresh token', async (t) => {
    const gone = 'https://only.example'
    await resources.create({ resource: gone, name: 'Only' })
    const { refresh_token: token } = await obtain({ resource: gone })
    await resources.delete(gone)
    const refused = { status: 400, body: { error: 'invalid_target', error_description: gone } }
    for (const _ of [1, 2]) {
      t.match(await refresh(provider, client, token), refused)
      provider.clock.advance(60)
    }
    await resources.create({ resource: gone, name: 'There again' })
    const tokens = toTokens(await refresh(provider, client, token))
    t.equal(decodeJwt(tokens.access_token).aud, gone, 'nothing was lost')
    const own = await obtain({ resource: issuer })
    const again = toTokens(await refresh(provider, client, own.refresh_token))
    t.equal(decodeJwt(again.access_token).aud, issuer, 'our own audience is always there')
  })
})
