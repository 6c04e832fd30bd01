/** Tokens bound to DPoP keys (RFC 9449): who may use what, server nonces, and proofs that count once on all nodes. */
import { decodeJwt } from 'jose'
import t from 'tap'
import { createDpopKey, type DpopKey } from '../support/dpop.ts'
import {
  authorizationUrl,
  authorize,
  introspect,
  obtainTokens,
  post,
  redeem,
  refresh,
  signIn,
  toTokens,
  type Party,
} from '../support/flow.ts'
import { createTestProvider, type TestProvider } from '../support/provider.ts'

const provider = await createTestProvider(t)
const beside = await createTestProvider(t, {}, { beside: provider })
const { issuer, clock } = provider
await provider.createUser()
const browser = await signIn(provider)
const key = await createDpopKey(provider)
const otherKey = await createDpopKey(provider)
const service = await provider.createClient({
  grant_types: ['client_credentials'],
  redirect_uris: [],
  scope: 'revocations global_token_revocation',
})
const spa = await provider.createClient({
  skip_consent: true,
  token_endpoint_auth_method: 'none',
  grant_types: ['authorization_code', 'refresh_token'],
})
const web = await provider.createClient({ skip_consent: true })

/** The node's own address: the issuer is that of the first. */
const urlOf = ({ config }: TestProvider) => `http://127.0.0.1:${config.port}`

const nonceOf = ({ headers }: { headers: Headers }) => headers.get('dpop-nonce') ?? ''

const askWith = (dpop: string | undefined, at = provider, client: Party = service) =>
  post(
    { issuer: urlOf(at) },
    '/token',
    client,
    { grant_type: 'client_credentials', scope: 'revocations global_token_revocation' },
    dpop === undefined ? {} : { dpop },
  )

async function bind(client: Party, by: DpopKey, scope = 'openid offline_access') {
  const { code } = await authorize(provider, browser, client, { scope })
  const dpop = await by.prove('POST /token')
  return toTokens(await redeem(provider, client, code, {}, { dpop }))
}

t.test('a proof binds what is issued, for any client (RFC 9449 §5, §6.1)', async (t) => {
  const { status, body } = await askWith(await key.prove('POST /token'))
  t.strictSame([status, body['token_type']], [200, 'DPoP'])
  const token = String(body['access_token'])
  t.strictSame(decodeJwt(token)['cnf'], { jkt: key.jkt })
  t.match(await introspect(provider, web, token), { token_type: 'DPoP', cnf: { jkt: key.jkt } })
  const unbound = await askWith(undefined)
  t.strictSame([unbound.status, unbound.body['token_type']], [200, 'Bearer'])
})

t.test('a proof that is none is refused even where none is needed', async (t) => {
  for (const dpop of ['x', await key.prove('POST /revoke'), await key.prove('GET /token')]) {
    const { status, body } = await askWith(dpop)
    t.strictSame([status, body['error']], [400, 'invalid_dpop_proof'])
  }
})

t.test('a refused proof costs no code', async (t) => {
  const { code } = await authorize(provider, browser, web, { dpop_jkt: key.jkt })
  for (const dpop of [await key.prove('POST /userinfo'), await otherKey.prove('POST /token')])
    t.equal((await redeem(provider, web, code, {}, { dpop })).status, 400)
  t.equal((await redeem(provider, web, code)).status, 400, 'nor does none')
  const dpop = await key.prove('POST /token')
  t.equal((await redeem(provider, web, code, {}, { dpop })).status, 200)
})

t.test('dpop_jkt is kept while a person signs in (RFC 9449 §10)', async (t) => {
  const page = await browser.open(
    authorizationUrl(provider, web, { dpop_jkt: key.jkt, prompt: 'consent' }),
  )
  const { searchParams } = new URL((await browser.submit(page, { decision: 'allow' })).url)
  const code = searchParams.get('code') ?? undefined
  const dpop = await otherKey.prove('POST /token')
  t.match(await redeem(provider, web, code, {}, { dpop }), {
    status: 400,
    body: { error: 'invalid_grant' },
  })
})

t.test('a dpop_jkt that is no thumbprint is invalid_request', async (t) => {
  for (const dpop_jkt of ['x', `${key.jkt}A`, `${key.jkt.slice(1)}=`]) {
    const { error } = await authorize(provider, browser, web, { dpop_jkt })
    t.equal(error, 'invalid_request', dpop_jkt)
  }
})

t.test("a public client's refresh tokens are bound to its key (RFC 9449 §5)", async (t) => {
  const { refresh_token } = await bind(spa, key)
  const by = async (dpop: string | undefined) =>
    refresh(provider, spa, refresh_token, {}, dpop === undefined ? {} : { dpop })
  for (const dpop of [undefined, await otherKey.prove('POST /token')]) {
    const { status, body } = await by(dpop)
    t.strictSame([status, body['error']], [400, 'invalid_grant'])
  }
  const { status, body } = await by(await key.prove('POST /token'))
  t.strictSame([status, body['token_type']], [200, 'DPoP'])
})

t.test('a token that is not bound is no DPoP token (RFC 9449 §7.1)', async (t) => {
  const { access_token: token } = await obtainTokens(provider, browser, web)
  const dpop = await key.prove('GET /userinfo', { token })
  const headers = { authorization: `DPoP ${token}`, dpop }
  const response = await fetch(`${issuer}/userinfo`, { headers })
  t.equal(response.status, 401)
  t.match(response.headers.get('www-authenticate'), 'DPoP error="invalid_token"')
})

t.test('the challenge tells a bad proof from a bad token (RFC 9449 §7.1)', async (t) => {
  const { access_token: token } = await bind(web, key)
  const prove = (by: DpopKey, claims: Record<string, unknown> = {}) =>
    by.prove('GET /userinfo', { token, claims })
  for (const [error, dpop] of [
    ['invalid_token', undefined],
    ['invalid_token', await prove(otherKey)],
    ['invalid_dpop_proof', 'malformed'],
    ['invalid_dpop_proof', await prove(key, { jti: undefined })],
    ['invalid_dpop_proof', await prove(key, { jti: 'x'.repeat(257) })],
    ['invalid_dpop_proof', await key.prove('POST /userinfo', { token })],
  ]) {
    const headers = { authorization: `DPoP ${token}`, ...(dpop !== undefined && { dpop }) }
    const response = await fetch(`${issuer}/userinfo`, { headers })
    t.equal(response.status, 401)
    t.match(
      response.headers.get('www-authenticate'),
      new RegExp(
        `^Bearer realm="claviger", DPoP error="${error}", error_description="[^"]+", algs="ES256 `,
      ),
    )
  }
})

t.test('a proof that is none pushes no request, and gets a nonce (RFC 9449 §10.1)', async (t) => {
  const url = new URL(authorizationUrl(provider, web))
  const push = (dpop: string) =>
    post(provider, '/par', web, Object.fromEntries(url.searchParams), { dpop })
  const bad = [
    'x',
    await key.prove('POST /token'),
    await key.prove('POST /par', { claims: { iat: 1 } }),
  ]
  for (const dpop of bad) {
    const answer = await push(dpop)
    t.match(answer, { status: 400, body: { error: 'invalid_dpop_proof' } })
    t.match(nonceOf(answer), /^[\w-]{43}$/)
  }
  const stale = await push(await key.prove('POST /par', { claims: { nonce: 'stale' } }))
  t.match(stale, { status: 400, body: { error: 'use_dpop_nonce' } })
  const nonce = nonceOf(stale)
  t.equal((await push(await key.prove('POST /par', { claims: { nonce } }))).status, 201)
})

t.test('every endpoint that takes access tokens wants the proof of a bound one', async (t) => {
  const { body } = await askWith(await key.prove('POST /token'))
  const token = String(body['access_token'])
  const { access_token: ofPerson } = await bind(web, key)
  const subject = JSON.stringify({ sub_id: { format: 'opaque', id: 'nobody' } })
  const requests: [target: string, token: string, status: number, init?: RequestInit][] = [
    ['GET /userinfo', ofPerson, 200],
    ['POST /userinfo', ofPerson, 200],
    ['GET /revocations', token, 200],
    ['POST /global-token-revocation', token, 404, { body: subject }],
  ]
  for (const [target, bound, status, init = {}] of requests) {
    const [method = '', path = ''] = target.split(' ')
    const send = (headers: Record<string, string>) =>
      fetch(issuer + path, {
        ...init,
        method,
        headers: { ...headers, ...(init.body && { 'content-type': 'application/json' }) },
      })
    const proof = { token: bound }
    for (const headers of [
      { authorization: `Bearer ${bound}` },
      { authorization: `DPoP ${bound}` },
      { authorization: `DPoP ${bound}`, dpop: await otherKey.prove(target, proof) },
      { authorization: `Bearer ${bound}`, dpop: await key.prove(target, proof) },
    ]) {
      const response = await send(headers)
      t.equal(response.status, 401, target)
      t.match(response.headers.get('www-authenticate'), /Bearer realm="claviger".*DPoP /)
    }
    const good = { authorization: `DPoP ${bound}`, dpop: await key.prove(target, proof) }
    t.equal((await send(good)).status, status, target)
  }
})

t.test('a proof counts once, on whichever nodes it arrives at the same time', async (t) => {
  for (const _ of [1, 2, 3]) {
    const dpop = await key.prove('POST /token')
    const answers = await Promise.all(
      [provider, beside, provider, beside].map((node) => askWith(dpop, node)),
    )
    t.strictSame(
      answers
        .map(({ status, body }) => `${status} ${String(body['error'])}`)
        .toSorted((a, b) => a.localeCompare(b)),
      [
        '200 undefined',
        '400 invalid_dpop_proof',
        '400 invalid_dpop_proof',
        '400 invalid_dpop_proof',
      ],
    )
  }
})

const withNonce = (nonce: string, at?: TestProvider) =>
  key.prove('POST /token', { claims: { nonce } }).then((dpop) => askWith(dpop, at))

t.test('server nonces', async (t) => {
  t.test('one is offered with each answer to a proof, errors too, and only there', async (t) => {
    const offered = await askWith(await key.prove('POST /token'))
    t.match(nonceOf(offered), /^[\w-]{43}$/)
    t.equal(nonceOf(await askWith('x')), nonceOf(offered))
    t.equal((await askWith(undefined)).headers.get('dpop-nonce'), null)
    const jwks = await fetch(`${issuer}/.well-known/jwks.json`, { headers: { dpop: 'x' } })
    t.equal(jwks.headers.get('dpop-nonce'), null, 'which a cache may keep')
  })

  t.test('any node accepts it, for five minutes at least and ten at most', async (t) => {
    const nonce = nonceOf(await askWith(await key.prove('POST /token')))
    t.equal((await withNonce(nonce, beside)).status, 200)
    clock.advance(300)
    t.equal((await withNonce(nonce, beside)).status, 200)
    clock.advance(300)
    const late = await withNonce(nonce, beside)
    t.match(late, { status: 400, body: { error: 'use_dpop_nonce' } })
    t.equal((await withNonce(nonceOf(late))).status, 200)
  })

  t.test('one of somebody else is answered with a good one (RFC 9449 §8)', async (t) => {
    for (const nonce of ['', 'x', 'A'.repeat(43)])
      t.match(await withNonce(nonce), { status: 400, body: { error: 'use_dpop_nonce' } })
  })

  t.test('`required`: no proof without, here and at userinfo (RFC 9449 §9)', async (t) => {
    const strict = await createTestProvider(
      t,
      { CLAVIGER_DPOP_NONCE: 'required' },
      { beside: provider },
    )
    const first = await askWith(await key.prove('POST /token'), strict)
    t.match(first, { status: 400, body: { error: 'use_dpop_nonce' } })
    t.equal(strict.services.events.waiting(), 0, 'which the watch takes for no refusal')
    t.equal((await withNonce(nonceOf(first), strict)).status, 200)

    const { access_token: token } = await bind(web, key)
    const ask = async (claims: object) => {
      const dpop = await key.prove('GET /userinfo', { token, claims: { ...claims } })
      const headers = { authorization: `DPoP ${token}`, dpop }
      return fetch(`${urlOf(strict)}/userinfo`, { headers })
    }
    const refused = await ask({})
    t.equal(refused.status, 401)
    t.match(refused.headers.get('www-authenticate'), 'DPoP error="use_dpop_nonce"')
    t.equal((await ask({ nonce: nonceOf(refused) })).status, 200)
  })

  t.test('`off`: none is given out, and none is looked at', async (t) => {
    const plain = await createTestProvider(t, { CLAVIGER_DPOP_NONCE: 'off' }, { beside: provider })
    const answer = await withNonce('of nobody', plain)
    t.strictSame([answer.status, nonceOf(answer)], [200, ''])
  })
})
