/** Rich authorization requests (RFC 9396), from the request to the tokens. */
import { decodeJwt } from 'jose'
import t from 'tap'
import {
  authorizationUrl,
  authorize,
  introspect,
  obtainTokens,
  post,
  proceed,
  redeem,
  refresh,
  signIn,
  toTokens,
  type Answer,
} from '../support/flow.ts'
import { createTestProvider } from '../support/provider.ts'

const bank = 'https://bank.example/payments'
const payment = {
  type: 'payment_initiation',
  actions: ['initiate', 'cancel'],
  locations: [bank],
  instructedAmount: { currency: 'EUR', amount: '123.50' },
}
const account = { type: 'account_information', identifier: 'DE02' }
const types = ['payment_initiation', 'account_information']
const asked = JSON.stringify([payment, account])

const detailsOf = (token: string) => decodeJwt(token)['authorization_details']
const granted = ({ body }: Answer) => body['authorization_details']

t.test('authorization_details', async (t) => {
  const provider = await createTestProvider(t, {
    CLAVIGER_AUTHORIZATION_DETAILS_TYPES: types.join(','),
  })
  await provider.createUser()
  await provider.services.resources.create({ resource: bank, name: 'Bank' })
  await provider.services.resources.create({ resource: 'https://other.example', name: 'Other' })
  const client = await provider.createClient({ authorization_details_types: types })
  const browser = await signIn(provider)
  const ask = (changes: object) => authorize(provider, browser, client, { ...changes })

  const redeemFor = async (details: unknown) =>
    redeem(provider, client, (await ask({ authorization_details: asked }))['code'], {
      authorization_details: JSON.stringify(details),
    })

  t.test('the types are advertised (§10)', async (t) => {
    const discovery = await fetch(`${provider.issuer}/.well-known/oauth-authorization-server`)
    t.match(await discovery.json(), { authorization_details_types_supported: types })
  })

  t.test('people see what they allow, and are asked each time', async (t) => {
    const url = authorizationUrl(provider, client, { authorization_details: asked })
    for (let time = 1; time <= 2; time++) {
      const page = await browser.open(url)
      t.match(page.url, '/consent?')
      for (const words of [
        'payment_initiation',
        'initiate',
        bank,
        'EUR',
        '123.50',
        'ask you again',
      ])
        t.ok(page.html.includes(words), words)
      t.match((await browser.submit(page, { decision: 'allow' })).url, /\?code=/)
    }
    t.match(await ask({ authorization_details: asked, prompt: 'none' }), {
      error: 'consent_required',
    })
    t.ok((await ask({ prompt: 'none' }))['code'], 'other requests are remembered')
    const refused = await browser.submit(await browser.open(url), { decision: 'deny' })
    t.match(refused.url, /error=access_denied/)
  })

  t.test('what people allow is in the response and in the access token (§7, §9.1)', async (t) => {
    const { code } = await ask({ authorization_details: asked })
    const answer = await redeem(provider, client, code)
    t.strictSame(granted(answer), [payment, account])
    const tokens = toTokens(answer)
    t.strictSame(detailsOf(tokens.access_token), [payment, account])
    t.notOk('authorization_details' in decodeJwt(tokens.id_token))
    t.strictSame(
      (await introspect(provider, client, tokens.access_token))['authorization_details'],
      [payment, account],
      'introspection (§9.2)',
    )
  })

  t.test('a token for one resource has what is for that one (§9.1)', async (t) => {
    const resource = [bank, 'https://other.example']
    const changes = { authorization_details: asked, resource }
    const narrow = async (to: string) =>
      granted(
        await redeem(provider, client, (await ask(changes))['code'], {
          resource: to,
        }),
      )
    t.strictSame(await narrow(bank), [payment, account])
    t.strictSame(await narrow('https://other.example'), [account])
  })

  t.test('the token request may ask for less, and for nothing else (§6)', async (t) => {
    const { type, ...members } = payment
    t.strictSame(granted(await redeemFor([{ ...members, type }])), [payment])
    for (const details of [
      [{ ...payment, actions: ['initiate'] }],
      [{ type }],
      [account, { type: 'account_information' }],
      [],
      'x',
    ])
      t.match(
        await redeemFor(details),
        { status: 400, body: { error: 'invalid_authorization_details' } },
        JSON.stringify(details),
      )
  })

  t.test('refreshing keeps it, and may ask for less; a refusal costs nothing', async (t) => {
    const tokens = await obtainTokens(provider, browser, client, {
      authorization_details: asked,
      scope: 'openid offline_access',
    })
    t.match(
      await refresh(provider, client, tokens.refresh_token, {
        authorization_details: JSON.stringify([{ ...account, identifier: 'DE03' }]),
      }),
      { status: 400, body: { error: 'invalid_authorization_details' } },
    )
    t.strictSame(
      (await introspect(provider, client, tokens.refresh_token))['authorization_details'],
      [payment, account],
    )
    const less = await refresh(provider, client, tokens.refresh_token, {
      authorization_details: JSON.stringify([account]),
    })
    t.strictSame(granted(less), [account])
    const again = await refresh(provider, client, toTokens(less).refresh_token)
    t.strictSame(granted(again), [payment, account], 'the grant is whole')
    t.strictSame(detailsOf(toTokens(again).access_token), [payment, account])

    await provider.services.clients.update(client.clientId, {
      authorization_details_types: ['account_information'],
    })
    const later = await refresh(provider, client, toTokens(again).refresh_token)
    t.strictSame(granted(later), [account], 'as far as the client may still ask for it (§10)')
    await provider.services.clients.update(client.clientId, { authorization_details_types: types })
  })

  t.test('without any, there are none', async (t) => {
    const tokens = await obtainTokens(provider, browser, client, { scope: 'openid offline_access' })
    t.notOk('authorization_details' in tokens)
    t.equal(detailsOf(tokens.access_token), undefined)
    t.match(
      await refresh(provider, client, tokens.refresh_token, { authorization_details: asked }),
      { status: 400, body: { error: 'invalid_authorization_details' } },
    )
    t.equal((await refresh(provider, client, tokens.refresh_token)).status, 200)
  })

  t.test('malformed ones and unknown types are refused at the client (§5)', async (t) => {
    const unregistered = await provider.createClient({ skip_consent: true })
    const misregistered = await provider.createClient({ authorization_details_types: ['unheard'] })
    const rows = [
      [client, '[{"type":"unheard"}]'],
      [client, '[{"actions":["x"]}]'],
      [client, 'nonsense'],
      [unregistered, asked],
      [misregistered, '[{"type":"unheard"}]'],
    ] as const
    for (const [party, authorization_details] of rows)
      t.match(await authorize(provider, browser, party, { authorization_details }), {
        error: 'invalid_authorization_details',
        error_description: /authorization_details/,
        state: 'the state',
      })
  })

  t.test('and where the request is pushed, at once (RFC 9126 §2.1)', async (t) => {
    const party = await provider.createClient({ authorization_details_types: ['unheard'] })
    const request = new URL(
      authorizationUrl(provider, party, { authorization_details: '[{"type":"unheard"}]' }),
    ).searchParams
    t.match(await post(provider, '/par', party, Object.fromEntries(request)), {
      status: 400,
      body: { error: 'invalid_authorization_details' },
    })
    request.set('authorization_details', asked)
    request.set('prompt', 'create')
    t.match(
      await post(provider, '/par', client, {
        ...Object.fromEntries(request),
        client_id: client.clientId,
      }),
      {
        status: 400,
        body: { error: 'invalid_request', error_description: /create/ },
      },
    )
  })

  t.test('a first-party client is trusted with them, too', async (t) => {
    const own = await provider.createClient({
      skip_consent: true,
      authorization_details_types: types,
    })
    const page = await browser.open(
      authorizationUrl(provider, own, { authorization_details: asked }),
    )
    t.match((await proceed(browser, page)).url, /\?code=/)
  })

  t.test('client_credentials: a service may ask for its types', async (t) => {
    const service = await provider.createClient({
      grant_types: ['client_credentials'],
      redirect_uris: [],
      authorization_details_types: ['account_information', 'unheard'],
    })
    const request = (details: unknown) =>
      post(provider, '/token', service, {
        grant_type: 'client_credentials',
        authorization_details: JSON.stringify(details),
      })
    const answer = await request([account])
    t.strictSame(granted(answer), [account])
    t.strictSame(detailsOf(toTokens(answer).access_token), [account])
    for (const details of [[payment], [{ type: 'unheard' }], [{}]])
      t.match(await request(details), {
        status: 400,
        body: { error: 'invalid_authorization_details' },
      })
  })

  t.test('hostile members are text on the page', async (t) => {
    const hostile = '"><script>alert(1)</script>'
    const details = JSON.stringify([{ type: 'payment_initiation', [hostile]: [hostile] }])
    const page = await browser.open(
      authorizationUrl(provider, client, { authorization_details: details }),
    )
    t.match(page.url, '/consent?')
    t.notOk(page.html.includes('<script>alert'))
  })
})
