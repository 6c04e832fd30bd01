/** The cookies that a browser gets, on http and behind an https proxy (RFC 6265bis §4.1.3). */
import t, { type Test } from 'tap'
import { authorizationUrl, authorize, signIn } from '../support/flow.ts'
import { createTestProvider, password } from '../support/provider.ts'
import { createUserAgent, formOf, type Page } from '../support/user-agent.ts'

const form = 'application/x-www-form-urlencoded'

t.test('on http, for development', async (t) => {
  const provider = await createTestProvider(t)
  await provider.createUser()
  const client = await provider.createClient({ skip_consent: true })

  t.test('every cookie is HttpOnly and SameSite=Lax, and ends with the browser', async (t) => {
    const browser = createUserAgent(provider.issuer)
    const login = await browser.open(authorizationUrl(provider, client))
    checkCookies(t, login.headers.getSetCookie(), {
      name: /^claviger-browser=[\w-]{22}$/,
      attributes: ['HttpOnly', 'Path=/', 'SameSite=Lax'],
    })
  })

  t.test(
    'the session cookie changes at every login, and the old one is worth nothing',
    async (t) => {
      const browser = await signIn(provider)
      const before = new Map(browser.cookies)
      provider.clock.advance(1)
      await signIn(provider, browser)
      const name = 'claviger-session'
      t.match(before.get(name), /^[\w-]{43}$/)
      t.match(browser.cookies.get(name), /^[\w-]{43}$/)
      t.not(browser.cookies.get(name), before.get(name))

      const old = createUserAgent(provider.issuer)
      for (const [key, value] of before) old.cookies.set(key, value)
      const silent = { prompt: 'none' }
      t.match(await authorize(provider, old, client, silent), { error: 'login_required' })
      t.ok((await authorize(provider, browser, client, silent))['code'])
    },
  )

  t.test("a session that somebody planted does not become the victim's", async (t) => {
    const planted = 'A'.repeat(43)
    const browser = createUserAgent(provider.issuer)
    browser.cookies.set('claviger-session', planted)
    await signIn(provider, browser)
    t.not(browser.cookies.get('claviger-session'), planted)
  })

  t.test('a session ends after twelve hours', async (t) => {
    const browser = await signIn(provider)
    provider.clock.advance(12 * 3600 - 1)
    t.ok((await authorize(provider, browser, client, { prompt: 'none' }))['code'])
    provider.clock.advance(1)
    t.match(await authorize(provider, browser, client, { prompt: 'none' }), {
      error: 'login_required',
    })
  })

  t.test("the database holds no cookie's secret", async (t) => {
    const browser = await signIn(provider)
    const secret = browser.cookies.get('claviger-session') ?? ''
    const rows = await provider.database.query('select * from sessions')
    t.ok(rows.length > 0)
    t.notMatch(JSON.stringify(rows), secret)
    t.notMatch(JSON.stringify(rows), Buffer.from(secret, 'base64url').toString('hex'))
  })
})

t.test('behind a proxy that speaks https', async (t) => {
  const issuer = 'https://op.example'
  const provider = await createTestProvider(t, { ISSUER: issuer, TRUST_PROXY: '1' })
  await provider.createUser()
  const attributes = ['HttpOnly', 'Path=/', 'SameSite=Lax', 'Secure']
  const proxied = {
    host: 'op.example',
    'x-forwarded-proto': 'https',
    'x-forwarded-for': '203.0.113.7',
  }

  t.test('cookies are Secure and have the __Host- prefix, without a Domain', async (t) => {
    const login = await provider.app.inject({ url: '/login', headers: proxied })
    const [browserCookie = ''] = [login.headers['set-cookie'] ?? []].flat()
    checkCookies(t, [browserCookie], {
      name: /^__Host-claviger-browser=[\w-]{22}$/,
      attributes,
    })
    t.match(login.headers['strict-transport-security'], /^max-age=\d{8,}/)

    const page = { html: login.body, url: `${issuer}/login` } as Page
    const submitted = await provider.app.inject({
      method: 'POST',
      url: '/login',
      headers: {
        ...proxied,
        origin: issuer,
        'content-type': form,
        cookie: browserCookie.split(';', 1)[0]!,
      },
      body: new URLSearchParams({
        ...formOf(page).fields,
        username: 'alice@example.com',
        password,
      }).toString(),
    })
    t.equal(submitted.statusCode, 303)
    checkCookies(t, [submitted.headers['set-cookie'] ?? []].flat(), {
      name: /^__Host-claviger-session=[\w-]{43}$/,
      attributes,
    })
  })

  t.test('signing out takes the cookie back with the same attributes', async (t) => {
    const confirm = await provider.app.inject({ method: 'POST', url: '/logout', headers: proxied })
    const cookie = [confirm.headers['set-cookie'] ?? []].flat()[0]!.split(';', 1)[0]!
    const { fields } = formOf({ html: confirm.body, url: `${issuer}/logout` } as Page)
    const left = await provider.app.inject({
      method: 'POST',
      url: '/logout',
      headers: { ...proxied, origin: issuer, 'content-type': form, cookie },
      body: new URLSearchParams({ ...fields, decision: 'yes' }).toString(),
    })
    t.equal(left.statusCode, 303)
    const [gone = ''] = [left.headers['set-cookie'] ?? []].flat()
    t.match(gone, /^__Host-claviger-session=;/)
    t.match(gone, /Expires=Thu, 01 Jan 1970/)
    const kept = gone.split('; ').filter((attribute) => attributes.includes(attribute))
    t.strictSame(kept.toSorted(), attributes)
  })
})

function checkCookies(
  t: Test,
  lines: string[],
  { name, attributes }: { name: RegExp; attributes: string[] },
): void {
  t.equal(lines.length, 1)
  const [pair, ...rest] = (lines[0] ?? '').split('; ')
  t.match(pair, name)
  t.strictSame(rest.toSorted(), attributes)
}
