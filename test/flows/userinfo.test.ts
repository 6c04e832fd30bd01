/** Userinfo: how the access token comes in, and what is said when it is not good (Core §5.3, RFC 6750). */
import t from 'tap'
import { encode, obtainTokens, signIn, type Fields } from '../support/flow.ts'
import { createTestProvider } from '../support/provider.ts'

const bearer = (value: string) => ({ authorization: `Bearer ${value}` })

t.test('userinfo', async (t) => {
  const provider = await createTestProvider(t)
  const { sub } = await provider.createUser()
  const browser = await signIn(provider)
  const client = await provider.createClient({ skip_consent: true })
  const { access_token: token, id_token: idToken } = await obtainTokens(provider, browser, client)
  const url = `${provider.issuer}/userinfo`
  const get = (headers: Record<string, string>) => fetch(url, { headers })
  const post = (headers: Record<string, string>, fields: Fields) =>
    fetch(url, { method: 'POST', headers, body: encode(fields) })

  async function isRefused(response: Response, status: number, error: string) {
    const challenge = response.headers.get('www-authenticate') ?? ''
    t.match(challenge, /^Bearer realm="claviger"/)
    t.match(challenge, `error="${error}"`)
    t.match(await response.json(), { error, request_id: response.headers.get('x-request-id') })
    t.equal(response.status, status)
    t.equal(response.headers.get('cache-control'), 'no-store')
  }

  t.test(
    'takes the token in the header, by GET and POST, or in a form (Core §5.3.1)',
    async (t) => {
      const answers = [
        await get(bearer(token)),
        await get({ authorization: `bearer ${token}` }),
        await post(bearer(token), {}),
        await post({}, { access_token: token }),
        await fetch(url, { method: 'POST', headers: bearer(token) }),
      ]
      for (const answer of answers) t.strictSame(await answer.json(), { sub })
    },
  )

  t.test('without a token the challenge names no error (RFC 6750 §3.1)', async (t) => {
    const answers = [await get({}), await post({}, {}), await fetch(`${url}?access_token=${token}`)]
    for (const answer of answers) {
      t.equal(answer.status, 401)
      t.equal(
        answer.headers.get('www-authenticate'),
        'Bearer realm="claviger", DPoP algs="ES256 PS256 EdDSA Ed25519"',
      )
    }
  })

  t.test('a token in two places, or malformed, is invalid_request', async () => {
    await isRefused(await post(bearer(token), { access_token: token }), 400, 'invalid_request')
    for (const authorization of ['Bearer', `Bearer ${token} x`, 'Bearer "x"'])
      await isRefused(await get({ authorization }), 400, 'invalid_request')
  })

  t.test('anything but a living access token is invalid_token', async () => {
    const [header, payload, signature] = token.split('.')
    const none = Buffer.from('{"alg":"none","typ":"at+jwt","kid":"x"}').toString('base64url')
    const wrong = [
      idToken,
      'x',
      'a.b.c',
      `${header}.${payload}.`,
      `${none}.${payload}.`,
      `${header}.${payload?.slice(0, -2)}.${signature}`,
      `${token}.${token}`,
      'x'.repeat(10_000),
    ]
    for (const one of wrong) await isRefused(await get(bearer(one)), 401, 'invalid_token')
    provider.clock.advance(600)
    await isRefused(await get(bearer(token)), 401, 'invalid_token')
  })

  t.test('a token without openid has an insufficient scope', async (t) => {
    const plain = await obtainTokens(provider, browser, client, { scope: 'profile' })
    const response = await get(bearer(plain.access_token))
    t.match(response.headers.get('www-authenticate'), 'scope="openid"')
    await isRefused(response, 403, 'insufficient_scope')
  })
})
