/** Claims asked for one by one and classes of sign-in (OpenID Connect Core §5.5, §3.1.2.1), by the suite's names where it looks. */
import { decodeJwt } from 'jose'
import t from 'tap'
import { acrValues } from '../../src/protocol/acr.ts'
import { standardClaims } from '../../src/protocol/standard-claims.ts'
import {
  authorizationUrl,
  authorize,
  obtainTokens,
  refresh,
  signIn,
  toTokens,
  userinfo,
  type Fields,
} from '../support/flow.ts'
import { createTestProvider } from '../support/provider.ts'

const about = {
  name: 'Alice Liddell',
  given_name: 'Alice',
  family_name: 'Liddell',
  middle_name: 'P.',
  nickname: 'Al',
  profile: 'https://alice.example',
  picture: 'https://alice.example/me.png',
  website: 'https://alice.example/blog',
  gender: 'female',
  birthdate: '1852-05-04',
  zoneinfo: 'Europe/London',
  locale: 'en-GB',
  address: { country: 'GB' },
  phone_number: '+44 20 7946 0000',
  phone_number_verified: true,
}
const all = 'openid profile email address phone offline_access roles'
const protocolClaims = 'iss sub aud exp iat auth_time acr amr sid nonce'.split(' ')

const own = (token: string) =>
  Object.keys(decodeJwt(token)).filter((name) => !protocolClaims.includes(name))
const subject = (sub: string) => ({ id_token: { sub: { value: sub } } })
const acr = (demand: object) => ({ id_token: { acr: demand } })
const withClaims = (claims: object, changes: Fields = {}) => ({
  claims: JSON.stringify(claims),
  ...changes,
})

t.test('the claims parameter', async (t) => {
  const provider = await createTestProvider(t)
  const user = await provider.createUser({
    username: 'alice',
    claims: { ...about, roles: ['admin'] },
  })
  await provider.createUser({ email: 'bob@example.com' })
  const client = await provider.createClient({ skip_consent: true, scope: all })
  const browser = await signIn(provider)
  const obtain = (claims: object, changes: Fields = {}) =>
    obtainTokens(provider, browser, client, withClaims(claims, changes))
  const ask = (claims: object, changes: Fields = {}) =>
    authorize(provider, browser, client, withClaims(claims, changes))

  t.test(
    'oidcc-claims-essential: the name is in userinfo, and not in the ID token (§5.5)',
    async (t) => {
      const tokens = await obtain({ userinfo: { name: { essential: true } } })
      t.strictSame((await userinfo(provider, tokens.access_token)).body, {
        sub: user.sub,
        name: 'Alice Liddell',
      })
      t.strictSame(own(tokens.id_token), [])
      t.strictSame(decodeJwt(tokens.access_token)['userinfo_claims'], ['name'])
    },
  )

  t.test('the ID token has exactly what was asked for it', async (t) => {
    const tokens = await obtain({ id_token: { email: null, roles: null, auth_time: null } })
    t.match(decodeJwt(tokens.id_token), { email: 'alice@example.com', roles: ['admin'] })
    t.strictSame(own(tokens.id_token).toSorted(), ['email', 'roles'])
    t.strictSame((await userinfo(provider, tokens.access_token)).body, { sub: user.sub })
    t.notOk('roles' in decodeJwt(tokens.access_token), 'an API gets it by the scope')
  })

  t.test(
    'FAPI2 TestClaimsParameterIdentityClaims: every claim of the discovery document comes',
    async (t) => {
      const discovery = await fetch(`${provider.issuer}/.well-known/openid-configuration`)
      const { claims_supported, claims_parameter_supported } = (await discovery.json()) as {
        claims_supported: string[]
        claims_parameter_supported: boolean
      }
      t.equal(claims_parameter_supported, true)
      const demands = Object.fromEntries(claims_supported.map((name) => [name, null]))
      const tokens = await obtain({ userinfo: demands, id_token: demands })
      const inIdToken = decodeJwt(tokens.id_token)
      const { body } = await userinfo(provider, tokens.access_token)
      for (const name of claims_supported) t.ok(name in inIdToken, name)
      for (const name of standardClaims.keys()) t.ok(name in body, name)
      t.strictSame(Object.keys(inIdToken).toSorted(), claims_supported.toSorted())
    },
  )

  t.test(
    'what is unknown, not there or no claim about a user is left out, essential or not (§5.5.1)',
    async (t) => {
      const { body } = await userinfo(
        provider,
        (
          await obtain({
            userinfo: {
              department: { essential: true },
              'name#ja': null,
              exp: { essential: true },
              scope: { value: 'admin' },
              __proto__: null,
            },
          })
        ).access_token,
      )
      t.strictSame(body, { sub: user.sub })
    },
  )

  t.test("and so is what the client's registration does not reach", async (t) => {
    const small = await provider.createClient({ skip_consent: true, scope: 'openid' })
    const demands = { name: null, email: { essential: true }, roles: null }
    const claims = JSON.stringify({ userinfo: demands, id_token: demands })
    const tokens = await obtainTokens(provider, browser, small, { claims })
    t.strictSame((await userinfo(provider, tokens.access_token)).body, { sub: user.sub })
    t.strictSame(own(tokens.id_token), [])
  })

  t.test('refreshes keep it, narrowed ones too, as long as the client may', async (t) => {
    const demands = { userinfo: { email: null }, id_token: { nickname: null } }
    const first = await obtain(demands, { scope: 'openid profile offline_access' })
    const second = toTokens(
      await refresh(provider, client, first.refresh_token, { scope: 'openid' }),
    )
    t.strictSame((await userinfo(provider, second.access_token)).body, {
      sub: user.sub,
      email: 'alice@example.com',
    })
    t.strictSame(own(second.id_token), ['nickname'])
    await provider.services.clients.update(client.clientId, { scope: 'openid offline_access' })
    const third = toTokens(await refresh(provider, client, second.refresh_token))
    t.strictSame((await userinfo(provider, third.access_token)).body, { sub: user.sub })
    t.strictSame(own(third.id_token), [])
    await provider.services.clients.update(client.clientId, { scope: all })
  })

  t.test('a malformed one is told to the client (§5.5)', async (t) => {
    for (const claims of ['{', '[]', '{"id_token":{"name":1}}', 'x'.repeat(5000)])
      t.match(await authorize(provider, browser, client, { claims }), {
        error: 'invalid_request',
        error_description: /claims/,
      })
  })

  t.test('sub: nobody else may be signed in (§5.5.1)', async (t) => {
    t.ok((await ask(subject(user.sub), { prompt: 'none' }))['code'])
    t.match(await ask(subject('bob'), { prompt: 'none' }), { error: 'login_required' })
    const url = authorizationUrl(provider, client, withClaims(subject('bob')))
    t.match((await browser.open(url)).url, '/login?')
    t.match(await ask(subject('bob')), { error: 'login_required' }, 'Alice signed in instead')
    const contradiction = { ...subject(user.sub), userinfo: { sub: { values: ['bob'] } } }
    t.match(await ask(contradiction, { prompt: 'none' }), { error: 'login_required' })
  })

  t.test('consent: each is asked for once, and comes with the scope that gives it', async (t) => {
    const asking = await provider.createClient({ scope: all })
    const open = (claims: object, changes: Fields = {}) =>
      browser.open(authorizationUrl(provider, asking, withClaims(claims, changes)))
    const page = await open({ userinfo: { email: null, birthdate: null, roles: null } })
    for (const words of [/See your email address/, /date of birth/, /<code>roles<\/code>/])
      t.match(page.html, words)
    t.match((await browser.submit(page, { decision: 'allow' })).url, /\?code=/)
    t.match((await open({ id_token: { birthdate: null } })).url, /\?code=/, 'remembered')
    t.match((await open({}, { scope: 'openid email' })).url, '/consent?', 'the scope is more')
    const more = await open({ id_token: { nickname: null } })
    t.match(more.url, '/consent?')
    t.match(more.html, /nickname/)
  })

  t.test(
    'acr: the class of the sign-in is in both tokens (Core §2, RFC 9068 §2.2.1)',
    async (t) => {
      const tokens = await obtainTokens(provider, browser, client)
      for (const token of [tokens.id_token, tokens.access_token])
        t.equal(decodeJwt(token)['acr'], acrValues[0])
    },
  )

  t.test(
    'oidcc-ensure-request-with-acr-values-succeeds: an advertised acr comes back',
    async (t) => {
      for (const acr_values of [acrValues.join(' '), '1 2', `2 ${acrValues[0]}`]) {
        const tokens = await obtainTokens(provider, browser, client, { acr_values })
        t.ok(acrValues.includes(String(decodeJwt(tokens.id_token)['acr'])), acr_values)
      }
      const withDefault = await provider.createClient({
        skip_consent: true,
        default_acr_values: ['urn:unknown'],
      })
      const tokens = await obtainTokens(provider, browser, withDefault)
      t.equal(decodeJwt(tokens.id_token)['acr'], acrValues[0], 'voluntary (Registration §2)')
    },
  )

  t.test('an essential acr is reached or refused (§5.5.1.1)', async (t) => {
    t.ok((await ask(acr({ essential: true })))['code'], 'any will do')
    t.ok((await ask(acr({ essential: true, values: ['urn:x', acrValues[0]] })))['code'])
    t.ok((await ask(acr({ values: ['urn:x'] })))['code'], 'voluntary')
    for (const changes of [{}, { prompt: 'none' }, { prompt: 'login' }])
      t.match(await ask(acr({ essential: true, value: 'urn:x' }), changes), {
        error: 'unmet_authentication_requirements',
        state: 'the state',
      })
  })
})
