/** Consent: asked for, remembered, widened, denied, skipped; and single sign-on, which needs no second login. */
import t from 'tap'
import {
  authorizationUrl,
  authorize,
  proceed,
  redeem,
  signIn,
  type Fields,
} from '../support/flow.ts'
import { createTestProvider } from '../support/provider.ts'
import { createUserAgent } from '../support/user-agent.ts'

t.test('consent', async (t) => {
  const provider = await createTestProvider(t)
  await provider.createUser()
  const browser = await signIn(provider)
  type TestClient = Awaited<ReturnType<typeof provider.createClient>>
  const open = (client: TestClient, changes: Fields = {}) =>
    browser.open(authorizationUrl(provider, client, changes))
  const asks = async (client: TestClient, changes: Fields = {}) =>
    (await open(client, changes)).url.includes('/consent?')

  t.test('single sign-on: a second client gets a code without a login', async (t) => {
    const person = createUserAgent(provider.issuer)
    const [first, second] = [await provider.createClient(), await provider.createClient()]
    const login = await person.open(authorizationUrl(provider, first))
    t.match(login.url, '/login?')
    t.match((await proceed(person, login)).url, /\?code=/)
    const consent = await person.open(authorizationUrl(provider, second))
    t.match(consent.url, '/consent?')
    t.match((await proceed(person, consent)).url, /\?code=/)
    t.match((await person.open(authorizationUrl(provider, second))).url, /\?code=/)
  })

  t.test('is remembered for what was allowed, and asked for anything more', async (t) => {
    const client = await provider.createClient()
    const resource = 'https://api.example/consent'
    await provider.services.resources.create({ resource, name: 'Example API' })
    await authorize(provider, browser, client, { scope: 'openid email' })
    t.notOk(await asks(client, { scope: 'openid email' }))
    t.notOk(await asks(client, { scope: 'email openid' }))
    t.notOk(await asks(client, { scope: 'openid' }))
    t.ok(await asks(client, { scope: 'openid email profile' }))
    t.ok(await asks(client, { scope: 'openid', resource }))
    await authorize(provider, browser, client, { scope: 'openid profile', resource })
    t.notOk(await asks(client, { scope: 'openid email profile', resource }), 'they add up')
  })

  t.test('is another one for another person and another client', async (t) => {
    const [client, other] = [await provider.createClient(), await provider.createClient()]
    await provider.createUser({ email: 'bob@example.com' })
    await authorize(provider, browser, client)
    t.ok(await asks(other))
    const bob = await signIn(provider, createUserAgent(provider.issuer), 'bob@example.com')
    t.match((await bob.open(authorizationUrl(provider, client))).url, '/consent?')
  })

  t.test('denied is access_denied, and asked again the next time', async (t) => {
    const client = await provider.createClient()
    const page = await open(client, { response_mode: 'fragment' })
    const back = await browser.submit(page, { decision: 'deny' })
    t.match(Object.fromEntries(new URLSearchParams(new URL(back.url).hash.slice(1))), {
      error: 'access_denied',
      state: 'the state',
      iss: provider.issuer,
    })
    t.ok(await asks(client))
    const again = await browser.submit(page, { decision: 'allow' })
    t.match(again.url, /#code=/, 'who goes back and allows, has allowed')
  })

  t.test('who will not sign in denies it, and may go back and sign in after all', async (t) => {
    const client = await provider.createClient()
    const stranger = createUserAgent(provider.issuer)
    const login = await stranger.open(authorizationUrl(provider, client))
    const back = await stranger.submit(login, { decision: 'deny' })
    t.match(Object.fromEntries(new URL(back.url).searchParams), {
      error: 'access_denied',
      state: 'the state',
    })
    const forged = createUserAgent(provider.issuer)
    t.equal((await forged.submit(login, { decision: 'deny' })).status, 403)
    t.ok((await proceed(stranger, login)).url.includes('?code='))
  })

  t.test('says what the client would get, and where the answer goes', async (t) => {
    const client = await provider.createClient({
      client_name: 'Fish & <b>Chips</b>',
      scope: 'openid email orders:read',
    })
    const { html } = await open(client, { scope: 'openid email orders:read' })
    t.match(html, 'Fish &amp; &lt;b>Chips&lt;/b>')
    for (const words of ['alice@example.com', 'localhost:9999', 'email', 'orders:read'])
      t.match(html, words)
  })

  t.test('skip_consent: a first-party client is never asked about', async (t) => {
    const client = await provider.createClient({ skip_consent: true })
    t.notOk(await asks(client, { scope: 'openid profile email offline_access' }))
  })

  t.test('a public native app is asked about each time (RFC 8252 §8.6)', async (t) => {
    const native = { application_type: 'native', token_endpoint_auth_method: 'none' }
    const client = await provider.createClient(native)
    for (const moment of ['first', 'again']) {
      const page = await open(client)
      t.match(page.url, '/consent?', moment)
      const { code } = Object.fromEntries(new URL((await proceed(browser, page)).url).searchParams)
      t.equal((await redeem(provider, client, code)).status, 200)
      provider.clock.advance(1)
    }
    t.match(await authorize(provider, browser, client, { prompt: 'none' }), {
      error: 'consent_required',
    })
    const skipping = await provider.createClient({ ...native, skip_consent: true })
    t.notOk(await asks(skipping))
  })

  t.test(
    "one app's consent does not answer a request made before it (RFC 8252 §8.6)",
    async (t) => {
      const client = await provider.createClient({
        application_type: 'native',
        token_endpoint_auth_method: 'none',
      })
      const imitation = await open(client, { state: 'planted' })
      provider.clock.advance(1)
      await authorize(provider, browser, client)
      const resumed = await browser.open(
        imitation.url.replace(
          /\/consent\?request=(.*)$/,
          `/authorize?client_id=${client.clientId}&request_uri=urn:ietf:params:oauth:request_uri:$1`,
        ),
      )
      t.match(resumed.url, '/consent?')
    },
  )

  t.test(
    'is given to what the page has told, whatever the client registers meanwhile',
    async (t) => {
      const client = await provider.createClient({ scope: 'openid' })
      const claims = JSON.stringify({ userinfo: { phone_number: null } })
      const page = await open(client, { scope: 'openid', claims })
      t.notMatch(page.html, 'phone number', 'no claim that the client may not ask for')
      await provider.services.clients.update(client.clientId, { scope: 'openid phone' })
      t.equal((await browser.submit(page, { decision: 'allow' })).status, 403)
      const again = await browser.open(page.url)
      t.match(again.html, 'phone number')
      t.match((await proceed(browser, again)).url, '?code=')
    },
  )

  t.test('a form from elsewhere decides nothing (CSRF)', async (t) => {
    const client = await provider.createClient()
    const page = await open(client)
    const forged = await browser.submit(page, { decision: 'allow', csrf: 'forged' })
    t.equal(forged.status, 403)
    t.ok(await asks(client))
    const request = new URL(page.url).searchParams.get('request')
    const crossSite = await fetch(`${provider.issuer}/consent`, {
      method: 'POST',
      redirect: 'manual',
      headers: {
        origin: 'https://evil.example',
        cookie: [...browser.cookies].map(([name, value]) => `${name}=${value}`).join('; '),
      },
      body: new URLSearchParams({ request: request ?? '', decision: 'allow' }),
    })
    t.equal(crossSite.status, 403)
  })

  t.test('who waited longer than half an hour starts again from the app', async (t) => {
    const client = await provider.createClient()
    const page = await open(client)
    provider.clock.advance(1800)
    const expired = await browser.submit(page, { decision: 'allow' })
    t.equal(expired.status, 400)
    t.match(expired.html, 'Sign-in expired')
  })
})
