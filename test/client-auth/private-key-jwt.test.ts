import { createHash, randomUUID } from 'node:crypto'
import { exportJWK, generateKeyPair, SignJWT, UnsecuredJWT, type JWTPayload } from 'jose'
import t from 'tap'
import type { Test } from 'tap'
import { authMethodNames, createClientAuthentication } from '../../src/client-auth/index.ts'
import { createAssertionStore } from '../../src/client-auth/store.ts'
import { createClientKeys } from '../../src/clients/client-keys.ts'
import { createRemoteKeys } from '../../src/clients/remote-keys.ts'
import { createClientRegistry } from '../../src/clients/registry.ts'
import { createClientStore } from '../../src/clients/store.ts'
import type { OAuthError } from '../../src/protocol/errors.ts'
import { Params } from '../../src/protocol/params.ts'
import { createTestClock } from '../support/clock.ts'
import { createTestDatabase } from '../support/database.ts'
import { createTestWitness } from '../support/witness.ts'

const issuer = 'https://issuer.example'
const tokenEndpoint = `${issuer}/token`
const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
const generic = /^The client could not be authenticated by private_key_jwt/

const keyPair = async (alg: string) => {
  const { publicKey, privateKey } = await generateKeyPair(alg)
  return { alg, kid: alg, privateKey, publicJwk: { ...(await exportJWK(publicKey)), kid: alg } }
}
const algorithms = ['ES256', 'RS256', 'PS256', 'EdDSA']
const keys = await Promise.all(algorithms.map(keyPair))
const [es256, rs256] = keys as [(typeof keys)[0], (typeof keys)[0]]
const stranger = await keyPair('ES256')

const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')

async function setUp(t: Test) {
  const database = await createTestDatabase(t)
  const clock = createTestClock()
  const remoteKeys = createRemoteKeys({ fetchDocument: async () => ({ failure: 'none' }), clock })
  const clients = createClientRegistry({
    store: createClientStore(database),
    clock,
    cacheSize: 100,
    findSectorFault: async () => undefined,
    supported: {
      grantTypes: ['authorization_code', 'client_credentials'],
      authMethods: authMethodNames,
      algorithms: ['RS256', 'ES256'],
    },
  })
  const node = () =>
    createClientAuthentication({
      clients,
      assertions: createAssertionStore(database),
      clock,
      issuer,
      clientKeys: createClientKeys({ remoteKeys }),
      authorities: [],
      endpoints: [tokenEndpoint],
      skewSeconds: 10,
    })
  const [authentication, other] = [node(), node()]
  const service = { grant_types: ['client_credentials'] }
  const signing = { ...service, token_endpoint_auth_method: 'private_key_jwt' }
  await clients.create({
    ...signing,
    client_id: 'service',
    jwks: { keys: keys.map(({ publicJwk }) => publicJwk) },
  })
  await clients.create({
    ...signing,
    client_id: 'pinned',
    token_endpoint_auth_signing_alg: 'ES256',
    jwks: { keys: [es256.publicJwk, rs256.publicJwk] },
  })
  await clients.create({ ...service, client_id: 'secretive' })

  const nowSeconds = () => clock.now().getTime() / 1000
  const claims = (): JWTPayload => ({
    iss: 'service',
    sub: 'service',
    aud: issuer,
    jti: randomUUID(),
    iat: nowSeconds(),
    exp: nowSeconds() + 60,
  })
  const sign = (changes: object = {}, key = es256, header: object = {}) =>
    new SignJWT({ ...claims(), ...changes })
      .setProtectedHeader({ alg: key.alg, kid: key.kid, ...header })
      .sign(key.privateKey)

  const present = (assertion: string, form: Record<string, string> = {}, by = authentication) =>
    by.authenticate({
      authorization: undefined,
      certificate: undefined,
      witness: createTestWitness().witness,
      params: new Params(
        Object.entries({
          client_assertion_type: assertionType,
          client_assertion: assertion,
          ...form,
        }),
      ),
    })
  const refuses = (t: Test, words: RegExp, assertion: string, form?: Record<string, string>) =>
    t.rejects(present(assertion, form), { code: 'invalid_client', description: words, headers: {} })
  return { database, clock, clients, other, nowSeconds, claims, sign, present, refuses }
}

t.test('an assertion signed with a registered key is accepted, by each algorithm', async (t) => {
  const { sign, present } = await setUp(t)
  for (const key of keys) {
    const { client, method } = await present(await sign({}, key))
    t.equal(client.clientId, 'service', key.alg)
    t.equal(method, 'private_key_jwt')
  }
})

t.test('the audience is the issuer or the token endpoint, as one string', async (t) => {
  const { sign, present, refuses } = await setUp(t)
  for (const aud of [issuer, tokenEndpoint])
    t.equal((await present(await sign({ aud }))).client.clientId, 'service')
  const others = [
    undefined,
    null,
    '',
    `${issuer}/`,
    `${issuer}/par`,
    'https://other.example',
    [issuer],
    [issuer, 'x'],
    7,
    {},
  ]
  for (const aud of others)
    await refuses(t, /^The aud of the client_assertion/, await sign({ aud }))
})

t.test(
  'iss and sub are the client_id, and so is client_id when it is sent (RFC 7523 §3)',
  async (t) => {
    const { sign, present, refuses } = await setUp(t)
    t.ok(await present(await sign(), { client_id: 'service' }))
    for (const iss of [undefined, 'pinned', '', 7])
      await refuses(t, /^The iss of the client_assertion/, await sign({ iss }))
    for (const sub of [undefined, 7, null])
      await refuses(t, /^The sub of the client_assertion/, await sign({ sub }))
    await refuses(t, /^The client_id in the body is not the sub/, await sign(), {
      client_id: 'pinned',
    })
    await refuses(t, generic, await sign({ iss: 'unknown', sub: 'unknown' }))
    await refuses(t, generic, await sign({ iss: 'secretive', sub: 'secretive' }))
    await refuses(t, generic, await sign({ iss: 'a\0', sub: 'a\0' }))
  },
)

t.test('a JWT of another kind by the same key is no assertion (RFC 8725 §3.11)', async (t) => {
  const { sign, present, refuses } = await setUp(t)
  for (const typ of ['oauth-authz-req+jwt', 'dpop+jwt', 'at+jwt', 'logout+jwt', 7])
    await refuses(t, /The typ of the client_assertion/, await sign({}, es256, { typ }))
  for (const typ of ['JWT', 'jwt', 'client-authentication+jwt', undefined])
    await present(await sign({}, es256, { typ }))
})

t.test('exp is required, not past, and at most an hour ahead', async (t) => {
  const { sign, present, refuses, nowSeconds } = await setUp(t)
  for (const ahead of [-9, 1, 60, 3600, 3609.5])
    t.ok(await present(await sign({ exp: nowSeconds() + ahead })), `${ahead}`)
  const words = /^The client_assertion is expired, or its exp is missing or more than 3600/
  for (const ahead of [-300, -11, 3611, 86_400, 1e300])
    await refuses(t, words, await sign({ exp: nowSeconds() + ahead }))
  for (const exp of [undefined, null, 'soon', `${nowSeconds() + 60}`])
    await refuses(t, words, await sign({ exp }))
})

t.test('iat and nbf may be missing, or ahead by no more than the clocks may differ', async (t) => {
  const { sign, present, refuses, nowSeconds } = await setUp(t)
  const now = nowSeconds()
  const good = [
    { iat: undefined },
    { iat: now + 8, nbf: now + 8 },
    { iat: now - 600, nbf: now - 600 },
  ]
  for (const times of good) t.ok(await present(await sign(times)), JSON.stringify(times))
  await refuses(t, /^The iat/, await sign({ iat: now + 61 }))
  await refuses(t, /^The nbf/, await sign({ nbf: now + 61 }))
  await refuses(t, /^The iat/, await sign({ iat: 'now' }))
  await refuses(t, /^The nbf/, await sign({ nbf: 'now' }))
})

t.test('jti is required and of a sensible length', async (t) => {
  const { sign, present, refuses } = await setUp(t)
  t.ok(await present(await sign({ jti: 'x'.repeat(256) })))
  t.ok(await present(await sign({ jti: 'a\0\ud800' })))
  for (const jti of [undefined, null, '', 7, ['x'], 'x'.repeat(257)])
    await refuses(t, /^The jti/, await sign({ jti }))
})

t.test('a wrong signature, key or algorithm is refused, and none and HS256 always', async (t) => {
  const { sign, claims, refuses } = await setUp(t)
  const [header, payload, signature] = (await sign()).split('.') as [string, string, string]
  const forged = part(claims())
  await refuses(t, generic, `${header}.${forged}.${signature}`)
  await refuses(t, generic, `${header}.${payload}.${signature.slice(0, -4)}AAAA`)
  await refuses(t, generic, `${header}.${payload}.`)
  await refuses(t, generic, await sign({}, stranger))
  await refuses(t, generic, await sign({}, stranger, { jwk: stranger.publicJwk, kid: 'x' }))
  await refuses(t, generic, await sign({}, es256, { kid: 'unknown' }))
  const critical = new SignJWT(claims()).setProtectedHeader({
    alg: 'ES256',
    kid: 'ES256',
    crit: ['exotic'],
    exotic: true,
  })
  await refuses(t, generic, await critical.sign(es256.privateKey, { crit: { exotic: true } }))
  const unsigned = new UnsecuredJWT(claims()).encode()
  await refuses(t, generic, unsigned)
  await refuses(t, generic, `${unsigned}${signature}`)
  const publicKey = Buffer.from(JSON.stringify(es256.publicJwk))
  const hmac = new SignJWT(claims()).setProtectedHeader({ alg: 'HS256', kid: 'ES256' })
  await refuses(t, generic, await hmac.sign(publicKey))
})

t.test('the registered algorithm is pinned (OpenID Connect Registration §2)', async (t) => {
  const { sign, present, refuses } = await setUp(t)
  const pinned = { iss: 'pinned', sub: 'pinned' }
  t.ok(await present(await sign(pinned, es256)))
  await refuses(t, generic, await sign(pinned, rs256))
})

t.test('what is not a JWT is refused', async (t) => {
  const { refuses } = await setUp(t)
  const words = /^The client_assertion is not a signed JWT/
  for (const text of [
    'x',
    'a.b',
    '..',
    'a.b.c.d',
    'a.b.c.d.e',
    `${part({})}.${part([])}.x`,
    `.${part('x')}.`,
    'é.é.é',
  ])
    await refuses(t, words, text)
  await refuses(t, /^Keep the client_assertion within 8192/, 'a'.repeat(8193))
})

t.test('the assertion and its type come together (RFC 7521 §4.2)', async (t) => {
  const { sign, refuses } = await setUp(t)
  const words = /^Send a client_assertion together with client_assertion_type=urn:/
  await refuses(t, words, await sign(), { client_assertion_type: '' })
  await refuses(t, words, await sign(), { client_assertion_type: assertionType.toUpperCase() })
  await refuses(t, words, await sign(), {
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:saml2-bearer',
  })
  await refuses(t, words, '', { client_id: 'service' })
})

t.test('an assertion beside a secret is invalid_request (RFC 6749 §2.3)', async (t) => {
  const { sign, present } = await setUp(t)
  const form = { client_id: 'service', client_secret: 'x' }
  await t.rejects(present(await sign(), form), { code: 'invalid_request' })
})

t.test('an assertion works once, on whatever node (RFC 7523 §3)', async (t) => {
  const { sign, present, refuses, other, database, nowSeconds } = await setUp(t)
  const assertion = await sign({ jti: 'one', exp: nowSeconds() + 60 })
  t.ok(await present(assertion))
  const replayed = /^The client_assertion was used before/
  await refuses(t, replayed, assertion)
  await t.rejects(present(assertion, {}, other), { code: 'invalid_client', description: replayed })
  await refuses(t, replayed, await sign({ jti: 'one', exp: nowSeconds() + 90 }))
  t.ok(
    await present(await sign({ jti: 'one', iss: 'pinned', sub: 'pinned' })),
    "another client's jti",
  )
  const rows = await database.query<{ assertion_hash: Buffer; expires_at: Date }>(
    'select assertion_hash, expires_at from used_assertions order by expires_at',
  )
  t.equal(rows.length, 2)
  const hash = createHash('sha256').update('["service","one"]').digest()
  const row = rows.find(({ assertion_hash }) => assertion_hash.equals(hash))
  t.equal(row?.expires_at.getTime(), (nowSeconds() + 70) * 1000, 'as long as it could be accepted')
})

t.test('of many uses of one assertion at the same time exactly one wins', async (t) => {
  const { sign, present, other } = await setUp(t)
  for (let round = 0; round < 5; round++) {
    const assertion = await sign()
    const uses = Array.from({ length: 10 }, (_, index) =>
      index % 2 === 0 ? present(assertion) : present(assertion, {}, other),
    )
    const results = await Promise.allSettled(uses)
    t.equal(results.filter(({ status }) => status === 'fulfilled').length, 1)
    for (const result of results)
      if (result.status === 'rejected')
        t.equal((result.reason as OAuthError).code, 'invalid_client')
  }
})

t.test('a refused assertion is not used up', async (t) => {
  const { sign, present, refuses, database, clock, nowSeconds } = await setUp(t)
  const early = await sign({ nbf: nowSeconds() + 30 })
  await refuses(t, /^The nbf/, early)
  await refuses(t, generic, await sign({}, stranger))
  t.same(await database.query('select assertion_hash from used_assertions'), [])
  clock.advance(25)
  t.ok(await present(early))
})

t.test('new keys of a client count at once', async (t) => {
  const { sign, present, refuses, clients } = await setUp(t)
  t.ok(await present(await sign()))
  await clients.update('service', { jwks: { keys: [stranger.publicJwk] } })
  await refuses(t, generic, await sign())
  t.ok(await present(await sign({}, stranger)))
})

t.test('with the profile fapi2 only the issuer is an audience, and RS256 is refused', async (t) => {
  const { clients, sign, present, refuses } = await setUp(t)
  await clients.create({
    client_id: 'bank',
    profile: 'fapi2',
    grant_types: ['client_credentials'],
    jwks: { keys: keys.map(({ publicJwk }) => publicJwk) },
  })
  const bank = { iss: 'bank', sub: 'bank' }
  t.equal((await present(await sign(bank))).client.clientId, 'bank')
  await refuses(t, /aud/, await sign({ ...bank, aud: tokenEndpoint }))
  await refuses(t, /could not be authenticated/, await sign(bank, rs256))
})
