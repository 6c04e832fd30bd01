import { calculateJwkThumbprint, exportJWK, generateKeyPair, SignJWT } from 'jose'
import { createHash, randomUUID, X509Certificate } from 'node:crypto'
import t, { type Test } from 'tap'
import { createBindingCheck, type Presentation } from '../../src/verifier/binding.ts'
import { certificateThumbprint } from '../../src/verifier/certificate.ts'
import type { ProofOptions } from '../../src/verifier/dpop-proof.ts'
import { VerificationError, type VerificationErrorCode } from '../../src/verifier/errors.ts'
import { createSelfSigned } from '../support/self-signed.ts'
import { audience, createHolder, forge, type Proof } from './holder.ts'

const token = 'header.payload.signature'
const method = 'GET'
const url = `${audience}/orders?page=2`
const holder = await createHolder()
const bound = { cnf: { jkt: holder.jkt } }

function createCheck(options: ProofOptions & { now?: () => number } = {}) {
  return createBindingCheck({ now: () => Date.now(), ...options })
}

const present = (proof: string, request: { method?: string; url?: string } = {}): Presentation => ({
  scheme: 'DPoP',
  dpop: { proof, method, url, ...request },
})

async function refuses(
  t: Test,
  check: () => Promise<void> | undefined,
  code: VerificationErrorCode,
  why: string,
): Promise<VerificationError | undefined> {
  try {
    await check()
  } catch (error) {
    if (!(error instanceof VerificationError)) throw error
    t.equal(error.code, code, why)
    t.notOk(error.message.includes(token), 'the message holds no token')
    return error
  }
  t.fail(`${why}: not refused`)
  return undefined
}

t.test('a token without cnf needs nothing, and costs no promise', async (t) => {
  const check = createCheck()
  t.equal(check({}, token, {}), undefined)
  t.equal(check({}, token, { scheme: 'Bearer' }), undefined)
  t.equal(check({}, token, { ...present('proof'), scheme: 'Bearer' }), undefined)
})

t.test('a token that is not bound is no DPoP token (RFC 9449 §7.1)', async (t) => {
  const presented = present(await holder.prove({ token }))
  await refuses(t, () => createCheck()({}, token, presented), 'binding_mismatch', 'no cnf')
})

t.test('a binding that is not known is not met (RFC 7800 §3.1)', async (t) => {
  const presented = present(await holder.prove({ token }))
  for (const cnf of [
    {},
    { kid: 'K' },
    { jwk: {} },
    { jkt: holder.jkt, kid: 'K' },
    { jkt: 1 },
    { jkt: null },
    { 'x5t#S256': ['A'] },
    { 'x5t#s256': 'A' },
    'text',
    [],
    null,
  ])
    for (const presentation of [presented, {}])
      await refuses(
        t,
        () => createCheck()({ cnf } as { cnf: Record<string, never> }, token, presentation),
        'binding_mismatch',
        JSON.stringify(cnf),
      )
})

t.test(
  'a proof by the key that the token is bound to is accepted, with every algorithm',
  async (t) => {
    for (const alg of ['ES256', 'ES384', 'ES512', 'PS256', 'RS256', 'EdDSA', 'Ed25519']) {
      const { jkt, prove } = await createHolder(alg)
      await createCheck()({ cnf: { jkt } }, token, present(await prove({ token })))
      t.pass(alg)
    }
  },
)

t.test('a bound token needs its proof (RFC 9449 §7.2)', async (t) => {
  const proof = await holder.prove({ token })
  const presentations: [string, Presentation][] = [
    ['nothing', {}],
    ['as a bearer token', { scheme: 'Bearer' }],
    ['as a bearer token with a proof', { ...present(proof), scheme: 'Bearer' }],
    ['the scheme alone', { scheme: 'DPoP' }],
  ]
  for (const [why, presented] of presentations)
    await refuses(t, () => createCheck()(bound, token, presented), 'binding_missing', why)
})

t.test('a proof that is not for this request is refused (RFC 9449 §4.3)', async (t) => {
  const proofs: [string, Proof][] = [
    ['another method', { method: 'POST' }],
    ['the method in lower case', { method: 'get' }],
    ['another path', { url: `${audience}/invoices` }],
    ['another host', { url: 'https://evil.example/v1/orders' }],
    ['another scheme', { url: 'http://api.example.com/v1/orders' }],
    ['another token', { token: 'another' }],
    ['a proof for the token endpoint', { claims: { ath: undefined } }],
    ['no htm', { claims: { htm: undefined } }],
    ['no htu', { claims: { htu: undefined } }],
    ['an htu that is no text', { claims: { htu: [url] } }],
    ['no iat', { claims: { iat: undefined } }],
    ['an iat that is no number', { claims: { iat: String(Math.floor(Date.now() / 1000)) } }],
    ['no jti', { claims: { jti: undefined } }],
    ['an empty jti', { claims: { jti: '' } }],
    ['a jti that is no text', { claims: { jti: 1 } }],
    ['its own exp is over', { claims: { exp: 1 } }],
    ['another typ', { header: { typ: 'at+jwt' } }],
    ['no typ', { header: { typ: undefined } }],
    ['no jwk', { header: { jwk: undefined } }],
    ['a jwk that is no object', { header: { jwk: 'key' } }],
  ]
  const check = createCheck()
  for (const [why, proof] of proofs) {
    const presented = present(await holder.prove({ token, ...proof }))
    await refuses(t, () => check(bound, token, presented), 'proof_invalid', why)
  }
})

t.test('htu is compared normalised, without query and fragment (RFC 9449 §4.3)', async (t) => {
  const check = createCheck()
  for (const htu of [
    'https://API.example.com:443/v1/orders',
    'https://api.example.com/v1/%6Frders?page=3#top',
    'https://api.example.com/v1/x/../orders',
  ]) {
    await check(bound, token, present(await holder.prove({ token, url: htu })))
    t.pass(htu)
  }
})

t.test('a proof that is not signed by a public key of its own is refused', async (t) => {
  const other = await createHolder()
  const secret = new TextEncoder().encode('a secret of at least 32 characters')
  const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true })
  const publicJwk = await exportJWK(publicKey)
  const privateJwk = await exportJWK(privateKey)
  const octJwk = { kty: 'oct', k: Buffer.from(secret).toString('base64url') }
  const payload = {
    jti: randomUUID(),
    htm: method,
    htu: url,
    iat: Math.floor(Date.now() / 1000),
    ath: createHash('sha256').update(token).digest('base64url'),
  }
  const sign = (header: { alg: string; jwk: object }, key: typeof privateKey | Uint8Array) =>
    new SignJWT(payload).setProtectedHeader({ typ: 'dpop+jwt', ...header }).sign(key)
  const good = await sign({ alg: 'ES256', jwk: publicJwk }, privateKey)
  const [head, body, signature] = good.split('.') as [string, string, string]
  const proofs: [string, string][] = [
    ['alg none', forge({ typ: 'dpop+jwt', alg: 'none', jwk: publicJwk }, payload)],
    [
      'alg none with a signature',
      forge({ typ: 'dpop+jwt', alg: 'none', jwk: publicJwk }, payload, signature),
    ],
    ['HS256', await sign({ alg: 'HS256', jwk: octJwk }, secret)],
    ['HS256 over the public key', await sign({ alg: 'HS256', jwk: publicJwk }, secret)],
    ['a private jwk', await sign({ alg: 'ES256', jwk: privateJwk }, privateKey)],
    [
      'a half private jwk',
      await sign({ alg: 'ES256', jwk: { ...publicJwk, p: 'AQAB' } }, privateKey),
    ],
    ['no alg', forge({ typ: 'dpop+jwt', jwk: publicJwk }, payload, signature)],
    [
      'the alg of another key type',
      forge({ typ: 'dpop+jwt', alg: 'RS256', jwk: publicJwk }, payload, signature),
    ],
    [
      'a critical header',
      forge(
        { typ: 'dpop+jwt', alg: 'ES256', jwk: publicJwk, crit: ['x'], x: 1 },
        payload,
        signature,
      ),
    ],
    [
      'a broken signature',
      `${head}.${body}.${signature.startsWith('A') ? 'B' : 'A'}${signature.slice(1)}`,
    ],
    [
      'a changed payload',
      `${head}.${Buffer.from(JSON.stringify({ ...payload, jti: 'other' })).toString('base64url')}.${signature}`,
    ],
    [
      'a jwk that is no key',
      forge({ typ: 'dpop+jwt', alg: 'ES256', jwk: { kty: 'EC' } }, payload, signature),
    ],
    [
      'a jwk off the curve',
      forge(
        { typ: 'dpop+jwt', alg: 'ES256', jwk: { ...publicJwk, y: publicJwk.x } },
        payload,
        signature,
      ),
    ],
    ['two proofs', `${good}, ${good}`],
    ['two proofs, one of them empty', `${good},`],
    ['JSON instead of compact', JSON.stringify({ protected: head, payload: body, signature })],
    ['five parts', `${good}.a.b`],
    ['a header that is no JSON', `YWJj.${body}.${signature}`],
    ['a payload that is no JSON', `${head}.YWJj.${signature}`],
    ['nothing', ''],
    ['9 KiB', `${head}.${'A'.repeat(9000)}.${signature}`],
  ]
  const jkt = await calculateJwkThumbprint(publicJwk)
  const check = createCheck()
  for (const [why, proof] of proofs) {
    const cnf = { jkt: (await thumbprintIn(proof)) ?? jkt }
    await refuses(t, () => check({ cnf }, token, present(proof)), 'proof_invalid', why)
  }
  await check({ cnf: { jkt } }, token, present(good))
  t.pass('while the good one is accepted')
  const presented = present(await other.prove({ token }))
  await refuses(
    t,
    () => check({ cnf: { jkt } }, token, presented),
    'binding_mismatch',
    'another key',
  )
})

/** So that it is not refused for the binding. */
async function thumbprintIn(proof: string): Promise<string | undefined> {
  try {
    const header = JSON.parse(Buffer.from(proof.split('.', 1)[0]!, 'base64url').toString())
    return await calculateJwkThumbprint(header.jwk)
  } catch {
    return undefined
  }
}

t.test('a proof counts once (RFC 9449 §11.1)', async (t) => {
  const check = createCheck()
  const proof = await holder.prove({ token })
  await check(bound, token, present(proof))
  await refuses(t, () => check(bound, token, present(proof)), 'proof_replayed', 'again')
  const another = present(await holder.prove({ token }))
  const verdicts = await Promise.allSettled(
    Array.from({ length: 5 }, async () => check(bound, token, another)),
  )
  t.equal(verdicts.filter(({ status }) => status === 'fulfilled').length, 1, 'one of five at once')
})

t.test('the same jti by another key is another proof', async (t) => {
  const check = createCheck()
  const claims = { jti: 'the same' }
  const other = await createHolder()
  await check(bound, token, present(await holder.prove({ token, claims })))
  const proof = await other.prove({ token, claims })
  await t.resolves(async () => check({ cnf: { jkt: other.jkt } }, token, present(proof)))
})

t.test('a proof that is refused for something else is not used up', async (t) => {
  const check = createCheck()
  const proof = await holder.prove({ token })
  await refuses(
    t,
    () => check(bound, token, present(proof, { method: 'POST' })),
    'proof_invalid',
    'sent with another method',
  )
  await t.resolves(async () => check(bound, token, present(proof)))
})

t.test(
  'what would let proofs count for ever, or none be remembered, is refused at once',
  async (t) => {
    for (const options of [
      { windowSeconds: Number.NaN },
      { windowSeconds: 0 },
      { windowSeconds: Infinity },
      { maxProofs: Number.NaN },
      { maxProofs: 0 },
    ])
      t.throws(() => createCheck(options), TypeError)
  },
)

t.test('a proof counts for windowSeconds around its iat', async (t) => {
  const start = Math.floor(Date.now() / 1000)
  const offsets: [offset: number, isGood: boolean][] = [
    [-61, false],
    [-60, true],
    [60, true],
    [61, false],
  ]
  for (const [offset, isGood] of offsets) {
    const check = createCheck({ now: () => (start + offset) * 1000 })
    const presented = present(await holder.prove({ token, claims: { iat: start } }))
    if (isGood) await check(bound, token, presented)
    else await refuses(t, () => check(bound, token, presented), 'proof_invalid', `${offset} s`)
  }
  const dated = present(await holder.prove({ token, claims: { iat: start, exp: start + 10 } }))
  const late = createCheck({ now: () => (start + 20) * 1000 })
  await refuses(t, () => late(bound, token, dated), 'proof_invalid', 'an exp of its own is over')
  const check = createCheck({ windowSeconds: 5, now: () => (start + 6) * 1000 })
  const presented = present(await holder.prove({ token, claims: { iat: start } }))
  await refuses(t, () => check(bound, token, presented), 'proof_invalid', 'a narrower window')
})

t.test('several processes can share a memory of proofs', async (t) => {
  const seen = new Map<string, number>()
  const consumeProof = async (id: string, expiresAt: number) =>
    seen.has(id) ? false : Boolean(seen.set(id, expiresAt))
  const iat = Math.floor(Date.now() / 1000)
  const proof = await holder.prove({ token, claims: { jti: 'x'.repeat(1000), iat } })
  await createCheck({ consumeProof })(bound, token, present(proof))
  await refuses(
    t,
    () => createCheck({ consumeProof })(bound, token, present(proof)),
    'proof_replayed',
    'elsewhere',
  )
  t.strictSame(
    [...seen].map(([id, expiresAt]) => [id.length, expiresAt]),
    [[43, iat + 60]],
  )
})

t.test('a nonce is asked for and then needed (RFC 9449 §9)', async (t) => {
  const nonces = { issue: () => 'fresh', accepts: (nonce: string) => nonce === 'fresh' }
  const check = createCheck({ nonces })
  for (const nonce of [undefined, 'stale', 1]) {
    const presented = present(await holder.prove({ token, claims: { nonce } }))
    const error = await refuses(
      t,
      () => check(bound, token, presented),
      'proof_invalid',
      `${nonce}`,
    )
    t.strictSame(error?.expected, { nonce: 'fresh' })
  }
  await check(bound, token, present(await holder.prove({ token, claims: { nonce: 'fresh' } })))
})

t.test(
  'a token bound to a certificate needs the connection to have it (RFC 8705 §3)',
  async (t) => {
    const { cert } = createSelfSigned()
    const { raw, fingerprint256 } = new X509Certificate(cert)
    const thumbprint = createHash('sha256').update(raw).digest('base64url')
    t.equal(await certificateThumbprint(cert), thumbprint, 'of PEM')
    t.equal(await certificateThumbprint(`:${raw.toString('base64')}:`), thumbprint, 'of RFC 9440')

    const check = createCheck()
    const claims = { cnf: { 'x5t#S256': thumbprint } }
    for (const sha256Thumbprint of [
      thumbprint,
      fingerprint256,
      fingerprint256.replaceAll(':', '').toLowerCase(),
    ]) {
      check(claims, token, { scheme: 'Bearer', certificate: { sha256Thumbprint } })
      t.pass(sha256Thumbprint)
    }
    const other = { sha256Thumbprint: createHash('sha256').update('other').digest('base64url') }
    await refuses(t, async () => check(claims, token, {}), 'binding_missing', 'no certificate')
    await refuses(
      t,
      async () => check(claims, token, { certificate: other }),
      'binding_mismatch',
      'another',
    )
    await refuses(
      t,
      async () => check(claims, token, { certificate: { sha256Thumbprint: '' } }),
      'binding_mismatch',
      'none',
    )
    await refuses(
      t,
      async () =>
        check(claims, token, { scheme: 'DPoP', certificate: { sha256Thumbprint: thumbprint } }),
      'binding_mismatch',
      'as a DPoP token, which it is not',
    )
  },
)

t.test('a token that is bound twice needs both', async (t) => {
  const certificate = { sha256Thumbprint: createHash('sha256').update('c').digest('base64url') }
  const claims = { cnf: { jkt: holder.jkt, 'x5t#S256': certificate.sha256Thumbprint } }
  const presented = present(await holder.prove({ token }))
  const check = createCheck()
  await refuses(t, async () => check(claims, token, presented), 'binding_missing', 'no certificate')
  await refuses(t, async () => check(claims, token, { certificate }), 'binding_missing', 'no proof')
  await check(claims, token, { ...presented, certificate })
})
