import { createHmac, generateKeyPairSync, sign } from 'node:crypto'
import t from 'tap'
import { verifyOwnToken, type OwnTokenRules } from '../../src/keys/own-tokens.ts'
import { createTestKeys } from './setup.ts'

const issuer = 'https://id.example.com'
const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')

/** The three parts of a token, of which the first is decoded too. */
function take(token: string) {
  const [header = '', payload = '', signature = ''] = token.split('.')
  const decoded: { kid: string } = JSON.parse(Buffer.from(header, 'base64url').toString())
  return { header, payload, signature, decoded }
}

const keys = await createTestKeys(t)
const { rotation, keyring, store, vault, clock } = keys
await rotation.ensureKeys()
await keyring.load()

const seconds = () => Math.floor(clock.now().getTime() / 1000)
const claims = () => ({ iss: issuer, sub: 'ada', iat: seconds(), exp: seconds() + 600 })
const signed = (extra: object = {}, typ = 'at+jwt') =>
  keyring.sign('ES256', typ, { ...claims(), ...extra })
const at = (offset: number) => ({ now: new Date((seconds() + offset) * 1000) })
const verify = (token: string, rules: Partial<OwnTokenRules> = {}) =>
  verifyOwnToken(keyring, token, { typ: 'at+jwt', issuer, now: clock.now(), ...rules })

async function reason(token: string, rules: Partial<OwnTokenRules> = {}): Promise<string> {
  const verdict = await verify(token, rules)
  return verdict.valid ? 'valid' : verdict.reason
}

t.test('our own tokens are valid, whichever algorithm signed them', async (t) => {
  for (const alg of ['RS256', 'ES256'] as const) {
    const verdict = await verify(await keyring.sign(alg, 'at+jwt', claims()))
    t.match(verdict, { valid: true, claims: claims(), header: { alg, typ: 'at+jwt' } })
    t.equal(verdict.valid && verdict.kid, verdict.valid && verdict.header.kid)
  }
})

t.test('what is not a compact JWS is malformed (RFC 7515 §7.1)', async (t) => {
  const token = await signed()
  const { header, payload, signature } = take(token)
  const kid = { kid: 'x' }
  for (const text of [
    '',
    '.',
    '..',
    'a.b',
    `${token}.`,
    `${token}.x.y`,
    ` ${token}`,
    `${token}\n`,
    `${header}.${payload}.`,
    `${header}.${payload}.${signature}=`,
    `!.${payload}.${signature}`,
    `${encode([])}.${payload}.${signature}`,
    `${encode(null)}.${payload}.${signature}`,
    `${encode({})}.${payload}.${signature}`,
    `${encode({ alg: 1, typ: 'at+jwt', ...kid })}.${payload}.${signature}`,
    `${encode({ alg: 'ES256', typ: 'at+jwt', crit: ['b64'], ...kid })}.${payload}.${signature}`,
    `${encode({ alg: 'ES256', typ: 'at+jwt' })}.${payload}.${signature}`,
    await signed({ filler: 'x'.repeat(9500) }),
  ])
    t.equal(await reason(text), 'malformed', text.slice(0, 60))
})

t.test('another spelling of the same signature bytes is malformed (RFC 4648 §3.5)', async (t) => {
  const token = await signed()
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  const last = alphabet.indexOf(token.at(-1)!)
  const respelled = token.slice(0, -1) + alphabet[last + 1]
  t.equal(await reason(respelled), 'malformed')
})

t.test('a token of another type is refused (RFC 8725 §3.11)', async (t) => {
  const idToken = await signed({}, 'JWT')
  t.equal(await reason(idToken), 'wrong-type')
  t.equal(await reason(idToken, { typ: 'JWT' }), 'valid')
  t.equal(await reason(idToken, { typ: ['at+jwt', 'JWT'] }), 'valid')
})

t.test('a signature by any other key is refused', async (t) => {
  const { header, payload } = take(await signed())
  const input = Buffer.from(`${header}.${payload}`)
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const foreign = sign('sha256', input, { key: privateKey, dsaEncoding: 'ieee-p1363' })
  t.equal(await reason(`${header}.${payload}.${foreign.toString('base64url')}`), 'bad-signature')
  t.equal(
    await reason(`${header}.${payload}.${Buffer.alloc(64).toString('base64url')}`),
    'bad-signature',
  )
  t.equal(await reason(`${header}.${payload}.AA`), 'bad-signature')
})

t.test('altered claims are refused', async (t) => {
  for (const alg of ['RS256', 'ES256'] as const) {
    const { header, signature } = take(await keyring.sign(alg, 'at+jwt', claims()))
    const forged = encode({ ...claims(), sub: 'eve' })
    t.equal(await reason(`${header}.${forged}.${signature}`), 'bad-signature')
  }
})

t.test(
  'the algorithm is that of the key: none, HMAC and others fail (RFC 8725 §3.1)',
  async (t) => {
    const { decoded, payload, signature } = take(await signed())
    const publicKey = keyring.find(decoded.kid)!.publicKey.export({ type: 'spki', format: 'pem' })
    for (const alg of ['none', 'HS256', 'RS256', 'PS256', 'es256']) {
      const other = encode({ ...decoded, alg })
      const input = `${other}.${payload}`
      const mac = createHmac('sha256', publicKey).update(input)
      t.equal(await reason(`${input}.${signature}`), 'bad-signature', alg)
      t.equal(await reason(`${input}.${mac.digest('base64url')}`), 'bad-signature', alg)
    }
  },
)

t.test('not even the right key may sign under the name of another algorithm', async (t) => {
  const { decoded, payload } = take(await signed())
  const row = (await store.list()).find(({ kid }) => kid === decoded.kid)!
  const key = { key: await vault.open(row), dsaEncoding: 'ieee-p1363' } as const
  const signatureOf = (input: string) =>
    sign('sha256', Buffer.from(input), key).toString('base64url')
  for (const [alg, expected] of [
    ['ES256', 'valid'],
    ['none', 'bad-signature'],
  ]) {
    const input = `${encode({ ...decoded, alg })}.${payload}`
    t.equal(await reason(`${input}.${signatureOf(input)}`), expected)
  }
})

t.test('an unknown kid is refused', async (t) => {
  const { decoded, payload, signature } = take(await signed())
  const other = encode({ ...decoded, kid: '../../etc/passwd' })
  t.equal(await reason(`${other}.${payload}.${signature}`), 'unknown-key')
})

t.test('claims without iss or exp are malformed, another issuer is refused', async (t) => {
  t.equal(await reason(await signed({ iss: undefined })), 'malformed')
  t.equal(await reason(await signed({ exp: undefined })), 'malformed')
  t.equal(await reason(await signed({ exp: 'soon' })), 'malformed')
  t.equal(await reason(await signed({ iss: `${issuer}/` })), 'wrong-issuer')
})

t.test('a token is valid until the second of its exp (RFC 7519 §4.1.4)', async (t) => {
  const token = await signed()
  t.equal(await reason(token, at(599.999)), 'valid')
  t.equal(await reason(token, at(600)), 'expired')
  t.equal(await reason(token, { ...at(600), allowExpired: true }), 'valid')
})

t.test('nbf is kept, but for what clocks differ by (RFC 7519 §4.1.5)', async (t) => {
  t.equal(await reason(await signed({ nbf: seconds() + 5 })), 'valid')
  t.equal(await reason(await signed({ nbf: seconds() + 6 })), 'not-yet-valid')
})

t.test(
  'a key that has left the JWKS counts for expired hints only, a revoked one never',
  async (t) => {
    const token = await signed()
    const { kid } = take(token).decoded
    clock.advance(86_400)
    await rotation.rotate({ actor: 'ada', algorithms: ['ES256'] })
    await keyring.load()
    const fresh = { exp: seconds() + 86_400 }
    t.equal(await reason(token, { allowExpired: true }), 'valid', 'retired')
    t.equal(await reason(await signed(fresh)), 'valid')

    clock.advance(3690)
    t.equal(await reason(token), 'unknown-key')
    t.equal(await reason(token, { allowExpired: true }), 'valid', 'gone')

    await rotation.revoke(kid, { actor: 'ada' })
    await keyring.load()
    t.equal(await reason(token), 'revoked-key')
    t.equal(await reason(token, { allowExpired: true }), 'revoked-key')
  },
)
