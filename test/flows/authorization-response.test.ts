/** What comes back from the authorization endpoint, and how (RFC 6749 §4.1.2, RFC 9207, response modes). */
import t from 'tap'
import {
  authorizationUrl,
  authorize,
  proceed,
  redeem,
  signIn,
  type Fields,
} from '../support/flow.ts'
import { createTestProvider, redirectUri } from '../support/provider.ts'
import { formOf } from '../support/user-agent.ts'

t.test('the authorization response', async (t) => {
  const provider = await createTestProvider(t)
  const { issuer } = provider
  await provider.createUser()
  const browser = await signIn(provider)
  const client = await provider.createClient({ skip_consent: true })
  const open = (changes = {}) => browser.open(authorizationUrl(provider, client, changes))
  const fault = { response_type: 'token' }

  t.test('has the issuer, in success and in error (RFC 9207 §2)', async (t) => {
    const success = await authorize(provider, browser, client)
    t.strictSame(Object.keys(success), ['code', 'state', 'iss'])
    t.equal(success['iss'], issuer)
    const error = await authorize(provider, browser, client, fault)
    t.strictSame(error, {
      error: 'unsupported_response_type',
      error_description: `Only the response_type 'code' is supported.`,
      state: 'the state',
      iss: issuer,
    })
  })

  t.test('echoes the state exactly, and has none when none came (RFC 6749 §4.1.2)', async (t) => {
    const states = ['x'.repeat(128), 'a b+c&d=e#f?%20/"<>', 'ünïcødé ✓']
    for (const state of states) {
      t.equal((await authorize(provider, browser, client, { state }))['state'], state)
      t.equal((await authorize(provider, browser, client, { ...fault, state }))['state'], state)
    }
    for (const state of ['', undefined]) {
      t.notOk('state' in (await authorize(provider, browser, client, { state })))
      t.notOk('state' in (await authorize(provider, browser, client, { ...fault, state })))
    }
  })

  t.test('is a redirect that is not cached and tells no referrer', async (t) => {
    const page = await open()
    t.equal(page.status, 303, 'a GET whatever came before (RFC 9700 §4.12)')
    t.equal(page.headers.get('cache-control'), 'no-store')
    t.equal(page.headers.get('referrer-policy'), 'no-referrer')
  })

  t.test('response_mode=query: in the query', async (t) => {
    const page = await open({ response_mode: 'query' })
    t.ok(page.url.startsWith(`${redirectUri}?code=`))
    t.equal(new URL(page.url).hash, '')
  })

  t.test('response_mode=fragment: in the fragment, in success and in error', async (t) => {
    const success = await open({ response_mode: 'fragment' })
    t.ok(success.url.startsWith(`${redirectUri}#code=`))
    const error = await open({ response_mode: 'fragment', ...fault })
    t.ok(error.url.startsWith(`${redirectUri}#error=unsupported_response_type&`))
    t.equal(new URLSearchParams(new URL(error.url).hash.slice(1)).get('state'), 'the state')
  })

  t.test(
    'response_mode=form_post: a form that posts itself (Form Post Response Mode)',
    async (t) => {
      const success = await open({ response_mode: 'form_post', state: '"><script>x</script>&amp;' })
      t.equal(success.status, 200)
      t.equal(success.headers.get('cache-control'), 'no-store')
      t.match(success.html, /<form method="post"/)
      const { action, fields } = formOf(success)
      t.equal(action, redirectUri)
      t.strictSame(Object.keys(fields), ['code', 'state', 'iss'])
      t.equal(fields['state'], '"><script>x</script>&amp;')
      t.equal((await redeem(provider, client, fields['code'])).status, 200)

      const error = formOf(await open({ response_mode: 'form_post', ...fault }))
      t.equal(error.action, redirectUri)
      t.match(error.fields, {
        error: 'unsupported_response_type',
        state: 'the state',
        iss: issuer,
        code: undefined,
      })
    },
  )

  t.test('an unknown response_mode is an error in the default mode', async (t) => {
    const answer = await authorize(provider, browser, client, { response_mode: 'telepathy' })
    t.match(answer, { error: 'invalid_request', error_description: /query, fragment, form_post/ })
  })

  t.test('tells what is wrong with the request (RFC 6749 §4.1.2.1)', async (t) => {
    const faults: [Fields, string][] = [
      [{ response_type: undefined }, 'invalid_request'],
      [{ response_type: 'code id_token' }, 'unsupported_response_type'],
      [{ scope: 'openid admin' }, 'invalid_scope'],
      [{ scope: 'openid  email' }, 'invalid_scope'],
      [{ request_uri: 'https://client.example/request' }, 'request_uri_not_supported'],
      [{ max_age: '-1' }, 'invalid_request'],
      [{ scope: ['openid', 'openid'] }, 'invalid_request'],
      [{ nonce: 'n'.repeat(5000) }, 'invalid_request'],
    ]
    for (const [changes, error] of faults)
      t.match(await authorize(provider, browser, client, changes), {
        error,
        state: 'the state',
        iss: issuer,
        error_description: /^[\x20-\x21\x23-\x5b\x5d-\x7e]{10,}$/,
      })
  })

  t.test('parameters that mean nothing here are ignored (RFC 6749 §3.1)', async (t) => {
    const answer = await authorize(provider, browser, client, {
      display: 'popup',
      ui_locales: 'de-CH fr',
      claims_locales: 'de',
      acr_values: 'urn:example:silver',
      claims: '{"id_token":{"email":null}}',
      made_up: 'x',
    })
    t.ok(answer['code'])
  })

  t.test('a repeated state is not echoed, a repeated response_mode not obeyed', async (t) => {
    const twice = await authorize(provider, browser, client, { state: ['a', 'b'] })
    t.match(twice, { error: 'invalid_request', state: undefined })
    const modes = { response_mode: ['fragment', 'form_post'] }
    t.match(await authorize(provider, browser, client, modes), { error: 'invalid_request' })
  })

  t.test('a request may come by POST (OpenID Connect Core §3.1.2.1)', async (t) => {
    const url = new URL(authorizationUrl(provider, client))
    const post = (body: URLSearchParams) =>
      fetch(`${issuer}/authorize`, { method: 'POST', body, redirect: 'manual' })
    const response = await post(url.searchParams)
    t.equal(response.status, 303)
    const next = new URL(response.headers.get('location') ?? '', issuer)
    t.strictSame([...next.searchParams.keys()], ['client_id', 'request_uri'])
    const page = await proceed(browser, await browser.open(next.href))
    t.match(Object.fromEntries(new URL(page.url).searchParams), {
      code: /./,
      state: 'the state',
      iss: issuer,
    })

    url.searchParams.delete('response_type')
    const refused = (await post(url.searchParams)).headers.get('location') ?? ''
    t.ok(refused.startsWith(`${redirectUri}?error=invalid_request`))
  })
})
