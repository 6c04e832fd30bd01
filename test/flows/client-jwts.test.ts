/** Answers as JWTs for one client: userinfo (Core §5.3.2), introspection (RFC 9701) and ID tokens (Core §10). */
import {
  compactDecrypt,
  createRemoteJWKSet,
  decodeJwt,
  decodeProtectedHeader,
  exportJWK,
  generateKeyPair,
  jwtVerify,
  type JWK,
} from 'jose'
import t from 'tap'
import {
  authorizationUrl,
  authorize,
  obtainTokens,
  post,
  redeem,
  signIn,
  toTokens,
  type Party,
} from '../support/flow.ts'
import { createTestProvider, redirectUri } from '../support/provider.ts'

const jwtType = 'application/token-introspection+jwt'

t.test('answers as JWTs', async (t) => {
  const provider = await createTestProvider(t)
  const { issuer, clock } = provider
  const user = await provider.createUser({ claims: { name: 'Alice' } })
  const browser = await signIn(provider)
  const jwks = createRemoteJWKSet(new URL(`${issuer}/.well-known/jwks.json`))
  const rsa = await generateKeyPair('RSA-OAEP-256', { extractable: true })
  const ec = await generateKeyPair('ECDH-ES', { extractable: true })
  const privateKeys = { rsa: rsa.privateKey, ec: ec.privateKey }
  const publicKeys: JWK[] = [
    { ...(await exportJWK(rsa.publicKey)), kid: 'rsa', use: 'enc', alg: 'RSA-OAEP-256' },
    { ...(await exportJWK(ec.publicKey)), kid: 'ec', use: 'enc' },
  ]
  const createClient = (metadata: object) =>
    provider.createClient({ skip_consent: true, jwks: { keys: publicKeys }, ...metadata })
  const verify = (jwt: string) =>
    jwtVerify(jwt, jwks, { issuer, currentDate: clock.now() }).then(({ payload }) => payload)

  async function decrypt(jwe: string) {
    const { kid } = decodeProtectedHeader(jwe)
    const { plaintext, protectedHeader } = await compactDecrypt(
      jwe,
      privateKeys[kid as keyof typeof privateKeys],
    )
    return { text: new TextDecoder().decode(plaintext), header: protectedHeader }
  }

  async function userinfo(client: Party) {
    const scope = 'openid profile'
    const { access_token: token } = await obtainTokens(provider, browser, client, { scope })
    const response = await fetch(`${issuer}/userinfo`, {
      headers: { authorization: `Bearer ${token}` },
    })
    return {
      status: response.status,
      type: response.headers.get('content-type'),
      text: await response.text(),
    }
  }

  async function introspect(client: Party, token: string, accept?: string) {
    const basic = Buffer.from(`${client.clientId}:${client.secret}`).toString('base64')
    const response = await fetch(`${issuer}/introspect`, {
      method: 'POST',
      headers: { authorization: `Basic ${basic}`, ...(accept !== undefined && { accept }) },
      body: new URLSearchParams({ token }),
    })
    return {
      status: response.status,
      type: response.headers.get('content-type'),
      text: await response.text(),
    }
  }

  t.test('oidcc-userinfo-rs256: signed, for the client, without a nonce (§5.3.2)', async (t) => {
    for (const alg of ['RS256', 'ES256']) {
      const client = await createClient({ userinfo_signed_response_alg: alg })
      const { status, type, text } = await userinfo(client)
      t.equal(status, 200)
      t.equal(type, 'application/jwt')
      t.equal(decodeProtectedHeader(text).alg, alg)
      t.strictSame(await verify(text), {
        name: 'Alice',
        updated_at: Math.floor(user.updatedAt.getTime() / 1000),
        sub: user.sub,
        iss: issuer,
        aud: client.clientId,
      })
    }
  })

  t.test('without an algorithm userinfo is JSON (§5.3.2)', async (t) => {
    const { type, text } = await userinfo(await createClient({}))
    t.match(type, /^application\/json/)
    t.match(JSON.parse(text), { sub: user.sub, name: 'Alice' })
  })

  t.test('encrypted alone, it is the JSON of before (§5.3.2)', async (t) => {
    const cases = [
      ['RSA-OAEP-256', undefined, 'A128CBC-HS256'],
      ['ECDH-ES', 'A256GCM', 'A256GCM'],
      ['ECDH-ES+A128KW', 'A128GCM', 'A128GCM'],
      ['ECDH-ES+A256KW', 'A128CBC-HS256', 'A128CBC-HS256'],
    ] as const
    for (const [alg, given, enc] of cases) {
      const client = await createClient({
        userinfo_encrypted_response_alg: alg,
        ...(given && { userinfo_encrypted_response_enc: given }),
      })
      const { type, text } = await userinfo(client)
      t.equal(type, 'application/jwt')
      const { text: inner, header } = await decrypt(text)
      t.match(header, { alg, enc, cty: undefined })
      t.match(JSON.parse(inner), { sub: user.sub, name: 'Alice' })
    }
  })

  t.test('signed and encrypted, it is signed first (Core §10.2)', async (t) => {
    const client = await createClient({
      userinfo_signed_response_alg: 'RS256',
      userinfo_encrypted_response_alg: 'RSA-OAEP-256',
    })
    const { text, header } = await decrypt((await userinfo(client)).text)
    t.equal(header.cty, 'JWT')
    t.match(await verify(text), { sub: user.sub, aud: client.clientId })
  })

  t.test('a signed answer of userinfo is no id_token_hint', async (t) => {
    const client = await createClient({ userinfo_signed_response_alg: 'RS256' })
    const { text } = await userinfo(client)
    const url = authorizationUrl(provider, client, { id_token_hint: text })
    t.match((await browser.open(url)).url, /error=invalid_request/)
  })

  t.test('keys that cannot be had any more are told of', async (t) => {
    const { services, database } = provider
    for (const change of [`'{}'`, `'{"jwks_uri": "https://127.0.0.1:1/jwks"}'`]) {
      const client = await createClient({ userinfo_encrypted_response_alg: 'ECDH-ES' })
      await database.query(
        `update clients set metadata = (metadata - 'jwks') || ${change}::jsonb where client_id = $1`,
        [client.clientId],
      )
      services.clients.invalidate()
      const { status, text } = await userinfo(client)
      t.equal(status, 400)
      t.match(JSON.parse(text), { error: 'invalid_request', error_description: /ECDH-ES/ })
    }
  })

  t.test('an ID token is signed, then encrypted; decrypted it is a hint (§3.1.2.1)', async (t) => {
    const client = await createClient({
      id_token_encrypted_response_alg: 'ECDH-ES+A256KW',
      id_token_encrypted_response_enc: 'A256GCM',
    })
    const tokens = await obtainTokens(provider, browser, client)
    const { text, header } = await decrypt(tokens.id_token)
    t.match(header, { alg: 'ECDH-ES+A256KW', enc: 'A256GCM', cty: 'JWT', kid: 'ec' })
    t.match(await verify(text), { sub: user.sub, aud: client.clientId, nonce: 'the nonce' })
    const { code } = await authorize(provider, browser, client, { id_token_hint: text })
    t.equal((await redeem(provider, client, code)).status, 200)
  })

  t.test('introspection as a JWT, when it is asked for (RFC 9701 §4, §5)', async (t) => {
    const client = await createClient({})
    const { access_token: token } = await obtainTokens(provider, browser, client)
    for (const accept of [jwtType, `application/json;q=0.5, ${jwtType.toUpperCase()} ; q=1`]) {
      const { status, type, text } = await introspect(client, token, accept)
      t.equal(status, 200)
      t.equal(type, jwtType)
      t.match(decodeProtectedHeader(text), { alg: 'RS256', typ: 'token-introspection+jwt' })
      t.strictSame(await verify(text), {
        iat: Math.floor(clock.now().getTime() / 1000),
        token_introspection: { active: true, token_type: 'Bearer', ...decodeJwt(token) },
        iss: issuer,
        aud: client.clientId,
      })
    }
    const inactive = await verify((await introspect(client, 'x', jwtType)).text)
    t.strictSame(inactive['token_introspection'], { active: false })
  })

  t.test('introspection as JSON, when a JWT is not asked for (RFC 9701 §4)', async (t) => {
    const client = await createClient({ introspection_signed_response_alg: 'ES256' })
    const { access_token: token } = await obtainTokens(provider, browser, client)
    for (const accept of [undefined, '*/*', 'application/json', `${jwtType};q=0`]) {
      const { type, text } = await introspect(client, token, accept)
      t.match(type, /^application\/json/, String(accept))
      t.match(JSON.parse(text), { active: true }, String(accept))
    }
    const { text } = await introspect(client, token, jwtType)
    t.equal(decodeProtectedHeader(text).alg, 'ES256')
  })

  t.test(
    'whoever wants introspection encrypted never gets it in clear (RFC 9701 §6)',
    async (t) => {
      const client = await createClient({ introspection_encrypted_response_alg: 'RSA-OAEP-256' })
      const { access_token: token } = await obtainTokens(provider, browser, client)
      const { text, header } = await decrypt((await introspect(client, token, jwtType)).text)
      t.match(header, { enc: 'A128CBC-HS256', cty: 'JWT' })
      t.match(await verify(text), { token_introspection: { active: true } })
      const plain = await introspect(client, token)
      t.equal(plain.status, 400)
      t.match(JSON.parse(plain.text), { error: 'invalid_request', error_description: /Accept/ })
    },
  )

  t.test('no answer as a JWT is an access token', async (t) => {
    const client = await createClient({ userinfo_signed_response_alg: 'RS256' })
    const { access_token: token } = await obtainTokens(provider, browser, client)
    for (const { text } of [await introspect(client, token, jwtType), await userinfo(client)])
      t.strictSame((await post(provider, '/introspect', client, { token: text })).body, {
        active: false,
      })
  })

  t.test('metadata must make sense (OpenID Connect Registration §2)', async (t) => {
    const { clients } = provider.services
    const wrong: [object, RegExp][] = [
      [{ userinfo_encrypted_response_enc: 'A128GCM' }, /^userinfo_encrypted_response_alg: /],
      [{ userinfo_signed_response_alg: 'none' }, /^userinfo_signed_response_alg: /],
      [{ userinfo_encrypted_response_alg: 'RSA1_5' }, /^userinfo_encrypted_response_alg: /],
      [{ id_token_encrypted_response_alg: 'ECDH-ES', jwks: null }, /^id_token_encrypted_resp/],
      [
        { introspection_encrypted_response_alg: 'ECDH-ES', jwks: { keys: [publicKeys[0]] } },
        /^introspection_encrypted_response_alg: None/,
      ],
    ]
    for (const [metadata, message] of wrong)
      await t.rejects(
        clients.create({ redirect_uris: [redirectUri], jwks: { keys: publicKeys }, ...metadata }),
        { message },
      )
    const fine = await createClient({ userinfo_encrypted_response_alg: 'ECDH-ES' })
    t.ok(toTokens(await redeem(provider, fine, (await authorize(provider, browser, fine)).code)))
  })
})
