/** The JWT bearer grant (RFC 7523 §2.1): another issuer's assertion about a user becomes a user's access token. */
import { generateKeyPairSync, randomUUID, type KeyObject } from 'node:crypto'
import { decodeJwt, SignJWT, type JWTPayload } from 'jose'
import t from 'tap'
import { jwtBearerGrant } from '../../src/protocol/grant-types.ts'
import {
  introspect,
  obtainTokens,
  post,
  startSession,
  toTokens,
  userinfo,
  type Fields,
} from '../support/flow.ts'
import { createTestProvider, type TestProvider } from '../support/provider.ts'

const act = { actor: 'ada' }
const partner = 'https://partner.example'
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const ed = generateKeyPairSync('ed25519')
const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' })

const jwkOf = (key: KeyObject, kid: string) => ({ ...key.export({ format: 'jwk' }), kid })
const keys = [jwkOf(ec.publicKey, 'ec'), jwkOf(rsa.publicKey, 'rsa'), jwkOf(ed.publicKey, 'ed')]

/** Undefined leaves a claim out. */
type Claims = Record<string, unknown>

const shared = await createTestProvider(t)

/** A user and a client of its own, later than whatever was revoked before. */
async function setUp({
  metadata = {},
  provider = shared,
}: { metadata?: object; provider?: TestProvider } = {}) {
  provider.clock.advance(60)
  const username = `alice-${randomUUID()}`
  const email = `${username}@example.com`
  const user = await provider.services.accounts.create({ username, email })
  const client = await provider.createClient({
    grant_types: [jwtBearerGrant],
    redirect_uris: [],
    scope: 'orders:read openid offline_access revocations',
    assertion_issuers: [{ issuer: partner, jwks: { keys }, subject: 'email' }],
    ...metadata,
  })
  const now = () => Math.floor(provider.clock.now().getTime() / 1000)

  function sign(
    claims: Claims = {},
    { alg = 'ES256', kid = 'ec', key = ec.privateKey, typ }: SignOptions = {},
  ): Promise<string> {
    const payload = {
      iss: partner,
      sub: email,
      aud: provider.issuer,
      iat: now(),
      exp: now() + 60,
      jti: randomUUID(),
      ...claims,
    }
    return new SignJWT(payload)
      .setProtectedHeader({ alg, kid, ...(typ !== undefined && { typ: typ as string }) })
      .sign(key)
  }

  const exchange = async (assertion: string, fields: Fields = { scope: 'orders:read' }) =>
    post(provider, '/token', client, { grant_type: jwtBearerGrant, assertion, ...fields })

  return { provider, user, client, now, sign, exchange }
}

interface SignOptions {
  alg?: string
  kid?: string
  key?: KeyObject
  typ?: unknown
}

const refused = (description: string | RegExp) => ({
  status: 400,
  body: { error: 'invalid_grant', error_description: description },
})

t.test("an assertion becomes a user's access token, and nothing else", async (t) => {
  const { provider, user, client, sign, exchange } = await setUp()
  const { status, body } = await exchange(await sign())
  t.equal(status, 200)
  t.strictSame(Object.keys(body).toSorted(), ['access_token', 'expires_in', 'scope', 'token_type'])
  const claims = decodeJwt(String(body['access_token']))
  t.match(claims, {
    iss: provider.issuer,
    sub: user.sub,
    client_id: client.clientId,
    scope: 'orders:read',
    grant_id: /^[\da-f-]{36}$/,
  })
  for (const name of ['sid', 'auth_time', 'amr', 'acr'])
    t.notOk(name in claims, `${name}: nobody signed in here`)
  t.match(await introspect(provider, client, String(body['access_token'])), { active: true })
  t.equal((await userinfo(provider, String(body['access_token']))).status, 403)

  const { body: other } = await exchange(await sign({ aud: `${provider.issuer}/token` }), {})
  t.not(decodeJwt(String(other['access_token']))['grant_id'], claims['grant_id'])
  t.equal(other['scope'], undefined)
})

t.test('every algorithm that there is a key for, and no other', async (t) => {
  const { sign, exchange } = await setUp()
  const sound: SignOptions[] = [
    { alg: 'ES256', kid: 'ec', key: ec.privateKey },
    { alg: 'RS256', kid: 'rsa', key: rsa.privateKey },
    { alg: 'PS256', kid: 'rsa', key: rsa.privateKey, typ: 'JWT' },
    { alg: 'EdDSA', kid: 'ed', key: ed.privateKey, typ: 'jwt' },
  ]
  for (const options of sound)
    t.equal((await exchange(await sign({}, options))).status, 200, String(options.alg))

  const signature = refused(/^The assertion is refused\. Its signature/)
  const faulty: SignOptions[] = [
    { key: stranger.privateKey },
    { alg: 'RS512', kid: 'rsa', key: rsa.privateKey },
    { kid: 'unknown' },
  ]
  for (const options of faulty) t.match(await exchange(await sign({}, options)), signature)
  const [header = '', payload = ''] = (await sign()).split('.')
  const unsigned = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${payload}.`
  t.match(await exchange(unsigned), signature)
  t.match(await exchange(`${header}.${payload}.`), signature)
  t.match(await exchange('nonsense'), refused(/not a signed JWT/))
  t.match(await exchange('x'.repeat(8193)), refused(/within 8192 characters/))
})

t.test('each claim is checked, and the refusal names it', async (t) => {
  const { provider, user, now, sign, exchange } = await setUp()
  const faults: [Claims, RegExp][] = [
    [{ iss: 'https://another.example' }, /Its iss must be/],
    [{ iss: undefined }, /Its iss must be/],
    [{ aud: 'https://another.example' }, /Its aud must be/],
    [{ aud: [provider.issuer] }, /Its aud must be/],
    [{ aud: undefined }, /Its aud must be/],
    [{ exp: undefined }, /its exp is missing/],
    [{ exp: now() - 10 }, /It is expired/],
    [{ exp: now() + 3600 + 11 }, /more than 3600 seconds ahead/],
    [{ exp: 'soon' }, /its exp is missing/],
    [{ nbf: now() + 11 }, /Its nbf/],
    [{ iat: now() + 11 }, /Its iat/],
    [{ iat: undefined }, /Its iat/],
    [{ iat: 'now' }, /Its iat/],
    [{ jti: undefined }, /Its jti/],
    [{ jti: 7 }, /Its jti/],
    [{ jti: 'x'.repeat(257) }, /Its jti/],
    [{ sub: undefined }, /Its sub must be a string/],
    [{ sub: '' }, /Its sub must be a string/],
    [{ sub: 'nobody@example.com' }, /Its sub is the email of no user here/],
    [{ sub: user.username }, /Its sub is the email of no user here/],
  ]
  for (const [claims, description] of faults)
    t.match(await exchange(await sign(claims)), refused(description), JSON.stringify(claims))
  for (const claims of [{ nbf: now() + 10, iat: now() + 10 }, { exp: now() - 9 }])
    t.equal((await exchange(await sign(claims))).status, 200, 'clocks may differ by ten seconds')
  for (const typ of ['at+jwt', 7])
    t.match(await exchange(await sign({}, { typ })), refused(/Its typ must be JWT/))
})

t.test('an assertion works once, at whichever client', async (t) => {
  const { provider, client, sign, exchange } = await setUp()
  const { assertion_issuers } = client.metadata
  const other = await provider.createClient({
    grant_types: [jwtBearerGrant],
    redirect_uris: [],
    assertion_issuers,
  })
  const assertion = await sign()
  const answers = await Promise.all(Array.from({ length: 4 }, () => exchange(assertion)))
  t.equal(answers.filter(({ status }) => status === 200).length, 1)
  t.match(await exchange(assertion), refused(/It was used before/))
  const again = await post(provider, '/token', other, { grant_type: jwtBearerGrant, assertion })
  t.match(again, refused(/It was used before/))
  t.equal((await exchange(await sign({ jti: 'one of its own' }))).status, 200)
})

t.test('the user is found by the name that is configured, and by no other', async (t) => {
  const { provider, user, client, sign, exchange } = await setUp()
  const names = {
    sub: user.sub,
    email: user.email!.toUpperCase(),
    username: user.username!.toUpperCase(),
  }
  for (const [subject, own] of Object.entries(names)) {
    await provider.services.clients.update(client.clientId, {
      assertion_issuers: [{ issuer: partner, jwks: { keys }, subject }],
    })
    for (const sub of Object.values(names)) {
      const { status } = await exchange(await sign({ sub }))
      t.equal(status, sub === own ? 200 : 400, `${subject}: ${sub}`)
    }
  }
})

t.test('where people sign up by themselves, an email counts once it is verified', async (t) => {
  const { provider, sign, exchange } = await setUp({
    provider: await createTestProvider(t, { CLAVIGER_SIGN_UP: 'on' }),
  })
  await provider.createUser({ email: 'bob@example.com', emailVerified: true })
  t.match(await exchange(await sign()), refused(/Its sub is the email of no user here/))
  t.equal((await exchange(await sign({ sub: 'bob@example.com' }))).status, 200)
})

t.test('a revoked user comes back with an assertion that is later', async (t) => {
  const { provider, user, client, now, sign, exchange } = await setUp()
  const { revocations, accounts } = provider.services
  const before = await sign({ exp: now() + 600 })
  provider.clock.advance(5.5)
  await revocations.revokeUser(user.sub, act)
  t.match(await exchange(before), refused(/counts no more/))
  t.match(await exchange(await sign()), refused(/counts no more/), 'of the same second')
  const ofFastClock = () => sign({ iat: now() + 10, exp: now() + 600 })
  const kept = await ofFastClock()
  t.match(await exchange(await ofFastClock()), refused(/counts no more/), 'of a clock ahead')
  provider.clock.advance(10)
  t.match(await exchange(kept), refused(/counts no more/), 'nor does it get better by waiting')
  provider.clock.advance(1)
  const { access_token } = toTokens(await exchange(await sign()))
  t.match(await introspect(provider, client, access_token), { active: true })

  provider.clock.advance(60)
  const earlier = await sign()
  await revocations.revokeEverything(act)
  t.match(await exchange(earlier), refused(/counts no more/))
  provider.clock.advance(11)
  t.equal((await exchange(await sign())).status, 200)
  await accounts.disable(user.sub)
  provider.clock.advance(60)
  t.match(await exchange(await sign()), refused(/counts no more/))
})

t.test('its tokens end by every kind of revocation that can name them', async (t) => {
  const { provider, user, client, sign, exchange } = await setUp()
  const { revocations } = provider.services
  const ends: Record<string, (claims: JWTPayload) => Promise<unknown>> = {
    user: () => revocations.revokeUser(user.sub, act),
    client: () => revocations.revokeClient(client.clientId, act),
    grant: ({ grant_id }) => revocations.revokeGrant(String(grant_id), act),
    token: ({ jti = '' }) => revocations.revokeToken(jti, act),
    everything: () => revocations.revokeEverything(act),
  }
  for (const [kind, end] of Object.entries(ends)) {
    provider.clock.advance(60)
    const { access_token } = toTokens(await exchange(await sign()))
    t.match(await introspect(provider, client, access_token), { active: true }, kind)
    await end(decodeJwt(access_token))
    t.strictSame(await introspect(provider, client, access_token), { active: false }, kind)
  }
  provider.clock.advance(60)
  const { access_token: token } = toTokens(await exchange(await sign()))
  t.equal((await post(provider, '/revoke', client, { token })).status, 200)
  t.strictSame(await introspect(provider, client, token), { active: false }, 'by its client')
  await provider.services.clients.disable(client.clientId)
  t.equal((await exchange(await sign())).status, 401, 'a client that is disabled gets none')
})

t.test("the scope is the client's, without what belongs to a sign-in", async (t) => {
  const { provider, sign, exchange } = await setUp()
  const ask = async (scope: string) => exchange(await sign(), { scope })
  for (const scope of ['openid', 'offline_access orders:read', 'revocations', 'orders:write'])
    t.match(await ask(scope), { status: 400, body: { error: 'invalid_scope' } }, scope)
  const resource = 'https://orders.example'
  t.match(await exchange(await sign(), { resource }), { body: { error: 'invalid_target' } })
  await provider.services.resources.create({ resource, name: 'Orders' })
  const assertion = await sign()
  t.match(await exchange(assertion, { scope: 'openid' }), { status: 400 })
  const { access_token } = toTokens(await exchange(assertion, { resource }))
  t.equal(decodeJwt(access_token).aud, resource, 'and a refusal does not use the assertion up')
})

t.test('our own tokens are no assertions, also where we are the configured issuer', async (t) => {
  const { provider, user, client, exchange } = await setUp()
  const web = await provider.createClient()
  const tokens = await obtainTokens(provider, await startSession(provider, user.sub), web)
  const own = await (await fetch(`${provider.issuer}/.well-known/jwks.json`)).json()
  await provider.services.clients.update(client.clientId, {
    assertion_issuers: [{ issuer: provider.issuer, jwks: own, subject: 'sub' }],
  })
  t.match(await exchange(tokens.access_token), refused(/Its typ must be JWT/))
  t.match(await exchange(tokens.id_token), refused(/Its aud must be/))
})

t.test('the policy of a client', async (t) => {
  const provider = shared
  const policy = { issuer: partner, jwks: { keys }, subject: 'email' }
  const base = { grant_types: [jwtBearerGrant], redirect_uris: [], assertion_issuers: [policy] }
  const faults: [object, RegExp][] = [
    [{ assertion_issuers: undefined }, /^assertion_issuers: Whose assertions count/],
    [{ grant_types: ['client_credentials'] }, /^assertion_issuers: Whose assertions count/],
    [{ token_endpoint_auth_method: 'none' }, /only for clients that authenticate/],
    [{ assertion_issuers: [] }, /^assertion_issuers: Give a list of 1 to 10/],
    [{ assertion_issuers: policy }, /^assertion_issuers: Give a list of 1 to 10/],
    [{ assertion_issuers: [policy, policy] }, /^assertion_issuers: Give each issuer once/],
    [{ assertion_issuers: [{ ...policy, more: 1 }] }, /^assertion_issuers\[0\]: Give an object of/],
    [{ assertion_issuers: ['x'] }, /^assertion_issuers\[0\]: Give an object of/],
    [{ assertion_issuers: [{ ...policy, issuer: '' }] }, /^assertion_issuers\[0\]\.issuer: /],
    [
      { assertion_issuers: [{ ...policy, subject: 'phone' }] },
      /^assertion_issuers\[0\]\.subject: /,
    ],
    [
      { assertion_issuers: [{ ...policy, jwks: { keys: [jwkOf(ec.privateKey, 'x')] } }] },
      /^assertion_issuers\[0\]\.jwks\.keys\[0\]: This is a private key/,
    ],
  ]
  for (const [change, message] of faults) {
    const metadata = JSON.parse(JSON.stringify({ ...base, ...change }))
    await t.rejects(provider.createClient(metadata), { message }, JSON.stringify(change))
  }
  const web = await provider.createClient()
  const form = { grant_type: jwtBearerGrant, assertion: 'x' }
  t.match(await post(provider, '/token', web, form), { body: { error: 'unauthorized_client' } })
})

t.test(
  'a pairwise client gets tokens for its own subject (OpenID Connect Core §8.1)',
  async (t) => {
    const pairwise = { subject_type: 'pairwise', redirect_uris: ['https://app.example/cb'] }
    const { provider, user, sign, exchange } = await setUp({ metadata: pairwise })
    const { accounts, revocations, subjects } = provider.services
    const { access_token: token } = toTokens(await exchange(await sign()))
    const { sub = '' } = decodeJwt(token)
    t.match(sub, /^[\w-]{43}$/)
    t.match(await accounts.findBySubject(sub), { sub: user.sub })
    await revocations.revokeUser(user.sub, act)
    t.match(await provider.services.accessTokens.check(token), { valid: false })

    t.test('who is revoked before the subject is known is seen to be', async (t) => {
      provider.clock.advance(10)
      const bob = await provider.createUser({ email: 'bob@example.com' })
      const { record } = subjects
      subjects.record = async (...names) => {
        await revocations.revokeUser(bob.sub, act)
        return record(...names)
      }
      const { status, body } = await exchange(await sign({ sub: 'bob@example.com' }))
      t.match({ status, body }, { status: 400, body: { error: 'invalid_grant' } })
    })
  },
)
