/** Where answers go: exactly to a registered redirect URI, otherwise nowhere (RFC 9700 §2.1, RFC 8252 §7). */
import t from 'tap'
import { authorizationUrl, authorize, redeem, signIn, type Fields } from '../support/flow.ts'
import { createTestProvider, redirectUri } from '../support/provider.ts'

t.test('the redirect URI', async (t) => {
  const provider = await createTestProvider(t)
  await provider.createUser()
  const browser = await signIn(provider)
  const createClient = (metadata: object) =>
    provider.createClient({ skip_consent: true, ...metadata })
  const client = await createClient({})

  async function refusedByPage(one: typeof client, changes: Fields) {
    const page = await browser.open(authorizationUrl(provider, one, changes))
    t.match(page, { status: 400, html: /<h1>/ })
    t.equal(page.headers.get('location'), null)
    t.match(page.headers.get('content-type'), /^text\/html/)
    return page
  }

  t.test('that is not registered gets a page, never a redirect (RFC 6749 §3.1.2.4)', async (t) => {
    const unregistered = [
      'https://evil.example/callback',
      'http://localhost:9998/callback',
      `${redirectUri}/`,
      `${redirectUri}?x=1`,
      `${redirectUri}#f`,
      redirectUri.replace('http:', 'HTTP:'),
      redirectUri.replace('callback', '%63allback'),
      'http://localhost:9999/x/../callback',
      'http://user@localhost:9999/callback',
      'javascript:alert(1)',
      '//evil.example',
    ]
    for (const uri of unregistered)
      for (const mode of [undefined, 'fragment', 'form_post']) {
        const page = await refusedByPage(client, { redirect_uri: uri, response_mode: mode })
        t.match(page.html, 'Redirect URI error')
        t.notMatch(page.html, uri)
      }
    await refusedByPage(client, { redirect_uri: [redirectUri, redirectUri] })
  })

  t.test('a fault elsewhere does not bring an unregistered one an answer', async () => {
    const uri = 'https://evil.example/callback'
    await refusedByPage(client, { redirect_uri: uri, response_type: 'token' })
    await refusedByPage(client, { redirect_uri: uri, prompt: 'none' })
  })

  t.test('an unknown, missing or repeated client gets a page', async (t) => {
    const { clientId } = client
    for (const client_id of ['unknown', undefined, '', [clientId, clientId]])
      t.match((await refusedByPage(client, { client_id })).html, 'client_id')
  })

  t.test('with a query keeps it (RFC 6749 §3.1.2)', async (t) => {
    const uri = 'https://app.example/callback?tenant=a%20b&code=mine'
    const one = await createClient({ redirect_uris: [uri] })
    for (const [mode, separator] of [
      ['query', '&'],
      ['fragment', '#'],
    ] as const) {
      const changes = { redirect_uri: uri, response_mode: mode }
      const page = await browser.open(authorizationUrl(provider, one, changes))
      t.ok(page.url.startsWith(`${uri}${separator}code=`))
    }
  })

  t.test("any port of a loopback URI is a native app's own (RFC 8252 §7.3)", async (t) => {
    const registered = [redirectUri, 'http://127.0.0.1/cb', 'http://[::1]/cb']
    const native = await createClient({ application_type: 'native', redirect_uris: registered })
    for (const uri of [
      'http://localhost:4711/callback',
      'http://127.0.0.1:50000/cb',
      'http://[::1]:50000/cb',
    ]) {
      const answer = await authorize(provider, browser, native, { redirect_uri: uri })
      t.ok(answer['code'], uri)
      const changes = { redirect_uri: uri }
      t.equal((await redeem(provider, native, answer['code'], changes)).status, 200)
    }
    for (const uri of [
      'http://localhost:4711/other',
      'http://localhost:99999/callback',
      'https://localhost:4711/callback',
      'http://127.0.0.2:50000/cb',
    ])
      await refusedByPage(native, { redirect_uri: uri })
    await refusedByPage(client, { redirect_uri: 'http://localhost:4711/callback' })
  })

  t.test('a code goes with the very port it was asked for', async (t) => {
    const native = await createClient({ application_type: 'native' })
    const { code } = await authorize(provider, browser, native, {
      redirect_uri: 'http://localhost:4711/callback',
    })
    const answer = await redeem(provider, native, code, {
      redirect_uri: 'http://localhost:4712/callback',
    })
    t.match(answer, { status: 400, body: { error: 'invalid_grant' } })
  })

  t.test(
    'may be left out of plain OAuth when only one is registered (RFC 6749 §3.1.2.3)',
    async (t) => {
      const plain = { redirect_uri: undefined, scope: 'profile' }
      const { code } = await authorize(provider, browser, client, plain)
      const answer = await redeem(provider, client, code, { redirect_uri: undefined })
      t.equal(answer.status, 200)
      t.notOk('id_token' in answer.body)

      const two = await createClient({
        redirect_uris: [redirectUri, 'https://app.example/callback'],
      })
      t.match((await refusedByPage(two, plain)).html, 'redirect_uri')
    },
  )

  t.test('OpenID Connect requests must have it (OpenID Connect Core §3.1.2.1)', async (t) => {
    const answer = await authorize(provider, browser, client, { redirect_uri: undefined })
    t.match(answer, { error: 'invalid_request', error_description: /redirect_uri/ })
  })

  t.test('of a private-use scheme is for native apps (RFC 8252 §7.1)', async (t) => {
    const uri = 'com.example.app:/callback'
    const app = await createClient({ application_type: 'native', redirect_uris: [uri] })
    const page = await browser.open(authorizationUrl(provider, app, { redirect_uri: uri }))
    t.ok(page.url.startsWith(`${uri}?code=`))
  })
})
