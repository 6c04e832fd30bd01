import { exportJWK, generateKeyPair, type JWK } from 'jose'
import t from 'tap'
import { importKeys, signatureAlgorithms } from '../../src/verifier/verification-keys.ts'
import { createSigningKey } from './test-issuer.ts'

async function algorithmsOf(jwk: unknown): Promise<string[]> {
  const { keys } = await importKeys({ keys: [jwk] }, signatureAlgorithms)
  return keys[0] ? [...keys[0].byAlgorithm.keys()] : []
}

/** Without some members. */
const without = (jwk: JWK, ...names: string[]) =>
  Object.fromEntries(Object.entries(jwk).filter(([name]) => !names.includes(name)))

t.test('only signatures by a private key are known', async (t) => {
  t.strictSame(
    signatureAlgorithms.filter((name) => !/^(?:[RPE]S(?:256|384|512)|EdDSA|Ed25519)$/.test(name)),
    [],
  )
})

t.test('a key is for its alg, or else for whatever its type can do (RFC 7517 §4.4)', async (t) => {
  for (const alg of signatureAlgorithms) {
    const { jwk } = await createSigningKey(alg)
    t.strictSame(await algorithmsOf(jwk), [alg])
  }
  const rows: [alg: string, good: string[]][] = [
    ['RS256', ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512']],
    ['ES256', ['ES256']],
    ['ES384', ['ES384']],
    ['ES512', ['ES512']],
    ['EdDSA', ['EdDSA', 'Ed25519']],
  ]
  for (const [alg, good] of rows) {
    const { jwk } = await createSigningKey(alg)
    t.strictSame(await algorithmsOf(without(jwk, 'alg', 'use')), good)
  }
})

t.test('what may not verify a signature is skipped', async (t) => {
  const { jwk: rsa } = await createSigningKey('RS256')
  const { jwk: ec, privateKey } = await createSigningKey('ES256')
  const { jwk: okp } = await createSigningKey('EdDSA')
  const short = await crypto.subtle.generateKey(
    {
      name: 'RSASSA-PKCS1-v1_5',
      modulusLength: 1024,
      publicExponent: new Uint8Array([1, 0, 1]),
      hash: 'SHA-256',
    },
    true,
    ['sign', 'verify'],
  )
  const x25519 = await exportJWK((await generateKeyPair('ECDH-ES', { crv: 'X25519' })).publicKey)
  const rows: [why: string, jwk: unknown][] = [
    ['too short', { ...(await exportJWK(short.publicKey)), alg: 'RS256' }],
    ['too short for any', await exportJWK(short.publicKey)],
    ['a shared secret', { kty: 'oct', k: 'c2VjcmV0', alg: 'HS256', kid: 'a' }],
    ['a shared secret as another type', { ...rsa, alg: 'HS256' }],
    ['private', await exportJWK(privateKey)],
    ['for encryption', { ...rsa, use: 'enc' }],
    ['for signing only', { ...ec, key_ops: ['sign'] }],
    ['operations that are no list', { ...ec, key_ops: 'verify' }],
    ['of another algorithm', { ...rsa, alg: 'RSA-OAEP' }],
    ['of an algorithm of another type', { ...rsa, alg: 'ES256' }],
    ['of another curve than its alg', { ...ec, alg: 'ES384' }],
    ['a curve without signatures', { ...x25519, alg: 'EdDSA' }],
    ['an unknown type', { kty: 'XYZ', alg: 'RS256' }],
    ['an unknown curve', { ...okp, crv: 'Ed448' }],
    ['without type', without(rsa, 'kty')],
    ['without modulus', without(rsa, 'n')],
    ['a broken modulus', { ...rsa, n: '!' }],
    ['a modulus that is no text', { ...rsa, n: 7 }],
    ['a point off the curve', { ...ec, x: ec.y }],
    ['a kid that is no text', { ...ec, kid: 7 }],
    ['no object', 'RS256'],
    ['null', null],
    ['a list', [rsa]],
  ]
  for (const [why, jwk] of rows) t.strictSame(await algorithmsOf(jwk), [], why)

  const { keys, skipped } = await importKeys(
    { keys: [...rows.map(([, jwk]) => jwk), ec] },
    signatureAlgorithms,
  )
  t.strictSame(
    keys.map(({ kid }) => kid),
    ['ES256'],
    'and the others are taken all the same',
  )
  t.equal(skipped, rows.length)
})

t.test('only the wanted algorithms are taken', async (t) => {
  const [rs256, es256] = [await createSigningKey('RS256'), await createSigningKey('ES256')]
  const { keys } = await importKeys({ keys: [rs256.jwk, es256.jwk] }, ['ES256'])
  t.strictSame(
    keys.map(({ kid }) => kid),
    ['ES256'],
  )
})

t.test('operations may be named as long as verify is among them', async (t) => {
  const { jwk } = await createSigningKey('ES256')
  t.strictSame(await algorithmsOf({ ...jwk, key_ops: ['verify'] }), ['ES256'])
  t.strictSame(await algorithmsOf({ ...jwk, key_ops: ['sign', 'verify'] }), ['ES256'])
})

t.test('a key that is held stays the same object; one that changed is another', async (t) => {
  const [a, b] = [await createSigningKey('ES256', { kid: 'a' }), await createSigningKey('EdDSA')]
  const { keys: held } = await importKeys({ keys: [a.jwk, b.jwk] }, signatureAlgorithms)
  const other = await createSigningKey('ES256', { kid: 'a' })
  const { keys } = await importKeys({ keys: [b.jwk, other.jwk] }, signatureAlgorithms, held)
  t.equal(keys[0], held[1])
  t.not(keys[1], held[0])
})

t.test('a key that is published twice is one', async (t) => {
  const { jwk } = await createSigningKey('ES256')
  const { keys, skipped } = await importKeys({ keys: [jwk, { ...jwk }] }, signatureAlgorithms)
  t.equal(keys.length, 1)
  t.equal(skipped, 0)
})

t.test('a JWKS has an array of keys, if only an empty one', async (t) => {
  for (const keys of [undefined, {}, 'keys'])
    await t.rejects(importKeys({ keys }, signatureAlgorithms), { message: /no array of keys/ })
  t.strictSame(await importKeys({ keys: [] }, signatureAlgorithms), { keys: [], skipped: 0 })
})
