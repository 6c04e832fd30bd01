/** The end of a session (OpenID Connect RP-Initiated Logout §2, §3, §4). */
import { decodeJwt, decodeProtectedHeader } from 'jose'
import t, { type Test } from 'tap'
import {
  authorize,
  encode,
  obtainTokens,
  redeem,
  refresh,
  signIn,
  toTokens,
  userinfo,
  type Fields,
} from '../support/flow.ts'
import { createTestProvider } from '../support/provider.ts'
import { createUserAgent, formOf, type UserAgent } from '../support/user-agent.ts'

const goodbye = 'https://app.example/goodbye?from=op'

t.test('logout', async (t) => {
  const provider = await createTestProvider(t)
  await provider.createUser()
  await provider.createUser({ email: 'bob@example.com' })
  const client = await provider.createClient({
    client_name: 'Example App',
    skip_consent: true,
    post_logout_redirect_uris: [goodbye, 'http://localhost:9999/bye'],
  })
  const logoutUrl = (fields: Fields) => `${provider.issuer}/logout?${encode(fields).toString()}`
  const postFromElsewhere = (fields: Fields) =>
    fetch(`${provider.issuer}/logout`, {
      method: 'POST',
      redirect: 'manual',
      headers: { origin: 'https://app.example', 'sec-fetch-site': 'cross-site' },
      body: encode(fields),
    })
  const isSignedIn = async (browser: UserAgent) =>
    'code' in (await authorize(provider, browser, client, { prompt: 'none' }))

  async function signedIn() {
    const browser = await signIn(provider)
    const { id_token: hint } = await obtainTokens(provider, browser, client)
    return { browser, hint }
  }

  async function isErrorPage(t: Test, browser: UserAgent, fields: Fields) {
    const page = await browser.open(logoutUrl(fields))
    t.match(page, { status: 400, html: 'Logout error' })
    t.equal(page.headers.get('location'), null)
    t.ok(await isSignedIn(browser), 'and the session goes on')
  }

  t.test("with the session's ID token: at once, and back to the client with state", async (t) => {
    const { browser, hint } = await signedIn()
    const page = await browser.open(
      logoutUrl({ id_token_hint: hint, post_logout_redirect_uri: goodbye, state: 'a b&c' }),
    )
    t.equal(page.url, `${goodbye}&state=a+b%26c`)
    t.notOk([...browser.cookies.keys()].some((name) => name.includes('session')))
    t.notOk(await isSignedIn(browser))
  })

  t.test('ends the session on the server, not only the cookie', async (t) => {
    const { browser, hint } = await signedIn()
    const copy = createUserAgent(provider.issuer)
    for (const [name, value] of browser.cookies) copy.cookies.set(name, value)
    await browser.open(logoutUrl({ id_token_hint: hint }))
    t.notOk(await isSignedIn(copy))
  })

  t.test('an expired hint is as good (§4)', async (t) => {
    const { browser, hint } = await signedIn()
    provider.clock.advance(3600)
    const page = await browser.open(
      logoutUrl({ id_token_hint: hint, post_logout_redirect_uri: goodbye }),
    )
    t.equal(page.url, goodbye)
    t.notOk(await isSignedIn(browser))
  })

  t.test(
    'without a hint the person is asked (§2), and back with state when confirmed',
    async (t) => {
      for (const fields of [
        {},
        { client_id: client.clientId, post_logout_redirect_uri: goodbye, state: 's' },
      ]) {
        const { browser } = await signedIn()
        const page = await browser.open(logoutUrl(fields))
        t.match(page, { status: 200, html: 'alice@example.com' })
        t.ok(await isSignedIn(browser), 'until it is confirmed')
        const stay = await browser.submit(page, { decision: 'no' })
        t.equal(stay.status, 200)
        t.ok(await isSignedIn(browser))
        const left = await browser.submit(page, { decision: 'yes' })
        const end = 'state' in fields ? `${goodbye}&state=s` : `${provider.issuer}/logged-out`
        t.equal(left.url, end)
        t.notOk(await isSignedIn(browser))
      }
    },
  )

  t.test('a forged confirmation signs nobody out (CSRF)', async (t) => {
    const { browser } = await signedIn()
    const page = await browser.open(logoutUrl({}))
    const { fields } = formOf(page)
    await browser.submit(page, { ...fields, csrf: 'forged', decision: 'yes' })
    t.ok(await isSignedIn(browser))
  })

  t.test("another person's hint does not end this session unasked", async (t) => {
    const bob = await signIn(provider, createUserAgent(provider.issuer), 'bob@example.com')
    const { id_token: hint } = await obtainTokens(provider, bob, client)
    const { browser } = await signedIn()
    const page = await browser.open(logoutUrl({ id_token_hint: hint }))
    t.match(page, { status: 200, html: 'alice@example.com' })
    t.ok(await isSignedIn(browser))
  })

  t.test('an unregistered post_logout_redirect_uri gets a page, no redirect (§3)', async (t) => {
    const { browser, hint } = await signedIn()
    for (const uri of [
      'https://evil.example/',
      'https://app.example/goodbye',
      `${goodbye}&x=1`,
      'http://localhost:9998/bye',
    ])
      await isErrorPage(t, browser, { id_token_hint: hint, post_logout_redirect_uri: uri })
    await isErrorPage(t, browser, { post_logout_redirect_uri: goodbye })
  })

  t.test('an altered or foreign hint gets a page', async (t) => {
    const { browser, hint } = await signedIn()
    const { access_token: accessToken } = await obtainTokens(provider, browser, client)
    const [header, , signature] = hint.split('.')
    const forged = Buffer.from(JSON.stringify({ iss: provider.issuer, exp: 9e9 }))
    const wrong = [`${header}.${forged.toString('base64url')}.${signature}`, 'x', accessToken]
    for (const id_token_hint of wrong) await isErrorPage(t, browser, { id_token_hint })
  })

  t.test('a client_id must be known and fit the hint (§2)', async (t) => {
    const { browser, hint } = await signedIn()
    const other = await provider.createClient({ post_logout_redirect_uris: [goodbye] })
    await isErrorPage(t, browser, { id_token_hint: hint, client_id: other.clientId })
    await isErrorPage(t, browser, { client_id: 'unknown' })
    const page = await browser.open(logoutUrl({ id_token_hint: hint, client_id: client.clientId }))
    t.equal(page.url, `${provider.issuer}/logged-out`)
  })

  t.test("by POST from the client's site, which brings no cookie (SameSite=Lax)", async (t) => {
    const { browser, hint } = await signedIn()
    const asked = await postFromElsewhere({
      client_id: client.clientId,
      post_logout_redirect_uri: goodbye,
    })
    t.equal(asked.status, 200)
    t.ok(await isSignedIn(browser))
    const response = await postFromElsewhere({
      id_token_hint: hint,
      post_logout_redirect_uri: goodbye,
      state: 's',
    })
    t.equal(response.status, 303)
    t.equal(response.headers.get('location'), `${goodbye}&state=s`)
    t.notOk(await isSignedIn(browser))
  })

  t.test(
    'takes the access tokens and codes of the session along, in the same second too',
    async (t) => {
      const scope = 'openid offline_access'
      const ways: ((browser: UserAgent, hint: string) => Promise<unknown>)[] = [
        (browser, hint) => browser.open(logoutUrl({ id_token_hint: hint })),
        (_, hint) => postFromElsewhere({ id_token_hint: hint }),
        async (browser) => browser.submit(await browser.open(logoutUrl({})), { decision: 'yes' }),
      ]
      for (const logOut of ways) {
        provider.clock.advance(10)
        const browser = await signIn(provider)
        const tokens = await obtainTokens(provider, browser, client, { scope })
        const { sid, sub } = decodeJwt<{ sid: string }>(tokens.access_token)
        const { code } = await authorize(provider, browser, client)
        await logOut(browser, tokens.id_token)
        t.equal((await userinfo(provider, tokens.access_token)).status, 401)
        t.match(await redeem(provider, client, code), { body: { error: 'invalid_grant' } })
        t.hasStrict(await provider.services.audit.listLatest({ limit: 1 }), [
          { action: 'sessions.revoke', subject: sid, actor: `user:${sub}`, reason: 'signed out' },
        ])

        // A refresh token outlives the session (Back-Channel Logout §2.7); what it gives carries the sid and counts.
        const answer = await refresh(provider, client, tokens.refresh_token)
        const refreshed = toTokens(answer)
        t.equal(decodeJwt(refreshed.access_token)['sid'], sid)
        t.ok(Number(decodeJwt(refreshed.access_token).iat) * 1000 <= provider.clock.now().getTime())
        t.equal((await userinfo(provider, refreshed.access_token)).status, 200)
      }
    },
  )

  t.test('twice: the hint names no session any more, but still where to go', async (t) => {
    const { browser, hint } = await signedIn()
    const fields = { id_token_hint: hint, post_logout_redirect_uri: goodbye, state: 's' }
    await browser.open(logoutUrl(fields))
    t.equal((await browser.open(logoutUrl(fields))).url, `${goodbye}&state=s`)
    const response = await postFromElsewhere(fields)
    t.equal(response.headers.get('location'), `${goodbye}&state=s`)

    provider.clock.advance(10)
    await signIn(provider, browser)
    const page = await browser.open(logoutUrl(fields))
    t.match(page, { status: 200, html: 'alice@example.com' }, 'of another session it is asked')
    t.equal((await postFromElsewhere(fields)).status, 303)
    t.ok(await isSignedIn(browser))
  })

  t.test('a hint that a revoked key has signed is refused', async (t) => {
    const { browser, hint } = await signedIn()
    const { keyring, revokeKey } = provider.services
    const kid = String(decodeProtectedHeader(hint).kid)
    await revokeKey(kid, { actor: 'ada' })
    await keyring.load()
    await isErrorPage(t, browser, { id_token_hint: hint, post_logout_redirect_uri: goodbye })
  })

  t.test('another person who signs in with the browser ends the former session', async (t) => {
    const browser = await signIn(provider)
    const tokens = await obtainTokens(provider, browser, client)
    provider.clock.advance(10)
    await signIn(provider, browser, 'bob@example.com')
    t.equal((await userinfo(provider, tokens.access_token)).status, 401)
    t.hasStrict(await provider.services.audit.listLatest({ limit: 1 }), [
      {
        action: 'sessions.revoke',
        actor: 'server',
        reason: 'another user signed in with this browser',
      },
    ])
    const { access_token: ofBob } = await obtainTokens(provider, browser, client)
    t.equal((await userinfo(provider, ofBob)).status, 200)
    provider.clock.advance(10)
    await signIn(provider, browser, 'bob@example.com')
    t.equal((await userinfo(provider, ofBob)).status, 200, 'the same person goes on')
  })

  t.test('who is not signed in is sent on', async (t) => {
    const browser = createUserAgent(provider.issuer)
    t.equal((await browser.open(logoutUrl({}))).url, `${provider.issuer}/logged-out`)
    const fields = { client_id: client.clientId, post_logout_redirect_uri: goodbye }
    t.equal((await browser.open(logoutUrl(fields))).url, goodbye)
  })
})
