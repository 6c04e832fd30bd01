/** FAPI 2.0 Security Profile with DPoP: the modules of the suite that need no pushed request (CONFORMANCE §3.6, [D]). */
import { base64url, exportJWK, generateKeyPair, SignJWT } from 'jose'
import { createHash, randomUUID } from 'node:crypto'
import t from 'tap'
import { createDpopKey } from '../support/dpop.ts'
import { authorize, post, redeem, refresh, signIn, toTokens, type Answer } from '../support/flow.ts'
import { createTestProvider } from '../support/provider.ts'
import { forge, type Proof } from '../verifier/holder.ts'

const provider = await createTestProvider(t)
const { issuer, clock } = provider
await provider.createUser()
const client = await provider.createClient({ dpop_bound_access_tokens: true, skip_consent: true })
const browser = await signIn(provider)
const key = await createDpopKey(provider)
const otherKey = await createDpopKey(provider)

const now = () => Math.floor(clock.now().getTime() / 1000)

async function redeemWith(by: typeof key, proof: Proof = {}, changes = {}): Promise<Answer> {
  const { code } = await authorize(provider, browser, client, {
    scope: 'openid offline_access',
    ...changes,
  })
  const dpop = await by.prove('POST /token', proof)
  return redeem(provider, client, code, {}, { dpop })
}

async function userinfo(token: string, headers: Record<string, string | string[]>) {
  const list = Object.entries(headers).flatMap(([name, value]) =>
    [value].flat().map((one): [string, string] => [name, one]),
  )
  const response = await fetch(`${issuer}/userinfo`, {
    headers: [['authorization', `DPoP ${token}`], ...list.filter(([, value]) => value !== '')],
  })
  return {
    status: response.status,
    challenge: response.headers.get('www-authenticate') ?? '',
    nonce: response.headers.get('dpop-nonce'),
  }
}

const { access_token: token, refresh_token: refreshToken } = toTokens(await redeemWith(key))
const proveUserinfo = (proof: Proof = {}) => key.prove('GET /userinfo', { token, ...proof })

t.test('EnsureDpopAuthCodeBindingSuccess: the key of dpop_jkt redeems the code', async (t) => {
  const { status, body } = await redeemWith(key, {}, { dpop_jkt: key.jkt })
  t.strictSame([status, body['token_type']], [200, 'DPoP'])
  const { access_token } = body as { access_token: string }
  const dpop = await key.prove('GET /userinfo', { token: access_token })
  t.equal((await userinfo(access_token, { dpop })).status, 200)
})

t.test('EnsureTokenEndpointFailsWithMismatchedDpopJkt', async (t) => {
  const { status, body } = await redeemWith(otherKey, {}, { dpop_jkt: key.jkt })
  t.strictSame([status, body['error']], [400, 'invalid_grant'])
})

t.test('EnsureHolderOfKeyRequired: no tokens without a proof', async (t) => {
  const { code } = await authorize(provider, browser, client)
  const { status, body } = await redeem(provider, client, code)
  t.strictSame([status, body['error']], [400, 'invalid_dpop_proof'])
})

for (const [name, seconds] of [
  ['Before', -10],
  ['After', 10],
] as const)
  t.test(`EnsureDpopProofWithIat10Seconds${name}Succeeds`, async (t) => {
    const claims = { iat: now() + seconds }
    const answer = await redeemWith(key, { claims })
    t.equal(answer.status, 200)
    const { access_token } = toTokens(answer)
    const dpop = await key.prove('GET /userinfo', { token: access_token, claims })
    t.equal((await userinfo(access_token, { dpop })).status, 200)
  })

t.test('CheckDpopProofNbfExp: they are heeded', async (t) => {
  for (const [claims, isGood] of [
    [{ nbf: now() - 10, exp: now() + 60 }, true],
    [{ nbf: now() + 10, exp: now() + 60 }, true],
    [{ exp: now() - 1 }, false],
    [{ nbf: now() + 3600 }, false],
    [{ exp: 'tomorrow' }, false],
  ] as const) {
    const about = JSON.stringify(claims)
    t.equal((await redeemWith(key, { claims })).status, isGood ? 200 : 400, about)
    const dpop = await proveUserinfo({ claims })
    t.equal((await userinfo(token, { dpop })).status, isGood ? 200 : 401, about)
  }
})

t.test(
  'RefreshToken: a confidential client may prove another key, but has to prove one',
  async (t) => {
    const dpop = await otherKey.prove('POST /token')
    const answer = await refresh(provider, client, refreshToken, {}, { dpop })
    t.strictSame([answer.status, answer.body['token_type']], [200, 'DPoP'])
    const { access_token, refresh_token } = toTokens(answer)
    const proof = await otherKey.prove('GET /userinfo', { token: access_token })
    t.equal((await userinfo(access_token, { dpop: proof })).status, 200)
    const without = await refresh(provider, client, refresh_token)
    t.strictSame([without.status, without.body['error']], [400, 'invalid_dpop_proof'])
    const unauthenticated = await post(
      provider,
      '/token',
      { clientId: client.clientId, secret: '' },
      { grant_type: 'refresh_token', refresh_token },
      { dpop: await otherKey.prove('POST /token') },
    )
    t.equal(unauthenticated.status, 401)
  },
)

t.test('DpopNegativeTests', async (t) => {
  const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true })
  const [publicJwk, privateJwk] = [await exportJWK(publicKey), await exportJWK(privateKey)]
  const rsa = await createDpopKey(provider, 'RS256')
  const payload = {
    jti: randomUUID(),
    htm: 'GET',
    htu: `${issuer}/userinfo`,
    iat: now(),
    ath: createHash('sha256').update(token).digest('base64url'),
  }
  const [head, body, signature] = (await proveUserinfo()).split('.') as [string, string, string]
  const without = (name: string) => proveUserinfo({ claims: { [name]: undefined } })
  const refused: Record<string, string | string[]> = {
    'two DPoP headers': [await proveUserinfo(), await proveUserinfo()],
    'a malformed JWT': 'malformed',
    'two of three parts': `${head}.${body}`,
    'no typ': await proveUserinfo({ header: { typ: undefined } }),
    'no alg': forge({ typ: 'dpop+jwt', jwk: publicJwk }, payload, signature),
    'no jwk': await proveUserinfo({ header: { jwk: undefined } }),
    'no jti': await without('jti'),
    'no htm': await without('htm'),
    'no htu': await without('htu'),
    'no iat': await without('iat'),
    'no ath': await without('ath'),
    'another typ': await proveUserinfo({ header: { typ: 'JWT' } }),
    RS256: await rsa.prove('GET /userinfo', { token }),
    none: forge({ typ: 'dpop+jwt', alg: 'none', jwk: publicJwk }, payload),
    'a bad signature': `${head}.${body}.${base64url.encode(new Uint8Array(64).fill(7))}`,
    'a private key': await new SignJWT(payload)
      .setProtectedHeader({ typ: 'dpop+jwt', alg: 'ES256', jwk: privateJwk })
      .sign(privateKey),
    'another htm': await key.prove('POST /userinfo', { token }),
    'another htu': await key.prove('GET /token', { token }),
    'another ath': await proveUserinfo({ token: 'another' }),
    'iat an hour ago': await proveUserinfo({ claims: { iat: now() - 3600 } }),
    'iat in an hour': await proveUserinfo({ claims: { iat: now() + 3600 } }),
    'another key': await otherKey.prove('GET /userinfo', { token }),
    'a jti that is too long': await proveUserinfo({ claims: { jti: 'x'.repeat(257) } }),
    'no proof': [],
  }
  for (const [name, dpop] of Object.entries(refused)) {
    const { status, challenge } = await userinfo(token, { dpop })
    t.equal(status, 401, name)
    const error =
      /^Bearer realm="claviger", DPoP error="(\w+)", error_description="[^"]+", algs="ES256 /.exec(
        challenge,
      )?.[1]
    const isOfToken = name === 'another key' || name === 'no proof'
    t.equal(error, isOfToken ? 'invalid_token' : 'invalid_dpop_proof', name)
  }

  t.test('Bearer instead of DPoP', async (t) => {
    for (const dpop of ['', await proveUserinfo()]) {
      const response = await fetch(`${issuer}/userinfo`, {
        headers: { authorization: `Bearer ${token}`, ...(dpop && { dpop }) },
      })
      t.equal(response.status, 401)
      t.match(response.headers.get('www-authenticate'), /error="invalid_token".*DPoP algs="ES256 /)
    }
  })

  t.test('a jti counts once, whichever request it comes with', async (t) => {
    const dpop = await proveUserinfo()
    t.equal((await userinfo(token, { dpop })).status, 200)
    const { status, challenge } = await userinfo(token, { dpop })
    t.equal(status, 401)
    t.match(challenge, 'DPoP error="invalid_dpop_proof"')
  })

  t.test('the token in the query is no token', async (t) => {
    const dpop = await proveUserinfo()
    const response = await fetch(`${issuer}/userinfo?access_token=${token}`, { headers: { dpop } })
    t.equal(response.status, 401)
  })

  t.test('what differs without meaning is accepted', async (t) => {
    const { protocol, port } = new URL(issuer)
    const accepted: Record<string, Proof> = {
      'a query in htu': { url: `${issuer}/userinfo?x=1` },
      'a fragment in htu': { url: `${issuer}/userinfo#x` },
      'an unknown claim': { claims: { unknown: { a: 1 } } },
      'an upper-case scheme': { url: `${protocol.toUpperCase()}//127.0.0.1:${port}/userinfo` },
      'a percent-encoded letter': { url: `${issuer}/%75serinfo` },
    }
    for (const [name, proof] of Object.entries(accepted))
      t.equal((await userinfo(token, { dpop: await proveUserinfo(proof) })).status, 200, name)
  })

  t.test('the scheme is read in any case (RFC 9110 §11.1)', async (t) => {
    for (const scheme of ['dpop', 'DPOP']) {
      const headers = { authorization: `${scheme} ${token}`, dpop: await proveUserinfo() }
      t.equal((await fetch(`${issuer}/userinfo`, { headers })).status, 200, scheme)
    }
  })
})
