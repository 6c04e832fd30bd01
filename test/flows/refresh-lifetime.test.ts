/** How long refresh tokens go on, and who gets one (RFC 6749 §1.5, OpenID Connect Core §11). */
import t from 'tap'
import {
  authorize,
  introspect,
  obtainTokens,
  redeem,
  refresh,
  signIn,
  toTokens,
} from '../support/flow.ts'
import { createTestProvider } from '../support/provider.ts'

const day = 86_400
const scope = 'openid offline_access'
const invalidGrant = { status: 400, body: { error: 'invalid_grant' } }

t.test('a refresh token', async (t) => {
  const provider = await createTestProvider(t)
  await provider.createUser()
  const client = await provider.createClient({ skip_consent: true })
  const obtain = async (one = client, changes = {}) =>
    obtainTokens(provider, await signIn(provider), one, { scope, ...changes })

  t.test('dies after 30 days without use', async (t) => {
    const [idle, used] = [await obtain(), await obtain()]
    provider.clock.advance(30 * day - 1)
    const { refresh_token: next } = toTokens(await refresh(provider, client, used.refresh_token))
    provider.clock.advance(1)
    t.match(await refresh(provider, client, idle.refresh_token), invalidGrant)
    t.strictSame(await introspect(provider, client, idle.refresh_token), { active: false })
    provider.clock.advance(30 * day - 2)
    t.equal((await refresh(provider, client, next)).status, 200)
  })

  t.test('dies 180 days after the sign-in, however often it was used', async (t) => {
    let { refresh_token: token } = await obtain()
    for (const days of [29, 29, 29, 29, 29, 29, 5]) {
      provider.clock.advance(days * day)
      token = toTokens(await refresh(provider, client, token)).refresh_token
    }
    provider.clock.advance(day - 1)
    token = toTokens(await refresh(provider, client, token)).refresh_token
    provider.clock.advance(1)
    t.match(await refresh(provider, client, token), invalidGrant)
  })

  t.test('outlives the browser session: that is what offline_access means', async (t) => {
    const browser = await signIn(provider)
    const tokens = await obtainTokens(provider, browser, client, { scope })
    provider.clock.advance(day)
    t.match(await authorize(provider, browser, client, { prompt: 'none' }), {
      error: 'login_required',
    })
    t.equal((await refresh(provider, client, tokens.refresh_token)).status, 200)
  })

  t.test('is not given without the scope offline_access (OpenID Connect Core §11)', async (t) => {
    t.notOk('refresh_token' in (await obtain(client, { scope: 'openid email' })))
  })

  t.test('is not given to a client that is not registered for the grant', async (t) => {
    const without = await provider.createClient({
      skip_consent: true,
      grant_types: ['authorization_code'],
      scope: 'openid offline_access',
    })
    const browser = await signIn(provider)
    const { code } = await authorize(provider, browser, without, { scope })
    const answer = await redeem(provider, without, code)
    t.equal(answer.status, 200)
    t.notOk('refresh_token' in answer.body)
    const { refresh_token: token } = await obtain()
    t.match(await refresh(provider, without, token), {
      status: 400,
      body: { error: 'unauthorized_client' },
    })
  })

  t.test('needs its client to authenticate (RFC 6749 §6)', async (t) => {
    const { refresh_token: token } = await obtain()
    for (const secret of ['wrong', ''])
      t.match(await refresh(provider, { clientId: client.clientId, secret }, token), {
        status: 401,
        body: { error: 'invalid_client' },
      })
    t.equal((await refresh(provider, client, token)).status, 200)
  })

  t.test('dies with its client', async (t) => {
    const doomed = await provider.createClient({ skip_consent: true })
    const { refresh_token: token } = await obtain(doomed)
    await provider.services.clients.delete(doomed.clientId)
    t.match(await refresh(provider, doomed, token), {
      status: 401,
      body: { error: 'invalid_client' },
    })
  })
})
