/** Revoking a user by issue time: everything from before is refused at once, a new login works (ARCHITECTURE §3.4). */
import { decodeJwt } from 'jose'
import t, { type Test } from 'tap'
import {
  authorizationUrl,
  authorize,
  introspect,
  obtainTokens,
  redeem,
  refresh,
  signIn,
  userinfo,
  type Tokens,
} from '../support/flow.ts'
import { createTestProvider, password } from '../support/provider.ts'
import { createUserAgent } from '../support/user-agent.ts'

const scope = 'openid offline_access'
const act = { actor: 'ada' }
const invalidGrant = { status: 400, body: { error: 'invalid_grant' } }

t.test('revoking a user', async (t) => {
  const provider = await createTestProvider(t)
  const { revocations, accounts } = provider.services
  const user = await provider.createUser()
  const client = await provider.createClient({ skip_consent: true })
  const nowSeconds = () => Math.floor(provider.clock.now().getTime() / 1000)

  async function isRefused(t: Test, tokens: Tokens) {
    t.match(await userinfo(provider, tokens.access_token), {
      status: 401,
      body: { error: 'invalid_token' },
    })
    t.strictSame(await introspect(provider, client, tokens.access_token), { active: false })
    t.strictSame(await introspect(provider, client, tokens.refresh_token), { active: false })
    t.match(await refresh(provider, client, tokens.refresh_token), invalidGrant)
  }

  async function works(t: Test, tokens: Tokens) {
    t.match(await userinfo(provider, tokens.access_token), { status: 200, body: { sub: user.sub } })
    t.match(await introspect(provider, client, tokens.access_token), { active: true })
    t.match(await introspect(provider, client, tokens.refresh_token), { active: true })
    t.equal((await refresh(provider, client, tokens.refresh_token)).status, 200)
  }

  for (const [word, milliseconds] of [
    ['at the start of a second', 0],
    ['in the middle of a second', 500],
    ['in its last millisecond', 999],
  ] as const)
    t.test(`${word} refuses what was issued in that second too`, async (t) => {
      provider.clock.set(new Date((nowSeconds() + 100) * 1000 + milliseconds))
      const browser = await signIn(provider)
      const tokens = await obtainTokens(provider, browser, client, { scope })
      await revocations.revokeUser(user.sub, act)
      const notBefore = nowSeconds() + 1
      await isRefused(t, tokens)
      t.match(await authorize(provider, browser, client, { prompt: 'none' }), {
        error: 'login_required',
      })

      const again = await obtainTokens(provider, await signIn(provider), client, { scope })
      for (const token of [again.access_token, again.id_token]) {
        const { iat } = decodeJwt(token)
        t.ok(Number(iat) >= notBefore, 'not from before')
        t.ok(Number(iat) <= provider.clock.now().getTime() / 1000, 'not from the future')
      }
      await works(t, again)
      await isRefused(t, tokens)
    })

  t.test("ends every browser's session and a code that was not redeemed yet", async (t) => {
    provider.clock.advance(100)
    const browsers = [await signIn(provider), await signIn(provider)]
    const { code } = await authorize(provider, browsers[0]!, client, { scope })
    await revocations.revokeUser(user.sub, act)
    for (const browser of browsers)
      t.match((await browser.open(authorizationUrl(provider, client))).url, '/login?')
    t.match(await redeem(provider, client, code), invalidGrant)
    provider.clock.advance(1)
    t.match(await redeem(provider, client, code), invalidGrant)
  })

  t.test('twice in one second changes nothing for what came after the first', async (t) => {
    provider.clock.advance(100)
    await revocations.revokeUser(user.sub, act)
    await revocations.revokeUser(user.sub, act)
    await works(t, await obtainTokens(provider, await signIn(provider), client, { scope }))
  })

  t.test('leaves everybody else alone', async (t) => {
    provider.clock.advance(100)
    await provider.createUser({ email: 'bob@example.com' })
    const bob = await signIn(provider, createUserAgent(provider.issuer), 'bob@example.com')
    const tokens = await obtainTokens(provider, bob, client, { scope })
    await revocations.revokeUser(user.sub, act)
    t.equal((await userinfo(provider, tokens.access_token)).status, 200)
    t.equal((await refresh(provider, client, tokens.refresh_token)).status, 200)
    t.ok((await authorize(provider, bob, client, { prompt: 'none' }))['code'])
  })

  t.test('disabled, the user cannot sign in, and nobody learns why', async (t) => {
    provider.clock.advance(100)
    const browser = await signIn(provider)
    const tokens = await obtainTokens(provider, browser, client, { scope })
    await accounts.disable(user.sub)
    await isRefused(t, tokens)
    t.match(await authorize(provider, browser, client, { prompt: 'none' }), {
      error: 'login_required',
    })
    const stranger = createUserAgent(provider.issuer)
    const login = await stranger.open(`${provider.issuer}/login`)
    const attempt = async (username: string, secret: string) => {
      const { status, html } = await stranger.submit(login, { username, password: secret })
      return { status, html: html.replaceAll(username, '') }
    }
    const refused = await attempt('alice@example.com', password)
    t.equal(refused.status, 401)
    t.strictSame(refused, await attempt('alice@example.com', 'wrong'))
    t.strictSame(refused, await attempt('nobody@example.com', password))
  })

  t.test('enabled again, the user signs in, and what was refused stays refused', async (t) => {
    await accounts.enable(user.sub)
    const browser = await signIn(provider)
    const tokens = await obtainTokens(provider, browser, client, { scope })
    await accounts.disable(user.sub)
    await revocations.revokeUser(user.sub, act)
    provider.clock.advance(60)
    await accounts.enable(user.sub)
    await isRefused(t, tokens)
    t.match(await authorize(provider, browser, client, { prompt: 'none' }), {
      error: 'login_required',
    })
    await works(t, await obtainTokens(provider, await signIn(provider), client, { scope }))
  })

  t.test('a user who is deleted is gone from every endpoint', async (t) => {
    provider.clock.advance(100)
    const browser = await signIn(provider)
    const tokens = await obtainTokens(provider, browser, client, { scope })
    await accounts.delete(user.sub)
    await isRefused(t, tokens)
    t.match((await browser.open(authorizationUrl(provider, client))).url, '/login?')
  })
})
