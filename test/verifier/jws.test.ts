import { CompactSign } from 'jose'
import t from 'tap'
import { createVerifySignature, type SignatureRules } from '../../src/verifier/jws.ts'
import { createKeySet } from '../../src/verifier/key-set.ts'
import { signatureAlgorithms } from '../../src/verifier/verification-keys.ts'
import {
  codeOf,
  createSigningKey,
  createTestClock,
  createTestIssuer,
  encode,
  sign,
} from './test-issuer.ts'

const keys = await Promise.all(
  signatureAlgorithms.map((alg) => createSigningKey(alg, { kid: `the ${alg} key` })),
)
const es256 = keys.find(({ alg }) => alg === 'ES256')!
const issuer = await createTestIssuer(t, ...keys)
const keySet = createKeySet({
  ...createTestClock(),
  findUri: async () => issuer.jwksUri,
  algorithms: signatureAlgorithms,
  timings: { maxAgeSeconds: 600, cooldownSeconds: 10, staleSeconds: 3600 },
  emit: () => {},
})
const verify = createVerifySignature({ keys: keySet, algorithms: signatureAlgorithms })
const verdict = (jws: string, rules: Partial<SignatureRules> = {}) =>
  codeOf(verify(jws, { typ: 'at+jwt', ...rules }))
/** The header as it stands, the payload as it stands, signed. */
const signParts = async (header: object, payload: string) =>
  new CompactSign(Buffer.from(payload))
    .setProtectedHeader({ alg: 'ES256', kid: es256.kid, typ: 'at+jwt', ...header })
    .sign(es256.privateKey, { crit: { b64: true, exp: true } })

t.test('a JWS of any algorithm is verified', async (t) => {
  for (const key of keys) {
    const {
      header,
      payload,
      key: used,
    } = await verify(await sign(key, { sub: 'é', exp: 1 }), {
      typ: 'at+jwt',
    })
    t.strictSame(header, { alg: key.alg, typ: 'at+jwt', kid: key.kid })
    t.strictSame(payload, { sub: 'é', exp: 1 }, 'whatever it says')
    t.equal(used.kid, key.kid)
  }
})

t.test('the typ must be welcome, in any of its spellings (RFC 7515 §4.1.9)', async (t) => {
  const rows: [typ: unknown, welcome: string | string[], code: string][] = [
    ['at+jwt', 'at+jwt', 'accepted'],
    ['AT+JWT', 'at+jwt', 'accepted'],
    ['application/at+jwt', 'at+jwt', 'accepted'],
    ['Application/At+Jwt', ['other', 'at+jwt'], 'accepted'],
    ['JWT', 'at+jwt', 'token_type'],
    ['text/at+jwt', 'at+jwt', 'token_type'],
    ['application/application/at+jwt', 'at+jwt', 'token_type'],
    ['at+jwt ', 'at+jwt', 'token_type'],
    ['', 'at+jwt', 'token_type'],
    [undefined, 'at+jwt', 'token_type'],
    [undefined, ['at+jwt', ''], 'accepted'],
    [['at+jwt'], 'at+jwt', 'token_type'],
    [7, ['7', ''], 'token_type'],
    [{}, ['[object Object]'], 'token_type'],
  ]
  for (const [typ, welcome, code] of rows)
    t.equal(
      await verdict(await sign(es256, {}, { typ }), { typ: welcome }),
      code,
      JSON.stringify([typ, welcome]),
    )
  const { header } = await verify(await sign(es256, {}, { typ: undefined }), { typ: '' })
  t.strictSame(header, { alg: 'ES256', kid: es256.kid })
})

t.test('the algorithm is pinned before anything else of the token counts', async (t) => {
  const payload = encode({ sub: 'alice' })
  for (const alg of ['none', 'NONE', 'None', '', 'HS256', 'HS512', 'es256', 'RSA-OAEP', 'XY'])
    for (const signature of ['', 'AAAA'])
      t.match(
        await verdict(`${encode({ alg, typ: 'JWT', kid: 'unknown' })}.${payload}.${signature}`),
        alg === '' ? 'token_malformed' : 'algorithm_refused',
        alg,
      )
  t.equal(await verdict(await sign(es256, {}), { algorithms: ['RS256'] }), 'algorithm_refused')
  t.equal(await verdict(await sign(es256, {}), { algorithms: ['ES256'] }), 'accepted')
  for (const alg of [undefined, null, 7, ['ES256'], { ES256: 1 }])
    t.equal(await verdict(`${encode({ alg, typ: 'at+jwt' })}.${payload}.AAAA`), 'token_malformed')
})

t.test('critical extensions are refused, as none is known (RFC 7515 §4.1.11)', async (t) => {
  t.equal(await verdict(await signParts({ crit: ['exp'], exp: 1 }, '{}')), 'token_malformed')
  t.equal(await verdict(await signParts({ crit: ['b64'], b64: true }, '{}')), 'token_malformed')
  const payload = encode({})
  for (const crit of [[], ['exp', 'exp'], ['unknown'], 'exp', 7, null, {}]) {
    const header = { alg: 'ES256', kid: es256.kid, typ: 'at+jwt', crit, exp: 1 }
    t.equal(await verdict(`${encode(header)}.${payload}.AAAA`), 'token_malformed')
  }
})

t.test('it has one spelling (RFC 7515 §2, RFC 4648 §3.5)', async (t) => {
  const jws = await sign(es256, { sub: 'alice' })
  const [header = '', payload = '', signature = ''] = jws.split('.')
  t.equal(await verdict(jws), 'accepted')
  t.match(signature, /[AQgw]$/)
  const lastBitsSet = { A: 'B', Q: 'R', g: 'h', w: 'x' }[signature.at(-1)!]
  const others = [
    `${header}.${payload}.${signature.slice(0, -1)}${lastBitsSet}`,
    `${jws}==`,
    `${jws}=`,
    ` ${jws}`,
    `${jws}\n`,
    `${header}.\n${payload}.${signature}`,
    `${header}.${payload}`,
    `${jws}.`,
    `.${payload}.${signature}`,
    `${header}..${signature}`,
    `${header}.${payload}.${signature}.${signature}`,
    `${header}A.${payload}.${signature}`,
    jws.replaceAll('_', '/').replaceAll('-', '+').replace('.', '/.'),
    'eyJ',
    '..',
    '',
    'a.b.c',
    '💥.💥.💥',
  ]
  for (const other of others) t.equal(await verdict(other), 'token_malformed', other)
})

t.test('its length is bounded', async (t) => {
  const jws = await sign(es256, { member: 'x'.repeat(16 * 1024) })
  t.equal(await verdict(jws), 'token_malformed')
  t.equal(await verdict(jws, { maxLength: jws.length - 1 }), 'token_malformed')
  t.equal(await verdict(jws, { maxLength: jws.length }), 'accepted')
})

t.test('header and payload are JSON objects in UTF-8', async (t) => {
  for (const payload of ['', 'x', '[]', 'null', '7', '"text"', '{"a":1', '{}x'])
    t.equal(await verdict(await signParts({}, payload)), 'token_malformed', payload)
  const notUtf8 = await new CompactSign(new Uint8Array([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]))
    .setProtectedHeader({ alg: 'ES256', kid: es256.kid, typ: 'at+jwt' })
    .sign(es256.privateKey)
  t.equal(await verdict(notUtf8), 'token_malformed')
  for (const header of ['x', '[]', 'null', '7', '"text"', '{"alg":"ES256"'])
    t.equal(
      await verdict(`${Buffer.from(header).toString('base64url')}.e30.AAAA`),
      'token_malformed',
      header,
    )
})

t.test('a header that is nested deeply is refused like any other', async (t) => {
  for (const name of ['typ', 'kid', 'crit', 'alg', 'x']) {
    const deep = `{"alg":"ES256","typ":"at+jwt","${name}":${'['.repeat(5900)}${']'.repeat(5900)}}`
    const jws = `${Buffer.from(deep).toString('base64url')}.e30.AAAA`
    t.match(await verdict(jws), /^(token_malformed|token_type|signature_invalid)$/, name)
  }
})

t.test('a kid is a text of bounded length', async (t) => {
  for (const kid of [7, null, {}, ['a'], 'x'.repeat(1025)])
    t.equal(await verdict(await sign(es256, {}, { kid })), 'token_malformed')
  t.equal(await verdict(await sign(es256, {}, { kid: 'x'.repeat(1024) })), 'key_unknown')
})

t.test('the signature must be that of the key', async (t) => {
  const forger = await createSigningKey('ES256', { kid: es256.kid })
  t.equal(await verdict(await sign(forger, {})), 'signature_invalid')
  const [header = '', payload = ''] = (await sign(es256, { sub: 'alice' })).split('.')
  for (const signature of ['', 'AAAA', 'A'.repeat(86), 'A'.repeat(1000)])
    t.equal(await verdict(`${header}.${payload}.${signature}`), 'signature_invalid')
})

t.test('a public key is no shared secret', async (t) => {
  const rs256 = keys.find(({ alg }) => alg === 'RS256')!
  const secrets = [rs256.jwk.n!, JSON.stringify(rs256.jwk), JSON.stringify({ keys: [rs256.jwk] })]
  for (const secret of secrets) {
    const jws = await new CompactSign(Buffer.from('{}'))
      .setProtectedHeader({ alg: 'HS256', kid: rs256.kid, typ: 'at+jwt' })
      .sign(new TextEncoder().encode(secret))
    t.equal(await verdict(jws), 'algorithm_refused')
  }
})

t.test('what a token says of its key is ignored but for the kid (RFC 8725 §3.10)', async (t) => {
  const forger = await createSigningKey('ES256', { kid: 'forged' })
  const offers = {
    jwk: forger.jwk,
    jku: `${issuer.issuer}/forged`,
    x5u: `${issuer.issuer}/forged`,
    x5c: ['MIIB'],
    x5t: 'AAAA',
  }
  for (const [name, value] of Object.entries(offers)) {
    const header = { [name]: value }
    t.equal(await verdict(await sign(forger, {}, header)), 'key_unknown', name)
    t.equal(
      await verdict(await sign(forger, {}, { ...header, kid: es256.kid })),
      'signature_invalid',
    )
    t.equal(await verdict(await sign(es256, {}, header)), 'accepted')
  }
  t.notOk(issuer.requests.includes('/forged'))
})

t.test('what breaks on our side is not the token’s fault', async (t) => {
  const broken = createVerifySignature({
    keys: {
      async get() {
        throw new Error('planted')
      },
    },
    algorithms: signatureAlgorithms,
  })
  await t.rejects(broken(await sign(es256, {}), { typ: 'at+jwt' }), {
    code: 'keys_unavailable',
    status: 503,
    detail: 'planted',
  })
})
