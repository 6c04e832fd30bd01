/** prompt=select_account: a page of its own (OpenID Connect Core §3.1.2.1). */
import { decodeJwt } from 'jose'
import t from 'tap'
import { authorizationUrl, redeem, signIn, toTokens, type Fields } from '../support/flow.ts'
import { createTestProvider, password } from '../support/provider.ts'
import { createUserAgent, formOf, type Page } from '../support/user-agent.ts'

t.test('whoever is signed in chooses', async (t) => {
  const provider = await createTestProvider(t)
  await provider.createUser()
  const bob = await provider.createUser({ email: 'bob@example.com' })
  const client = await provider.createClient({ skip_consent: true })
  const ask = (changes: Fields = {}) =>
    authorizationUrl(provider, client, { prompt: 'select_account', ...changes })
  const claimsOf = async ({ url }: Page) => {
    const code = new URL(url).searchParams.get('code') ?? undefined
    return decodeJwt(toTokens(await redeem(provider, client, code)).id_token)
  }

  t.test('to go on as they are, without a password', async (t) => {
    const browser = await signIn(provider)
    const signedInAt = provider.clock.now().getTime()
    provider.clock.advance(60)
    const page = await browser.open(ask())
    t.match(page.url, '/select-account?request=')
    t.match(page.html, /Continue as <bdi>alice@example\.com<\/bdi>/)
    t.match(page.html, /<bdi>Example App<\/bdi>/)
    const answer = await browser.submit(page, { account: 'this' })
    t.equal((await claimsOf(answer))['auth_time'], Math.floor(signedInAt / 1000))
    t.match((await browser.open(ask())).url, '/select-account?', 'and the next time again')
  })

  t.test('or to sign in as somebody else', async (t) => {
    const browser = await signIn(provider)
    const login = await browser.submit(await browser.open(ask()), { account: 'another' })
    t.match(login.url, '/login?request=')
    const answer = await browser.submit(login, { username: 'bob@example.com', password })
    t.equal((await claimsOf(answer)).sub, bob.sub)
  })

  t.test('and may change their mind before they do', async (t) => {
    const browser = await signIn(provider)
    const page = await browser.open(ask())
    await browser.submit(page, { account: 'another' })
    t.match((await browser.submit(page, { account: 'this' })).url, /\?code=/)
  })

  t.test('prompt=login asks for the password all the same', async (t) => {
    const browser = await signIn(provider)
    const page = await browser.open(ask({ prompt: 'login select_account' }))
    const login = await browser.submit(page, { account: 'this' })
    t.match(login.url, '/login?request=')
    t.match(
      (await browser.submit(login, { username: 'alice@example.com', password })).url,
      /\?code=/,
    )
  })

  t.test('whoever is not signed in sees the login page alone', async (t) => {
    const browser = createUserAgent(provider.issuer)
    const login = await browser.open(ask())
    t.match(login.url, '/login?request=')
    t.match(
      (await browser.submit(login, { username: 'alice@example.com', password })).url,
      /\?code=/,
    )
  })

  t.test('the choice is of this request, this session and this browser', async (t) => {
    const browser = await signIn(provider)
    const page = await browser.open(ask())
    const { fields } = formOf(page)
    const other = formOf(await browser.open(ask())).fields
    const foreign = await browser.submit(page, { account: 'this', request: other['request'] ?? '' })
    t.equal(foreign.status, 403, 'the form of another request')
    const stranger = await signIn(provider)
    t.equal((await stranger.submit(page, { account: 'this' })).status, 403, 'another browser')
    t.match(
      (await stranger.open(ask({ prompt: undefined, request_uri: undefined }))).url,
      /\?code=/,
      'which is asked nothing by other requests',
    )
    await signIn(provider, browser, 'bob@example.com')
    const late = await browser.submit(page, { account: 'this', csrf: fields['csrf'] ?? '' })
    t.equal(late.status, 403, 'another session')
    t.equal((await browser.submit(page, {})).status, 403)
  })

  t.test('a choice that was not made is asked for again', async (t) => {
    const browser = await signIn(provider)
    const page = await browser.open(ask())
    t.equal((await browser.submit(page, {})).status, 400)
    const { request = '' } = formOf(page).fields
    await signIn(provider, browser, 'bob@example.com')
    t.match((await browser.open(page.url)).html, /Continue as <bdi>bob@example\.com/)
    t.equal((await browser.open(`${provider.issuer}/select-account`)).status, 400)
    const signedOut = createUserAgent(provider.issuer)
    const path = `${provider.issuer}/select-account?request=${request}`
    t.match((await signedOut.open(path)).url, '/login?')
  })
})
