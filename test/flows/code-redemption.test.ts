/** What an authorization code is good for: once, soon, by its client, as it was asked for (RFC 6749 §4.1.2, §4.1.3). */
import { decodeJwt } from 'jose'
import t from 'tap'
import {
  authorize,
  introspect,
  redeem,
  refresh,
  signIn,
  toTokens,
  userinfo,
} from '../support/flow.ts'
import { createTestProvider, redirectUri } from '../support/provider.ts'

const invalidGrant = { status: 400, body: { error: 'invalid_grant' } }

t.test('an authorization code', async (t) => {
  const provider = await createTestProvider(t)
  await provider.createUser()
  const browser = await signIn(provider)
  const client = await provider.createClient({ skip_consent: true })
  const publicClient = await provider.createClient({
    skip_consent: true,
    token_endpoint_auth_method: 'none',
  })
  const codeFor = async (one: typeof client, changes = {}) => {
    const { code } = await authorize(provider, browser, one, changes)
    return code ?? ''
  }

  t.test('gives tokens that no cache may keep (RFC 6749 §5.1)', async (t) => {
    const answer = await redeem(provider, client, await codeFor(client))
    t.equal(answer.status, 200)
    t.equal(answer.headers.get('cache-control'), 'no-store')
    t.match(answer.headers.get('content-type'), /^application\/json/)
    t.match(answer.body, { token_type: 'Bearer', expires_in: 600, scope: 'openid' })
  })

  t.test('without any scope gives a token without one (RFC 6749 §3.3)', async (t) => {
    const { body } = await redeem(provider, client, await codeFor(client, { scope: undefined }))
    t.equal(body['token_type'], 'Bearer')
    t.not(body['scope'], '', 'the empty text is no scope')
    t.notOk('scope' in decodeJwt(String(body['access_token'])))
  })

  t.test('gives no scope that its client may not ask for any more', async (t) => {
    const own = await provider.createClient({ skip_consent: true })
    const code = await codeFor(own, { scope: 'openid profile offline_access' })
    await provider.services.clients.update(own.clientId, { scope: 'openid' })
    const tokens = toTokens(await redeem(provider, own, code))
    t.equal(tokens.scope, 'openid')
    t.notOk('refresh_token' in tokens)
  })

  t.test('must come with the redirect_uri of its request (RFC 6749 §4.1.3)', async (t) => {
    const code = await codeFor(client)
    for (const wrong of [`${redirectUri}/`, redirectUri.toUpperCase(), undefined]) {
      const answer = await redeem(provider, client, code, { redirect_uri: wrong })
      t.match(answer, invalidGrant)
      t.match(answer.body['error_description'], /redirect_uri/)
    }
    t.equal((await redeem(provider, client, code)).status, 200)
  })

  t.test('is refused to another client, and stays good for its own', async (t) => {
    const other = await provider.createClient()
    const code = await codeFor(client)
    t.match(await redeem(provider, other, code), invalidGrant)
    t.match(await redeem(provider, publicClient, code), invalidGrant)
    t.equal((await redeem(provider, client, code)).status, 200)
    t.match(await redeem(provider, other, code), invalidGrant, 'and nobody else can end its grant')
  })

  t.test('expires after 60 seconds', async (t) => {
    const [late, inTime] = [await codeFor(client), await codeFor(client)]
    provider.clock.advance(59)
    t.equal((await redeem(provider, client, inTime)).status, 200)
    provider.clock.advance(1)
    t.match(await redeem(provider, client, late), invalidGrant)
  })

  t.test('that is unknown is refused, a missing one is invalid_request', async (t) => {
    t.match(await redeem(provider, client, 'unknown'), invalidGrant)
    t.match(await redeem(provider, client, undefined), {
      status: 400,
      body: { error: 'invalid_request', error_description: /'code' is missing/ },
    })
  })

  t.test('used twice is refused and revokes its tokens (RFC 6749 §4.1.2)', async (t) => {
    for (const party of [client, publicClient]) {
      const code = await codeFor(party, { scope: 'openid offline_access' })
      const tokens = toTokens(await redeem(provider, party, code))
      t.equal((await userinfo(provider, tokens.access_token)).status, 200)
      const { refresh_token: second } = toTokens(
        await refresh(provider, party, tokens.refresh_token),
      )

      t.match(await redeem(provider, party, code), invalidGrant)
      t.match(await userinfo(provider, tokens.access_token), {
        status: 401,
        body: { error: 'invalid_token' },
      })
      t.strictSame(await introspect(provider, client, tokens.access_token), { active: false })
      t.match(await refresh(provider, party, tokens.refresh_token), invalidGrant)
      t.match(await refresh(provider, party, second), invalidGrant)
    }
  })

  t.test('used twice does not touch what other codes gave', async (t) => {
    const mine = toTokens(await redeem(provider, client, await codeFor(client)))
    const code = await codeFor(client)
    await redeem(provider, client, code)
    await redeem(provider, client, code)
    t.match(await introspect(provider, client, mine.access_token), { active: true })
  })

  t.test('redeemed many times at once has one winner (RFC 6749 §4.1.2)', async (t) => {
    for (let round = 0; round < 5; round += 1) {
      const code = await codeFor(client, { scope: 'openid offline_access' })
      const answers = await Promise.all(
        Array.from({ length: 4 }, () => redeem(provider, client, code)),
      )
      const winners = answers.filter(({ status }) => status === 200)
      t.equal(winners.length, 1)
      t.equal(answers.filter(({ body }) => body['error'] === 'invalid_grant').length, 3)
      const { access_token: accessToken, refresh_token: token } = toTokens(winners[0]!)
      t.strictSame(await introspect(provider, client, accessToken), { active: false })
      t.match(await refresh(provider, client, token), invalidGrant, 'and the rest was a replay')
    }
  })

  t.test('is good for a client that may use the grant only', async (t) => {
    const service = await provider.createClient({
      grant_types: ['client_credentials'],
      redirect_uris: [],
    })
    t.match(await redeem(provider, service, 'any'), {
      status: 400,
      body: { error: 'unauthorized_client' },
    })
  })
})
