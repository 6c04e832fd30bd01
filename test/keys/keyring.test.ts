import {
  calculateJwkThumbprint,
  createLocalJWKSet,
  decodeProtectedHeader,
  jwtVerify,
  type JSONWebKeySet,
} from 'jose'
import t from 'tap'
import type { Jwks } from '../../src/keys/jwks.ts'
import { createKeyring } from '../../src/keys/keyring.ts'
import type { Signers } from '../../src/keys/signer.ts'
import { OAuthError } from '../../src/protocol/errors.ts'
import { signingAlgs } from '../../src/protocol/signing-algs.ts'
import { createTestClock } from '../support/clock.ts'
import { createTestDatabase } from '../support/database.ts'
import { createNode, createTestKeys, newSecret, settings } from './setup.ts'

const day = 86_400
const hour = () => Promise.resolve(3600)

function parse({ body }: Jwks): JSONWebKeySet {
  const parsed: JSONWebKeySet = JSON.parse(body)
  return parsed
}

/** Random members by their length, the others as they are. */
function toShape([name, value]: [string, unknown]) {
  const isRandom = ['kid', 'n', 'x', 'y'].includes(name)
  return [name, isRandom && typeof value === 'string' ? `${value.length} characters` : value]
}

const kidsOf = (jwks: Jwks) => parse(jwks).keys.map(({ kid }) => kid)

t.test('the JWKS has the published keys with their public members only (RFC 7517)', async (t) => {
  const { rotation, keyring } = await createTestKeys(t)
  await rotation.ensureKeys()
  await keyring.load()
  const shapes = parse(keyring.jwks()).keys.map((key) => Object.entries(key).map(toShape))
  const coordinate = '43 characters'
  const kid = ['kid', '43 characters']
  const ec = [
    ['kty', 'EC'],
    ['use', 'sig'],
    ['alg', 'ES256'],
    kid,
    ['crv', 'P-256'],
    ['x', coordinate],
    ['y', coordinate],
  ]
  const rsa = [
    ['kty', 'RSA'],
    ['use', 'sig'],
    ['alg', 'RS256'],
    kid,
    ['n', '342 characters'],
    ['e', 'AQAB'],
  ]
  t.same(
    shapes.toSorted((a, b) => b.length - a.length),
    [ec, ec, rsa, rsa],
  )
  const signing = new Set(
    await Promise.all(
      (['RS256', 'ES256'] as const).map(
        async (alg) => decodeProtectedHeader(await keyring.sign(alg, 'JWT', {})).kid,
      ),
    ),
  )
  t.same(new Set(kidsOf(keyring.jwks()).slice(0, 2)), signing, 'those that sign come first')
})

t.test('the JWKS and its ETag stay the same until a key changes', async (t) => {
  const { rotation, keyring, clock } = await createTestKeys(t)
  await rotation.ensureKeys()
  await keyring.load()
  const first = keyring.jwks()
  t.match(first.etag, /^"[\w-]{43}"$/)
  clock.advance(60)
  t.equal(keyring.jwks(), first, 'the very same object')
  await keyring.load()
  t.same(keyring.jwks(), first)
  clock.advance(day)
  await rotation.rotate({ actor: 'ada', algorithms: ['ES256'] })
  await keyring.load()
  t.not(keyring.jwks().etag, first.etag)
})

t.test('jose verifies what the keyring signs with nothing but the JWKS', async (t) => {
  const { rotation, keyring } = await createTestKeys(t)
  await rotation.ensureKeys()
  await keyring.load()
  const keySet = createLocalJWKSet(parse(keyring.jwks()))
  for (const alg of ['RS256', 'ES256'] as const) {
    const token = await keyring.sign(alg, 'at+jwt', { sub: 'Zoë', n: 1 })
    const { payload, protectedHeader } = await jwtVerify(token, keySet, { typ: 'at+jwt' })
    t.same(payload, { sub: 'Zoë', n: 1 })
    t.same(Object.keys(protectedHeader), ['alg', 'typ', 'kid'])
    t.equal(protectedHeader.alg, alg)
  }
})

t.test('PS256 and EdDSA sign what jose verifies, where they are in use', async (t) => {
  const algorithms = signingAlgs
  const { rotation, keyring, store } = await createTestKeys(t, { algorithms })
  await rotation.ensureKeys()
  await keyring.load()
  t.equal(keyring.isLoaded(), true)
  const keySet = createLocalJWKSet(parse(keyring.jwks()))
  for (const alg of ['PS256', 'EdDSA'] as const) {
    const token = await keyring.sign(alg, 'at+jwt', { sub: 'Zoë' })
    const { payload, protectedHeader } = await jwtVerify(token, keySet, { algorithms: [alg] })
    t.same([payload, protectedHeader.alg], [{ sub: 'Zoë' }, alg])
  }
  const edDsa = parse(keyring.jwks()).keys.find(({ alg }) => alg === 'EdDSA')
  t.same(Object.keys(edDsa ?? {}), ['kty', 'use', 'alg', 'kid', 'crv', 'x'])
  for (const { kid, publicJwk } of await store.list())
    t.equal(kid, await calculateJwkThumbprint(publicJwk, 'sha256'))
})

t.test('a node that could not read the keys for too long signs no more', async (t) => {
  const { rotation, store, signers, clock } = await createTestKeys(t)
  await rotation.ensureKeys()
  let isReachable = true
  const keyring = createKeyring({
    store: { list: () => (isReachable ? store.list() : Promise.reject(new Error('cut off'))) },
    signers,
    clock,
    settings,
    longestTokenSeconds: hour,
  })
  await keyring.load()
  isReachable = false
  clock.advance(29.999)
  await t.rejects(keyring.load(), { message: 'cut off' })
  t.equal(keyring.isLoaded(), true)
  t.match(await keyring.sign('ES256', 'JWT', {}), /^ey/)

  const { body } = keyring.jwks()
  clock.advance(0.001)
  const refusal = { code: 'temporarily_unavailable', headers: { 'Retry-After': '5' } }
  await t.rejects(keyring.sign('ES256', 'JWT', {}), refusal)
  t.equal(keyring.canSign('ES256'), false)
  t.equal(keyring.isLoaded(), false)
  t.equal(keyring.jwks().body, body, 'what it signed before can still be verified')
  clock.advance(3600 + 60)
  t.throws(() => keyring.jwks(), refusal, 'until all of it has expired')

  isReachable = true
  await keyring.load()
  t.equal(keyring.isLoaded(), true)
  t.match(await keyring.sign('ES256', 'JWT', {}), /^ey/)
  t.equal(keyring.jwks().body, body)
})

t.test('an algorithm that is added later waits for its lead, and holds up nobody', async (t) => {
  const { rotation, database, secret, clock } = await createTestKeys(t)
  await rotation.ensureKeys()
  const algorithms = ['RS256', 'ES256', 'EdDSA'] as const
  const node = await createNode(database, secret, clock, { algorithms })
  await node.rotation.ensureKeys()
  await node.keyring.load()
  t.equal(node.keyring.canSign('EdDSA'), false, 'no verifier knows its key yet')
  t.equal(node.keyring.isLoaded(), true)
  t.equal(kidsOf(node.keyring.jwks()).length, 5)
  clock.advance(day)
  await node.rotation.runDue()
  await node.keyring.load()
  t.equal(node.keyring.canSign('EdDSA'), true)
  t.equal(kidsOf(node.keyring.jwks()).length, 6)
})

t.test('each typ has a header of its own', async (t) => {
  const { rotation, keyring } = await createTestKeys(t)
  await rotation.ensureKeys()
  await keyring.load()
  for (const typ of ['JWT', 'at+jwt', 'JWT'])
    t.equal(decodeProtectedHeader(await keyring.sign('ES256', typ, {})).typ, typ)
})

t.test('before keys are loaded nothing is signed or published', async (t) => {
  const { keyring, rotation } = await createTestKeys(t)
  const refusal = { code: 'temporarily_unavailable', headers: { 'Retry-After': '5' } }
  t.equal(keyring.isLoaded(), false)
  t.equal(keyring.canSign('RS256'), false)
  await t.rejects(keyring.sign('RS256', 'JWT', {}), OAuthError)
  await t.rejects(keyring.sign('RS256', 'JWT', {}), refusal)
  t.throws(() => keyring.jwks(), refusal)
  await keyring.load()
  t.equal(keyring.isLoaded(), false, 'the table is empty')
  await rotation.ensureKeys()
  await keyring.load()
  t.equal(keyring.isLoaded(), true)
  t.equal(keyring.canSign('RS256'), true)
})

t.test('a retired key leaves the JWKS when its instant has come, without a reload', async (t) => {
  const { rotation, keyring, clock } = await createTestKeys(t)
  await rotation.ensureKeys()
  await keyring.load()
  const { kid = 'none' } = decodeProtectedHeader(await keyring.sign('ES256', 'JWT', {}))
  clock.advance(day)
  await rotation.rotate({ actor: 'ada', algorithms: ['ES256'] })
  await keyring.load()
  t.equal(keyring.find(kid)?.state, 'retired')
  t.equal(kidsOf(keyring.jwks()).includes(kid), true)
  const leaves = keyring.nextTransition()
  t.same(leaves, new Date(clock.now().getTime() + 3_690_000))

  clock.advance(3000)
  await keyring.load()
  clock.advance(689)
  t.equal(kidsOf(keyring.jwks()).includes(kid), true)
  clock.advance(1)
  t.equal(kidsOf(keyring.jwks()).includes(kid), false)
  t.equal(keyring.find(kid)?.state, 'gone')
  t.equal(keyring.find('nobody'), undefined)
})

t.test('a new key signs after a reload, and the old one is still found', async (t) => {
  const { rotation, keyring, clock } = await createTestKeys(t)
  await rotation.ensureKeys()
  await keyring.load()
  const before = decodeProtectedHeader(await keyring.sign('RS256', 'JWT', {})).kid ?? 'none'
  clock.advance(day)
  await rotation.rotate({ actor: 'ada' })
  await keyring.load()
  const after = decodeProtectedHeader(await keyring.sign('RS256', 'JWT', {})).kid ?? 'none'
  t.not(after, before)
  t.equal(keyring.find(before)?.state, 'retired')
  t.equal(keyring.find(after)?.state, 'signing')
})

t.test('a revoked key is out of the JWKS at once', async (t) => {
  const { rotation, keyring } = await createTestKeys(t)
  await rotation.ensureKeys()
  await keyring.load()
  const { kid = 'none' } = decodeProtectedHeader(await keyring.sign('RS256', 'JWT', {}))
  await rotation.revoke(kid, { actor: 'ada' })
  await keyring.load()
  t.equal(kidsOf(keyring.jwks()).includes(kid), false)
  t.equal(keyring.find(kid)?.state, 'revoked')
  t.equal(keyring.canSign('RS256'), true)
})

t.test('each private key is decrypted once', async (t) => {
  const { rotation, store, signers, clock } = await createTestKeys(t)
  await rotation.ensureKeys()
  const opened: string[] = []
  const counting: Pick<Signers, 'open'> = {
    open: (key) => {
      opened.push(key.kid)
      return signers.open(key)
    },
  }
  const keyring = createKeyring({
    store,
    signers: counting,
    clock,
    settings,
    longestTokenSeconds: hour,
  })
  await keyring.load()
  await keyring.load()
  t.equal(opened.length, 4)
  t.equal(new Set(opened).size, 4)
})

t.test('readings that overlap end with the newest keys', async (t) => {
  const { rotation, keyring, store, clock } = await createTestKeys(t)
  await rotation.ensureKeys()
  const early = keyring.load()
  await rotation.rotate({
    actor: 'ada',
    now: new Date(clock.now().getTime() + day * 1000),
    algorithms: ['ES256'],
  })
  await Promise.all([early, keyring.load(), keyring.load()])
  t.equal(kidsOf(keyring.jwks()).length, (await store.list()).length)
})

t.test('a wrong key-encryption key stops the start with the id to restore', async (t) => {
  const { rotation, store, database, clock } = await createTestKeys(t)
  await rotation.ensureKeys()
  const stranger = await createNode(database, newSecret(), clock)
  const id = (await store.list())[0]!.keyEncryptionKeyId ?? 'none'
  await t.rejects(stranger.keyring.load(), { name: 'Refusal', message: id })
  t.equal(stranger.keyring.isLoaded(), false)
})

t.test('a revocation takes effect even where another key cannot be decrypted', async (t) => {
  const database = await createTestDatabase(t)
  const clock = createTestClock()
  const [shared, unshared] = [newSecret(), newSecret()]
  const node = await createNode(database, shared, clock)
  await node.rotation.ensureKeys()
  await node.keyring.load()
  const { kid = 'none' } = decodeProtectedHeader(await node.keyring.sign('ES256', 'JWT', {}))
  const renewed = await createNode(database, `${unshared} ${shared}`, clock)
  await renewed.rotation.revoke(kid, { actor: 'ada' })
  await t.rejects(node.keyring.load(), { name: 'Refusal' })
  t.equal(node.keyring.find(kid)?.state, 'revoked')
  t.equal(node.keyring.canSign('ES256'), true, 'the promoted key was known before')
  t.equal(kidsOf(node.keyring.jwks()).length, 4, 'the new next key is published here too')
})
