/** Token exchange (RFC 8693): who may exchange what, and that the new token is never wider. */
import { decodeJwt, decodeProtectedHeader } from 'jose'
import t from 'tap'
import {
  introspect,
  obtainTokens,
  post,
  signIn,
  toTokens,
  userinfo,
  type Fields,
  type Party,
} from '../support/flow.ts'
import { createTestProvider } from '../support/provider.ts'
import { recordedEvents } from '../support/events.ts'
import {
  accessTokenType,
  exchange,
  exchangeGrant,
  idTokenType,
  jwtType,
  refreshTokenType,
} from '../support/token-exchange.ts'

const orders = 'https://orders.example'
const stock = 'https://stock.example'
const scope = 'openid offline_access orders:read orders:write stock:read'
const refusal = (error: string, description?: RegExp) => ({
  status: 400,
  body: { error, ...(description && { error_description: description }) },
})

const claimsOf = (answer: { body: object }) =>
  decodeJwt<Record<string, unknown>>(toTokens({ status: 200, ...answer } as never).access_token)

t.test('token exchange', async (t) => {
  const provider = await createTestProvider(t, {
    CLAVIGER_AUTHORIZATION_DETAILS_TYPES: 'payment,account,other',
  })
  const { issuer, clock, services } = provider
  const user = await provider.createUser()
  const browser = await signIn(provider)
  clock.advance(30)
  const ordersScopes = ['orders:read', 'orders:write', 'stock:read']
  await services.resources.create({ resource: orders, name: 'Orders', scopes: ordersScopes })
  await services.resources.create({ resource: stock, name: 'Stock', scopes: ['stock:read'] })

  const app = await provider.createClient({ skip_consent: true, scope })
  const createApi = (policy: object, metadata = {}) =>
    provider.createClient({
      grant_types: ['client_credentials', exchangeGrant],
      redirect_uris: [],
      scope: 'orders:read stock:read',
      authorization_details_types: ['payment', 'account'],
      token_exchange: { audiences: [stock], delegation: 'allowed', ...policy },
      ...metadata,
    })
  const api = await createApi({ subject_resources: [orders] })
  const sign = (claims: object, typ = 'at+jwt') => services.keyring.sign('RS256', typ, claims)
  const now = () => Math.floor(clock.now().getTime() / 1000)
  const obtain = (fields: Fields = {}) =>
    obtainTokens(provider, browser, app, { scope, resource: orders, ...fields })
  const serviceToken = async (party: Party, fields: Fields = {}) =>
    toTokens(await post(provider, '/token', party, { grant_type: 'client_credentials', ...fields }))
      .access_token

  t.test('gives a token for the next API, and says what it is (§2.2.1)', async (t) => {
    const subject = (await obtain()).access_token
    clock.advance(10)
    const answer = await exchange(provider, api, { subject_token: subject })
    t.equal(answer.status, 200)
    t.equal(answer.headers.get('cache-control'), 'no-store')
    const { access_token: token, ...rest } = answer.body
    t.strictSame(rest, {
      issued_token_type: accessTokenType,
      token_type: 'Bearer',
      expires_in: 590,
      scope: 'stock:read',
    })
    const given = decodeJwt<Record<string, unknown>>(subject)
    const { jti, ...claims } = decodeJwt(String(token))
    t.match(jti, /^[\da-f-]{36}$/)
    t.strictSame(claims, {
      iss: issuer,
      sub: user.sub,
      aud: stock,
      exp: given.exp,
      iat: now(),
      client_id: api.clientId,
      scope: 'stock:read',
      auth_time: given['auth_time'],
      acr: given['acr'],
      amr: given['amr'],
      sid: given['sid'],
      grant_id: given['grant_id'],
      exchanged_from: [
        { kid: decodeProtectedHeader(subject).kid, client_id: app.clientId, jti: given.jti },
      ],
    })
    const { typ } = decodeProtectedHeader(String(token))
    t.equal(typ, 'at+jwt')
    t.match(await introspect(provider, api, String(token)), { active: true, sub: user.sub })
    t.match(await userinfo(provider, String(token)), { status: 401 })
  })

  t.test('is for clients that are registered for it, with a policy', async (t) => {
    const subject = (await obtain()).access_token
    const { metadata: _, ...stranger } = await provider.createClient()
    t.match(
      await exchange(provider, stranger, { subject_token: subject }),
      refusal('unauthorized_client'),
    )
    const { clients } = services
    const base = { redirect_uris: [], grant_types: [exchangeGrant] }
    const policy = { audiences: [stock], delegation: 'none' }
    const wrong: [object, RegExp][] = [
      [base, /^token_exchange: It goes with the grant/],
      [{ redirect_uris: ['https://app.example'], token_exchange: policy }, /^token_exchange: It/],
      [{ ...base, token_exchange: { audiences: [stock] } }, /token_exchange.delegation: Give it/],
      [{ ...base, token_exchange: { delegation: 'none' } }, /token_exchange.audiences: Give it/],
      [{ ...base, token_exchange: 'any' }, /^token_exchange: Give an object/],
      [{ ...base, token_exchange: { ...policy, delegation: 'yes' } }, /token_exchange.delegation/],
      [
        { ...base, token_exchange: { ...policy, subject_client: ['x'] } },
        /Did you mean subject_clients/,
      ],
      [
        { ...base, token_exchange: policy, token_endpoint_auth_method: 'none' },
        /only for clients that authenticate/,
      ],
    ]
    for (const [input, message] of wrong) await t.rejects(clients.create(input), { message })
  })

  t.test('the subject token must be meant for the client', async (t) => {
    const subject = (await obtain()).access_token
    const cases: [policy: object, isAllowed: boolean][] = [
      [{}, false],
      [{ subject_clients: ['another'] }, false],
      [{ subject_resources: [stock] }, false],
      [{ subject_clients: [app.clientId] }, true],
      [{ subject_resources: [stock, orders] }, true],
    ]
    for (const [policy, isAllowed] of cases) {
      const answer = await exchange(provider, await createApi(policy), { subject_token: subject })
      if (isAllowed) t.equal(answer.status, 200)
      else t.match(answer, refusal('invalid_request', /may not exchange the 'subject_token'/))
    }
    const web = await provider.createClient({
      skip_consent: true,
      scope,
      grant_types: ['authorization_code', exchangeGrant],
      token_exchange: { audiences: [stock], delegation: 'none' },
    })
    const own = await obtainTokens(provider, browser, web, { scope, resource: orders })
    t.equal((await exchange(provider, web, { subject_token: own.access_token })).status, 200)
  })

  t.test('an ID token is exchanged by its client, or for one that it lists', async (t) => {
    const { id_token: idToken } = await obtain()
    const other = await createApi({ subject_clients: [app.clientId] })
    for (const type of [idTokenType, jwtType]) {
      const fields = { subject_token: idToken, subject_token_type: type }
      t.match(await exchange(provider, api, fields), refusal('invalid_request'))
      const answer = await exchange(provider, other, fields)
      t.equal(answer.status, 200)
      const claims = claimsOf(answer)
      const { sid } = decodeJwt<{ sid: string }>(idToken)
      t.match(claims, { sub: user.sub, sid, aud: stock, client_id: other.clientId })
      t.strictSame(claims['exchanged_from'], [
        { kid: decodeProtectedHeader(idToken).kid, client_id: app.clientId },
      ])
      t.equal(claims.scope, undefined, 'an ID token has no scope to give')
      t.match(await introspect(provider, api, String(answer.body['access_token'])), {
        active: true,
      })
    }
    t.match(
      await exchange(provider, other, {
        subject_token: idToken,
        subject_token_type: idTokenType,
        scope: 'stock:read',
      }),
      refusal('invalid_scope'),
    )
  })

  t.test('what is a subject token, and what is not (§2.1, §2.2.2)', async (t) => {
    const tokens = await obtain()
    const subject = tokens.access_token
    const invalid: [Fields, RegExp][] = [
      [{ subject_token: undefined }, /'subject_token' is missing/],
      [{ subject_token_type: undefined }, /'subject_token_type' is missing/],
      [{ subject_token_type: 'urn:ietf:params:oauth:token-type:saml2' }, /is unknown. Use one/],
      [
        { subject_token: tokens.refresh_token, subject_token_type: refreshTokenType },
        /A refresh token is no 'subject_token'/,
      ],
      [{ subject_token: tokens.refresh_token }, /is no token of this issuer/],
      [{ subject_token: tokens.refresh_token, subject_token_type: jwtType }, /is no token/],
      [{ subject_token_type: idTokenType }, /is no token of this issuer of that type/],
      [{ subject_token: tokens.id_token }, /is no token of this issuer of that type/],
      [{ subject_token: `${subject}x` }, /is no token/],
      [{ subject_token: await sign({ ...decodeJwt(subject), iss: 'https://x.example' }) }, /is no/],
      [{ requested_token_type: refreshTokenType }, /'requested_token_type' can be/],
      [{ requested_token_type: idTokenType }, /'requested_token_type' can be/],
      [{ actor_token_type: accessTokenType }, /without an 'actor_token'/],
      [{ actor_token: subject }, /'actor_token_type' is missing/],
      [{ actor_token: 'x', actor_token_type: accessTokenType }, /'actor_token' is no token/],
      [{ actor_token: 'x', actor_token_type: refreshTokenType }, /is no 'actor_token'/],
    ]
    for (const [fields, description] of invalid)
      t.match(
        await exchange(provider, api, { subject_token: subject, ...fields }),
        refusal('invalid_request', description),
        JSON.stringify(Object.keys(fields)),
      )
    for (const fields of [
      { requested_token_type: accessTokenType },
      { subject_token_type: jwtType },
    ])
      t.equal((await exchange(provider, api, { subject_token: subject, ...fields })).status, 200)
  })

  t.test('other JWTs with the typ of an ID token are none', async (t) => {
    const other = await createApi({ subject_clients: [app.clientId] })
    const { id_token: idToken } = await obtain()
    const { auth_time: _, ...withoutTime } = decodeJwt(idToken)
    const { sid: __, ...withoutSession } = decodeJwt(idToken)
    for (const claims of [withoutTime, withoutSession])
      t.match(
        await exchange(provider, other, {
          subject_token: await sign(claims, 'JWT'),
          subject_token_type: idTokenType,
        }),
        refusal('invalid_request'),
      )
  })

  t.test('scope: a part of what the subject token and the client have (§2.1)', async (t) => {
    const subject = (await obtain()).access_token
    const wide = await createApi(
      { subject_resources: [orders], audiences: [orders, stock] },
      { scope: 'openid offline_access orders:read stock:read admin' },
    )
    const ask = (fields: Fields) =>
      exchange(provider, wide, { subject_token: subject, resource: orders, ...fields })
    const cases: [asked: string, error: string | undefined][] = [
      ['orders:read', undefined],
      ['stock:read orders:read', undefined],
      ['orders:write', 'invalid_scope'], // not the client's
      ['admin', 'invalid_scope'], // not the subject token's
      ['openid', 'invalid_scope'],
      ['orders:read offline_access', 'invalid_scope'],
      ['a"b', 'invalid_scope'],
    ]
    for (const [asked, error] of cases) {
      const answer = await ask({ scope: asked })
      if (error !== undefined) t.match(answer, refusal(error), asked)
      else {
        t.equal(claimsOf(answer).scope, asked)
        t.equal(answer.body['scope'], asked)
      }
    }
    t.equal(claimsOf(await ask({})).scope, 'orders:read stock:read', 'all that both have')
    t.equal(claimsOf(await ask({ resource: stock })).scope, 'stock:read', 'what means something')
    for (const absent of ['refresh_token', 'id_token'])
      t.notOk(absent in (await ask({})).body, absent)
  })

  t.test('audience and resource: within the policy, and registered (§2.1, RFC 8707)', async (t) => {
    const subject = (await obtain()).access_token
    const wide = await createApi({
      subject_resources: [orders],
      audiences: [orders, stock, 'https://gone.example'],
    })
    const ask = (fields: Fields, party: Party = wide) =>
      exchange(provider, party, { subject_token: subject, ...fields })
    const cases: [Fields, aud: string | string[] | undefined][] = [
      [{ resource: stock }, stock],
      [{ audience: stock }, stock],
      [{ audience: stock, resource: stock }, stock],
      [{ audience: [stock, orders] }, [stock, orders]],
      [{ resource: orders, audience: stock }, [orders, stock]],
      [{}, undefined], // which of them?
      [{ resource: issuer }, undefined],
      [{ audience: [stock, 'https://other.example'] }, undefined],
      [{ resource: 'https://gone.example' }, undefined], // not registered
    ]
    for (const [fields, aud] of cases) {
      const answer = await ask(fields)
      if (aud === undefined) t.match(answer, refusal('invalid_target'), JSON.stringify(fields))
      else t.strictSame(claimsOf(answer).aud, aud)
    }
    t.equal(claimsOf(await ask({}, api)).aud, stock, 'the only one of the policy')
  })

  t.test('the new token expires no later than the tokens that it is made from', async (t) => {
    const subject = (await obtain()).access_token
    clock.advance(400)
    const actor = await serviceToken(api)
    const answer = await exchange(provider, api, { subject_token: subject })
    t.equal(answer.body['expires_in'], 200)
    t.equal(claimsOf(answer).exp, decodeJwt(subject).exp)
    const later = (await obtain()).access_token
    clock.advance(100)
    const delegated = await exchange(provider, api, {
      subject_token: later,
      actor_token: actor,
      actor_token_type: accessTokenType,
    })
    t.equal(delegated.body['expires_in'], 500)
    await services.resources.update(stock, { access_token_ttl_seconds: 60 })
    const short = await exchange(provider, api, { subject_token: later })
    t.equal(short.body['expires_in'], 60)
    await services.resources.update(stock, { access_token_ttl_seconds: null })
    clock.advance(100)
    t.match(
      await exchange(provider, api, { subject_token: subject }),
      refusal('invalid_request', /expired/),
    )
  })

  t.test('delegation: act names who acts, around those who did before (§4.1)', async (t) => {
    const subject = (await obtain()).access_token
    const delegated = await exchange(provider, api, {
      subject_token: subject,
      actor_token: await serviceToken(api),
      actor_token_type: accessTokenType,
    })
    const first = { sub: api.clientId, client_id: api.clientId }
    t.strictSame(claimsOf(delegated)['act'], first)
    const events = await recordedEvents(provider)
    t.strictSame(events.at(-1)?.details, { grant_type: exchangeGrant, act: api.clientId })

    const next = await createApi({ subject_resources: [stock] })
    const fields = { subject_token: String(delegated.body['access_token']) }
    const impersonated = await exchange(provider, next, fields)
    t.strictSame(claimsOf(impersonated)['act'], first, 'who acted before is not forgotten')
    const again = await exchange(provider, next, {
      ...fields,
      actor_token: await serviceToken(next),
      actor_token_type: jwtType,
    })
    const second = { sub: next.clientId, client_id: next.clientId, act: first }
    t.strictSame(claimsOf(again)['act'], second)
    t.match(await introspect(provider, app, String(again.body['access_token'])), { act: second })
    t.strictSame(
      (claimsOf(again)['exchanged_from'] as { client_id: string }[]).map((one) => one.client_id),
      [api.clientId, app.clientId, api.clientId, next.clientId],
    )
  })

  t.test('a person can act for a person', async (t) => {
    const { sub } = await provider.createUser({ email: 'bob@example.com' })
    const bob = await signIn(provider, undefined, 'bob@example.com')
    const support = await obtainTokens(provider, bob, app, { scope, resource: orders })
    const answer = await exchange(provider, api, {
      subject_token: (await obtain()).access_token,
      actor_token: support.access_token,
      actor_token_type: accessTokenType,
    })
    const { act, sub: subject, exchanged_from: from } = claimsOf(answer)
    t.equal(subject, user.sub)
    t.strictSame(act, { sub, client_id: app.clientId })
    t.match(from, [{ client_id: app.clientId }, { client_id: app.clientId, sub }])
    const token = String(answer.body['access_token'])
    await services.revocations.revokeUser(sub, { actor: 'ada' })
    t.match(await introspect(provider, api, token), { active: false }, 'the actor takes it along')
  })

  t.test('an actor is its own, allowed by the policy, and there is an end to them', async (t) => {
    const subject = (await obtain()).access_token
    const actor = { actor_token: await serviceToken(api), actor_token_type: accessTokenType }
    const none = await createApi({ subject_resources: [orders], delegation: 'none' })
    t.match(
      await exchange(provider, none, { subject_token: subject, ...actor }),
      refusal('invalid_request', /without an actor/),
    )
    const required = await createApi({ subject_resources: [orders], delegation: 'required' })
    t.match(
      await exchange(provider, required, { subject_token: subject }),
      refusal('invalid_request', /for an actor only/),
    )
    t.match(
      await exchange(provider, required, { subject_token: subject, ...actor }),
      refusal('invalid_request', /may not exchange the 'actor_token'/),
    )
    const delegated = await exchange(provider, api, { subject_token: subject, ...actor })
    const middle = await createApi({ subject_resources: [orders, stock] })
    t.match(
      await exchange(provider, middle, {
        subject_token: subject,
        actor_token: String(delegated.body['access_token']),
        actor_token_type: accessTokenType,
      }),
      refusal('invalid_request', /Somebody acts for the subject of the 'actor_token'/),
    )
    const nest = (depth: number): object => (depth === 0 ? {} : { sub: 'x', act: nest(depth - 1) })
    const many = await sign({ ...decodeJwt(subject), act: nest(4) })
    t.match(
      await exchange(provider, api, { subject_token: many, ...actor }),
      refusal('invalid_request', /too many actors/),
    )
    const long = Array.from({ length: 10 }, () => ({ client_id: 'x' }))
    const old = await sign({ ...decodeJwt(subject), exchanged_from: long })
    t.match(
      await exchange(provider, api, { subject_token: old }),
      refusal('invalid_request', /exchanged too often/),
    )
  })

  t.test('may_act in the subject token is the last word on who may act (§4.4)', async (t) => {
    const subject = decodeJwt((await obtain()).access_token)
    const actor = { actor_token: await serviceToken(api), actor_token_type: accessTokenType }
    const cases: [mayAct: unknown, isAllowed: boolean][] = [
      [{ sub: api.clientId }, true],
      [{ sub: api.clientId, iss: issuer, client_id: api.clientId }, true],
      [{ sub: 'another' }, false],
      [{ sub: api.clientId, iss: 'https://other.example' }, false],
      [{ sub: api.clientId, email: 'x' }, false],
      [{}, false],
      ['x', false],
    ]
    for (const [mayAct, isAllowed] of cases)
      for (const fields of [actor, {}]) {
        const token = await sign({ ...subject, may_act: mayAct })
        const answer = await exchange(provider, api, { subject_token: token, ...fields })
        if (isAllowed) t.strictSame(claimsOf(answer)['may_act'], mayAct, 'and it stays')
        else t.match(answer, refusal('invalid_request', /says who may act/))
      }
  })

  t.test('a service hands on its own tokens: their subject is the service', async (t) => {
    const service = await provider.createClient({
      grant_types: ['client_credentials'],
      redirect_uris: [],
      scope: 'stock:read',
    })
    const subject = await serviceToken(service, { scope: 'stock:read' })
    t.match(await exchange(provider, api, { subject_token: subject }), refusal('invalid_request'))
    const other = await createApi({ subject_clients: [service.clientId] })
    const answer = await exchange(provider, other, { subject_token: subject })
    const { sub, client_id: clientId, sid, grant_id: grantId } = claimsOf(answer)
    t.strictSame(
      { sub, clientId, sid, grantId },
      { sub: service.clientId, clientId: other.clientId, sid: undefined, grantId: undefined },
    )
  })

  t.test(
    'authorization_details: those of the subject token, when asked for (RFC 9396)',
    async (t) => {
      const details = [
        { type: 'payment', amount: '10' },
        { type: 'account' },
        { type: 'account', locations: [orders] },
        { type: 'other' },
      ]
      const { access_token: token } = await obtain()
      const subject = await sign({ ...decodeJwt(token), authorization_details: details })
      const ask = (asked?: unknown) =>
        exchange(provider, api, {
          subject_token: subject,
          authorization_details: asked === undefined ? undefined : JSON.stringify(asked),
        })
      t.equal(claimsOf(await ask())['authorization_details'], undefined)
      t.strictSame(claimsOf(await ask([details[1]]))['authorization_details'], [details[1]])
      t.strictSame((await ask([details[1]])).body['authorization_details'], [details[1]])
      const elsewhere = claimsOf(await ask([details[2]]))
      t.strictSame(elsewhere['authorization_details'] ?? [], [], 'it means something elsewhere')
      for (const wrong of [
        [details[3]], // not of the client's types
        [{ type: 'payment' }],
        [{ type: 'payment', amount: '11' }],
        [...details, { type: 'other' }],
        'x',
        ['x'],
        {},
        [{ type: 'x'.repeat(5000) }],
      ])
        t.match(await ask(wrong), refusal('invalid_authorization_details'))
      t.match(
        await exchange(provider, api, { subject_token: subject, authorization_details: '[' }),
        refusal('invalid_authorization_details'),
      )
    },
  )

  t.test('what would be too long to be accepted here is not issued', async (t) => {
    const wordy = await createApi(
      { subject_resources: [orders] },
      { custom_claims: { words: 'x'.repeat(2900) } },
    )
    const from = Array.from({ length: 7 }, () => ({ client_id: 'x'.repeat(1000) }))
    const { access_token: token } = await obtain()
    const long = await sign({ ...decodeJwt(token), exchanged_from: from })
    t.equal((await exchange(provider, api, { subject_token: long })).status, 200)
    t.match(
      await exchange(provider, wordy, { subject_token: long }),
      refusal('invalid_request', /too long/),
    )
  })

  t.test('an exchanged token is revoked by its own client (RFC 7009)', async (t) => {
    const subject = (await obtain()).access_token
    const answer = await exchange(provider, api, { subject_token: subject })
    const token = String(answer.body['access_token'])
    t.match(await post(provider, '/revoke', app, { token }), refusal('invalid_request'))
    t.equal((await post(provider, '/revoke', api, { token })).status, 200)
    t.strictSame(await introspect(provider, app, token), { active: false })
    t.match(await introspect(provider, app, subject), { active: true }, 'what it came from lives')
  })
})
