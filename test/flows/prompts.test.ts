/** What the request says about the person: prompt, max_age, id_token_hint, login_hint (OpenID Connect Core §3.1.2.1). */
import { decodeJwt } from 'jose'
import t from 'tap'
import { authorizationUrl, authorize, obtainTokens, signIn, type Fields } from '../support/flow.ts'
import { createTestProvider, password } from '../support/provider.ts'
import { createUserAgent } from '../support/user-agent.ts'

t.test('prompt, max_age and the hints', async (t) => {
  const provider = await createTestProvider(t)
  await provider.createUser()
  await provider.createUser({ email: 'bob@example.com' })
  const client = await provider.createClient({ skip_consent: true })
  const browser = await signIn(provider)
  const ask = (changes: Fields) => authorize(provider, browser, client, changes)
  const open = (changes: Fields) => browser.open(authorizationUrl(provider, client, changes))
  const authTimeOf = async (changes: Fields) =>
    decodeJwt((await obtainTokens(provider, browser, client, changes)).id_token)['auth_time']
  const nowSeconds = () => provider.clock.now().getTime() / 1000

  t.test('prompt=none answers without a page: a code, or an error', async (t) => {
    t.ok((await ask({ prompt: 'none' }))['code'])

    const stranger = createUserAgent(provider.issuer)
    t.match(await authorize(provider, stranger, client, { prompt: 'none' }), {
      error: 'login_required',
      state: 'the state',
      iss: provider.issuer,
    })
    const asking = await provider.createClient()
    t.match(await authorize(provider, browser, asking, { prompt: 'none' }), {
      error: 'consent_required',
    })
    provider.clock.advance(10)
    t.match(await ask({ prompt: 'none', max_age: '5' }), { error: 'login_required' })
  })

  t.test('prompt=none stands alone, and unknown prompts are refused', async (t) => {
    for (const prompt of ['none login', 'consent none', 'telepathy', 'Login'])
      t.match(await ask({ prompt }), { error: 'invalid_request', error_description: /prompt/ })
  })

  t.test('prompt=login asks for the password again, once', async (t) => {
    provider.clock.advance(100)
    const before = await authTimeOf({})
    t.match((await open({ prompt: 'login' })).url, '/login?')
    const after = await authTimeOf({ prompt: 'login' })
    t.equal(before, nowSeconds() - 110)
    t.equal(after, nowSeconds())
  })

  t.test('prompt=login is not content with a login from before the request', async (t) => {
    provider.clock.advance(1)
    t.match((await open({ prompt: 'login' })).url, '/login?')
  })

  t.test('prompt=consent asks even whom nobody would ask, and goes with login', async (t) => {
    provider.clock.advance(1)
    t.match((await open({ prompt: 'consent' })).url, '/consent?')
    t.ok((await ask({ prompt: 'consent' }))['code'])
    provider.clock.advance(1)
    const login = await open({ prompt: 'login consent' })
    t.match(login.url, '/login?')
    const consent = await browser.submit(login, { username: 'alice@example.com', password })
    t.match(consent.url, '/consent?')
    t.match((await browser.submit(consent, { decision: 'allow' })).url, /\?code=/)
  })

  t.test('max_age: a login that is older is done again', async (t) => {
    await ask({ prompt: 'login' })
    const signedInAt = nowSeconds()
    provider.clock.advance(60)
    t.equal(await authTimeOf({ max_age: '60' }), signedInAt, 'still young enough')
    t.equal(await authTimeOf({ max_age: '999999999' }), signedInAt)
    t.match((await open({ max_age: '59' })).url, '/login?')
    t.equal(await authTimeOf({ max_age: '59' }), nowSeconds())
  })

  t.test('max_age=0 asks for a login every time, like prompt=login', async (t) => {
    provider.clock.advance(1)
    t.match((await open({ max_age: '0' })).url, '/login?')
    t.match(await ask({ max_age: '0', prompt: 'none' }), { error: 'login_required' })
    t.equal(await authTimeOf({ max_age: '0' }), nowSeconds())
    provider.clock.advance(1)
    t.match((await open({ max_age: '0' })).url, '/login?')
  })

  t.test('default_max_age speaks for the client that does not say (Registration §2)', async (t) => {
    const strict = await provider.createClient({ skip_consent: true, default_max_age: 30 })
    provider.clock.advance(31)
    const url = (changes: Fields) => authorizationUrl(provider, strict, changes)
    t.match((await browser.open(url({}))).url, '/login?')
    t.match((await browser.open(url({ max_age: '60' }))).url, /\?code=/)
  })

  t.test('max_age must be a whole number of seconds', async (t) => {
    for (const max_age of ['-1', '1.5', 'x', '1e3', ' 1'])
      t.match(await ask({ max_age }), { error: 'invalid_request', error_description: /max_age/ })
  })

  t.test('id_token_hint: the person it names goes on, another signs in', async (t) => {
    const { id_token: alices } = await obtainTokens(provider, browser, client)
    const bob = await signIn(provider, createUserAgent(provider.issuer), 'bob@example.com')
    const { id_token: bobs } = await obtainTokens(provider, bob, client)
    provider.clock.advance(3600)
    t.ok((await ask({ id_token_hint: alices, prompt: 'none' }))['code'], 'also when it has expired')
    t.match(await ask({ id_token_hint: bobs, prompt: 'none' }), { error: 'login_required' })
    t.match((await open({ id_token_hint: bobs })).url, '/login?')
    t.match(
      await ask({ id_token_hint: bobs }),
      { error: 'login_required', error_description: /[Aa]nother user/ },
      'Alice signed in, where Bob was asked for',
    )
    const [header, , signature] = alices.split('.')
    const [, payload] = bobs.split('.')
    const altered = `${header}.${payload}.${signature}`
    for (const id_token_hint of [altered, 'x', 'a.b.c'])
      t.match(await ask({ id_token_hint, prompt: 'none' }), {
        error: 'invalid_request',
        error_description: /id_token_hint/,
      })
    const { access_token } = await obtainTokens(provider, browser, client)
    t.match(await ask({ id_token_hint: access_token }), { error: 'invalid_request' })
  })

  t.test(
    'oidcc-display-page, -popup, oidcc-ui-locales, -claims-locales: no error, whatever is asked',
    async (t) => {
      for (const changes of [
        { display: 'page' },
        { display: 'popup' },
        { display: 'touch' },
        { display: 'wap' },
        { display: 'hologram' },
        { ui_locales: 'se' },
        { ui_locales: 'fr-CA fr en', claims_locales: 'se' },
        { claims_locales: 'se', something_else: 'x' },
      ])
        t.match(await ask(changes), { code: /./, state: 'the state' }, JSON.stringify(changes))
      const stranger = createUserAgent(provider.issuer)
      const url = authorizationUrl(provider, client, { display: 'popup', ui_locales: 'se' })
      t.match((await stranger.open(url)).html, '<html lang="en">')
    },
  )

  t.test('login_hint is filled in, and stays after a wrong password', async (t) => {
    const stranger = createUserAgent(provider.issuer)
    const login_hint = `o'hara+"x"<b>@example.com`
    const page = await stranger.open(authorizationUrl(provider, client, { login_hint }))
    const filled = /<input id="username"[^>]* value="o'hara\+&quot;x&quot;&lt;b>@example.com"/
    t.match(page.html, filled)
    const again = await stranger.submit(page, { username: login_hint, password: 'wrong' })
    t.equal(again.status, 401)
    t.match(again.html, filled)
  })
})
