/** Whatever is made of a token without the issuer's key is refused, in the same orderly way. */
import * as fc from 'fast-check'
import { CompactSign, exportSPKI, importJWK } from 'jose'
import t from 'tap'
import { VerificationError } from '../../src/verifier/errors.ts'
import { createVerifier } from '../../src/verifier/verifier.ts'
import {
  accessTokenClaims,
  createSigningKey,
  createTestClock,
  createTestIssuer,
  encode,
  sign,
} from './test-issuer.ts'

const keys = await Promise.all(['RS256', 'ES256', 'EdDSA'].map((alg) => createSigningKey(alg)))
const clock = createTestClock()
const issuer = await createTestIssuer(t, ...keys)
const verifier = createVerifier({
  ...clock,
  issuer: issuer.issuer,
  audience: 'https://api.example',
  revocations: 'off',
  types: ['at+jwt', 'jwt', ''],
})
const claims = accessTokenClaims(issuer.issuer, clock)
const tokens = await Promise.all(keys.map((key) => sign(key, claims)))
for (const token of tokens) await verifier.verify(token) // so that they are remembered

const forgers = await Promise.all(keys.map(({ alg }) => createSigningKey(alg)))
const publicTexts = await Promise.all(
  keys.map(async ({ jwk, alg }) => {
    const key = await importJWK(jwk, alg)
    if (key instanceof Uint8Array) throw new Error('not public')
    return [JSON.stringify(jwk), await exportSPKI(key), String(jwk.n ?? jwk.x)]
  }),
)

/** Refused by a VerificationError that tells nothing of the token. */
async function isRefused(forged: string): Promise<boolean> {
  try {
    await verifier.verify(forged)
    return false
  } catch (error) {
    if (!(error instanceof VerificationError)) throw error
    const parts = forged.split('.').filter((part) => part.length > 12)
    const told = `${error.message} ${error.stack?.split('\n')[0]}`
    return !parts.some((part) => told.includes(part))
  }
}

const refusesAll = (forgery: fc.Arbitrary<string | Promise<string>>) =>
  fc.assert(
    fc.asyncProperty(forgery, async (forged) => isRefused(await forged)),
    { numRuns: 500 },
  )

const token = fc.constantFrom(...tokens)
const index = fc.nat({ max: 10_000 })
const text = fc.oneof(
  fc.string({ maxLength: 3 }),
  fc.constantFrom('A', 'B', '_', '-', '=', '.', ''),
)
const algs = ['none', 'None', 'HS256', 'HS384', 'HS512', 'RS256', 'PS256', 'ES256', 'EdDSA', 'x']

t.test('a token in which something is replaced, removed or added', async (t) => {
  const changed = fc
    .tuple(token, index, fc.nat({ max: 3 }), text)
    .map(([one, at, length, put]) => {
      const from = at % one.length
      return { one, forged: one.slice(0, from) + put + one.slice(from + length) }
    })
    .filter(({ one, forged }) => one !== forged)
    .map(({ forged }) => forged)
  await t.resolves(refusesAll(changed))
})

t.test('a part of a token, and several', async (t) => {
  const cut = fc.tuple(token, index).map(([one, at]) => one.slice(0, at % one.length))
  const mixed = fc
    .tuple(fc.array(fc.tuple(token, fc.nat({ max: 2 })), { maxLength: 5 }))
    .map(([parts]) => parts.map(([one, part]) => one.split('.')[part]).join('.'))
    .filter((forged) => !tokens.includes(forged))
  await t.resolves(refusesAll(fc.oneof(cut, mixed)))
})

t.test('any text', async (t) => {
  const shaped = fc
    .tuple(fc.json(), fc.json(), fc.string())
    .map((parts) => parts.map((part) => Buffer.from(part).toString('base64url')).join('.'))
  await t.resolves(
    refusesAll(fc.oneof(fc.string(), fc.string({ unit: 'binary', maxLength: 2000 }), shaped)),
  )
})

t.test('a token with another header', async (t) => {
  const member = fc.oneof(
    fc.constantFrom(...algs),
    fc.constantFrom(...keys.map(({ kid }) => kid)),
    fc.jsonValue(),
  )
  const header = fc.record(
    {
      alg: fc.oneof(fc.constantFrom(...algs), member),
      kid: member,
      typ: fc.constantFrom('at+jwt', 'JWT', 'jwt', 7),
      crit: member,
      b64: fc.boolean(),
      jwk: fc.constantFrom(...forgers.map(({ jwk }) => jwk)),
      zip: member,
    },
    { requiredKeys: ['alg'] },
  )
  const reheaded = fc
    .tuple(token, header)
    .map(([one, changed]) => {
      const [own = '', payload, signature] = one.split('.')
      const members = JSON.parse(Buffer.from(own, 'base64url').toString()) as object
      const forged = `${encode({ ...members, ...changed })}.${payload}.${signature}`
      return { one, forged }
    })
    .filter(({ one, forged }) => one !== forged)
    .map(({ forged }) => forged)
  await t.resolves(refusesAll(reheaded))
})

t.test('a token that another key has signed, whatever it brings along', async (t) => {
  const forged = fc
    .tuple(
      fc.nat({ max: keys.length - 1 }),
      fc.record(
        {
          kid: fc.constantFrom(...keys.map(({ kid }) => kid), 'other', undefined),
          jwk: fc.constant(true),
          jku: fc.constant(`${issuer.issuer}/forged`),
          x5u: fc.constant(`${issuer.issuer}/forged`),
          x5c: fc.constant(['MIIB']),
        },
        { requiredKeys: [] },
      ),
    )
    .map(([one, { jwk, ...header }]) => {
      const forger = forgers[one]!
      return sign(forger, claims, { ...header, ...(jwk && { jwk: forger.jwk }) })
    })
  await t.resolves(refusesAll(forged))
  t.notOk(issuer.requests.includes('/forged'))
})

t.test('a token that is signed with a public key as a shared secret', async (t) => {
  const forged = fc
    .tuple(fc.constantFrom(...publicTexts.flat()), fc.constantFrom('HS256', 'HS384', 'HS512'))
    .map(([secret, alg]) =>
      new CompactSign(Buffer.from(JSON.stringify(claims)))
        .setProtectedHeader({ alg, typ: 'at+jwt', kid: 'RS256' })
        .sign(new TextEncoder().encode(secret.padEnd(64))),
    )
  await t.resolves(refusesAll(forged))
})

t.test('and the tokens themselves are good still', async (t) => {
  for (const one of tokens) await t.resolves(verifier.verify(one))
})
