import { exportJWK, generateKeyPair, SignJWT, UnsecuredJWT, type JWTPayload } from 'jose'
import t from 'tap'
import { createRequestObjects } from '../../src/authorization/request-object.ts'
import { createClientKeys } from '../../src/clients/client-keys.ts'
import { createRemoteKeys } from '../../src/clients/remote-keys.ts'
import { toClient } from './clients.ts'

const issuer = 'https://issuer.example'
const now = new Date('2026-01-02T03:04:05Z')
const seconds = (ahead: number) => now.getTime() / 1000 + ahead

const pair = async (alg: string) => {
  const { publicKey, privateKey } = await generateKeyPair(alg)
  return { alg, privateKey, publicJwk: { ...(await exportJWK(publicKey)), kid: alg } }
}
const algorithms = ['ES256', 'RS256', 'PS256', 'EdDSA']
const pairs = await Promise.all(algorithms.map(pair))
const [es256] = pairs as [(typeof pairs)[0]]
const stranger = await pair('ES256')
const jwks = { keys: pairs.map(({ publicJwk }) => publicJwk) }

const app = toClient({ jwks })
const strict = toClient({ jwks, require_signed_request_object: true })
const fapi = toClient({ jwks, profile: 'fapi2' })
const pinned = toClient({ jwks, request_object_signing_alg: 'PS256' })

const clock = { now: () => now }
const remoteKeys = createRemoteKeys({ fetchDocument: async () => ({ failure: 'none' }), clock })
const objects = createRequestObjects({
  clientKeys: createClientKeys({ remoteKeys }),
  issuer,
  clock,
  skewSeconds: 10,
})

const common: JWTPayload = {
  client_id: 'app',
  iss: 'app',
  aud: issuer,
  nbf: seconds(0),
  exp: seconds(300),
  scope: 'openid',
}

/** Undefined leaves a claim out. */
const sign = (changes: object = {}, { alg, privateKey } = es256, header: object = {}) =>
  new SignJWT({ ...common, ...changes })
    .setProtectedHeader({ alg, kid: alg, ...header })
    .sign(privateKey)

const open = async (changes: object, client = app) => objects.open(client, await sign(changes))

t.test(
  'the parameters are those of the object, and its claims about itself are none',
  async (t) => {
    const params = await open({
      jti: 'j',
      iat: seconds(0),
      sub: 'somebody',
      state: 'é',
      max_age: 60,
      resource: ['https://a.example', 'https://b.example'],
      made_up: { a: [true] },
      __proto__: 'x',
    })
    t.strictSame(params.entries(), [
      ['client_id', 'app'],
      ['scope', 'openid'],
      ['state', 'é'],
      ['max_age', '60'],
      ['resource', 'https://a.example'],
      ['resource', 'https://b.example'],
    ])
    const one = await open({ resource: 'https://a.example' })
    t.strictSame(one.all('resource'), ['https://a.example'])
  },
)

t.test('a member of another type than its parameter is refused', async (t) => {
  const members: object[] = [
    { state: true },
    { state: null },
    { state: { a: 1 } },
    { state: ['a'] },
    { scope: ['openid', 'email'] },
    { max_age: 1.5 },
    { max_age: false },
    { resource: [1, null] },
    { resource: [['https://a.example']] },
    { state: 'a\0b' },
    { state: '\ud800' },
  ]
  for (const changes of members)
    await t.rejects(
      open(changes),
      { code: 'invalid_request_object', description: /Its member '\w+' is not of the type/ },
      JSON.stringify(changes),
    )
})

t.test('each claim has its rule (RFC 9101 §4–6, FAPI 2.0 Message Signing §5.3.1)', async (t) => {
  const rows: [about: RegExp, changes: object, of?: (typeof app)[]][] = [
    [/client_id/, { client_id: undefined }],
    [/client_id/, { client_id: 'another' }],
    [/client_id/, { client_id: ['app'] }],
    [/sub/, { sub: 'app' }],
    [/iss/, { iss: 'another' }],
    [/iss/, { iss: undefined }, [strict, fapi]],
    [/aud/, { aud: 'https://other.example' }],
    [/aud/, { aud: [] }],
    [/aud/, { aud: `${issuer}/token` }],
    [/aud/, { aud: undefined }, [strict, fapi]],
    [/exp/, { exp: seconds(-10) }],
    [/exp/, { exp: 'soon' }],
    [/exp/, { exp: undefined }, [fapi]],
    [/exp/, { exp: seconds(3601) }, [fapi]],
    [/nbf/, { nbf: seconds(11) }],
    [/nbf/, { nbf: undefined }, [fapi]],
    [/nbf/, { nbf: seconds(-3611) }, [fapi]],
    [/request/, { request: 'a.b.c' }],
    [/request_uri/, { request_uri: 'https://app.example/r' }],
  ]
  for (const [description, changes, refusing = [app, strict, fapi]] of rows)
    for (const [name, client] of Object.entries({ app, strict, fapi })) {
      const about = `${name}: ${JSON.stringify(changes)}`
      const opened = open(changes, client)
      if (refusing.includes(client))
        await t.rejects(opened, { code: 'invalid_request_object', description }, about)
      else await t.resolves(opened, about)
    }
})

t.test('what is just within its limits is accepted', async (t) => {
  for (const changes of [
    { aud: ['https://other.example', issuer] },
    { exp: seconds(3600) },
    { exp: seconds(-9) },
    { nbf: seconds(10) },
    { nbf: seconds(-3600), exp: seconds(-9) },
  ])
    await t.resolves(open({ nbf: seconds(-3600), ...changes }, app), JSON.stringify(changes))
  await t.resolves(open({ nbf: seconds(-3500), exp: seconds(100) }, fapi))
})

t.test('only what the client signed with an algorithm it may use', async (t) => {
  const allowed = new Map([
    [app, algorithms],
    [fapi, ['ES256', 'PS256', 'EdDSA']],
    [pinned, ['PS256']],
  ])
  for (const [client, names] of allowed)
    for (const key of pairs) {
      const opened = objects.open(client, await sign({}, key))
      if (names.includes(key.alg)) await t.resolves(opened)
      else await t.rejects(opened, { code: 'invalid_request_object' }, key.alg)
    }
  const object = await sign()
  const secret = new Uint8Array(32)
  const hs256 = new SignJWT(common).setProtectedHeader({ alg: 'HS256' }).sign(secret)
  for (const text of [
    await sign({}, { ...stranger, alg: 'ES256' }),
    await hs256,
    new UnsecuredJWT(common).encode(),
    object.slice(0, -4),
    `${object}.a.b`,
    'a.b.c',
    '{}',
    `${object}${'a'.repeat(70_000)}`,
  ])
    await t.rejects(objects.open(app, text), { code: 'invalid_request_object' })
  const keyless = toClient({ token_endpoint_auth_method: 'none' })
  await t.rejects(objects.open(keyless, object), { code: 'invalid_request_object' })
})

t.test('its typ is that of RFC 9101 §10.8, or says nothing', async (t) => {
  for (const typ of [undefined, 'JWT', 'jwt', 'oauth-authz-req+jwt'])
    await t.resolves(objects.open(app, await sign({}, es256, { typ })))
  for (const typ of ['at+jwt', 'dpop+jwt', 'logout+jwt', '', 1])
    await t.rejects(objects.open(app, await sign({}, es256, { typ })), {
      code: 'invalid_request_object',
      description: /typ/,
    })
})
