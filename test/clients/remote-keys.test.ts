import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import t from 'tap'
import type { FetchedDocument } from '../../src/clients/documents.ts'
import { readKeySet } from '../../src/clients/jwks.ts'
import { createRemoteKeys } from '../../src/clients/remote-keys.ts'
import { createTestClock } from '../support/clock.ts'

const uri = 'https://client.example/keys'
const jwkOf = (key: KeyObject, more = {}) => ({ ...key.export({ format: 'jwk' }), ...more })
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const small = generateKeyPairSync('rsa', { modulusLength: 1024 })
const key = (kid: string) => jwkOf(ec.publicKey, { kid })

function kidsOf(document: unknown) {
  const keys = readKeySet(document)
  return 'failure' in keys ? keys.failure : keys.map(({ kid }) => kid)
}

function createWorld() {
  const clock = createTestClock()
  const world = {
    clock,
    fetches: 0,
    answer: {} as FetchedDocument | { failure: string },
    publish(kid: string, maxAgeSeconds?: number) {
      world.answer = { document: { keys: [key(kid)] }, maxAgeSeconds }
    },
    fail() {
      world.answer = { failure: 'no luck' }
    },
    /** The kid that is held, or the failure. */
    async kid(how: 'get' | 'renew' = 'get') {
      const found = await remoteKeys[how](uri)
      return 'failure' in found ? found.failure : found.keys[0]?.kid
    },
  }
  const fetchDocument = async () => {
    world.fetches++
    return world.answer
  }
  const remoteKeys = createRemoteKeys({ fetchDocument, clock })
  return world
}

t.test('keys are fetched when needed, and kept for ten minutes', async (t) => {
  const world = createWorld()
  world.publish('a')
  t.equal(await world.kid(), 'a')
  world.publish('b')
  world.clock.advance(599)
  t.equal(await world.kid(), 'a')
  t.equal(world.fetches, 1)
  world.clock.advance(2)
  t.equal(await world.kid(), 'b')
  t.equal(world.fetches, 2)
})

t.test('HTTP says for how long, between a minute and an hour (RFC 9111 §5.2.2)', async (t) => {
  const rows: [maxAgeSeconds: number, seconds: number][] = [
    [0, 60],
    [90, 90],
    [86_400, 3600],
  ]
  for (const [maxAgeSeconds, seconds] of rows) {
    const world = createWorld()
    world.publish('a', maxAgeSeconds)
    await world.kid()
    world.publish('b')
    world.clock.advance(seconds - 1)
    t.equal(await world.kid(), 'a')
    world.clock.advance(1)
    t.equal(await world.kid(), 'b')
  }
})

t.test('whoever does not know a kid asks again, but not within ten seconds', async (t) => {
  const world = createWorld()
  world.publish('a')
  t.equal(await world.kid(), 'a')
  world.publish('b')
  t.equal(await world.kid('renew'), 'a')
  world.clock.advance(10)
  t.equal(await world.kid('renew'), 'b')
  t.equal(world.fetches, 2)
})

t.test('keys outlive an hour in which they cannot be fetched, and no more', async (t) => {
  const world = createWorld()
  world.publish('a')
  await world.kid()
  world.fail()
  world.clock.advance(600)
  t.equal(await world.kid(), 'a')
  world.clock.advance(3599)
  t.equal(await world.kid(), 'a')
  const { fetches } = world
  t.equal(await world.kid(), 'a', 'meanwhile nobody is asked')
  t.equal(world.fetches, fetches)
  world.clock.advance(10)
  t.equal(await world.kid(), 'no luck')
  world.publish('b')
  t.equal(await world.kid(), 'no luck')
  world.clock.advance(10)
  t.equal(await world.kid(), 'b')
})

t.test('a set is taken without what cannot be used, and not at all with a secret', async (t) => {
  const good = key('a')
  const unusable = [
    { kty: 'AKP', alg: 'ML-DSA-44', pub: 'AAAA', kid: 'x' },
    jwkOf(small.publicKey, { kid: 'small' }),
    { kty: 'EC', kid: 'broken' },
    'text',
    null,
  ]
  t.strictSame(kidsOf({ keys: [...unusable, good], other: true }), ['a'])
  t.strictSame(kidsOf({ keys: [good, jwkOf(ec.publicKey)] }), ['a', undefined])
  const failures: [document: unknown, failure: string][] = [
    [[], 'an answer that is not a JSON Web Key Set'],
    [{ keys: 'x' }, 'an answer that is not a JSON Web Key Set'],
    [{ keys: [] }, 'no RSA, EC or OKP public key that can be used'],
    [{ keys: unusable }, 'no RSA, EC or OKP public key that can be used'],
    [{ keys: Array.from({ length: 21 }, (_, i) => key(`${i}`)) }, 'more than 20 keys'],
    [{ keys: [good, jwkOf(ec.privateKey)] }, 'a private or symmetric key'],
    [{ keys: [good, { kty: 'oct', k: 'c2VjcmV0' }] }, 'a private or symmetric key'],
    [{ keys: [good, good] }, 'one kid for several keys'],
  ]
  for (const [document, failure] of failures) t.equal(kidsOf(document), failure)
})
