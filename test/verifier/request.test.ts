import t from 'tap'
import { VerificationError } from '../../src/verifier/errors.ts'
import {
  authenticate,
  joinUrl,
  readRequest,
  type RequestOptions,
} from '../../src/verifier/request.ts'
import { audience, createHolder, createTestTokens } from './holder.ts'

const url = `${audience}/orders`
const tokens = await createTestTokens(t)
const verifier = tokens.createVerifier()
const holder = await createHolder()

const requestWith = (headers: [string, string][], to = url) => new Request(to, { headers })

function codeOf(request: Request, options?: RequestOptions): string {
  try {
    readRequest(request, options)
    return 'none'
  } catch (error) {
    return error instanceof VerificationError ? error.code : String(error)
  }
}

t.test('the token is in the Authorization header (RFC 6750 §2.1)', async (t) => {
  for (const scheme of ['Bearer', 'bearer', 'BEARER'])
    t.strictSame(readRequest(requestWith([['authorization', `${scheme} abc.DEF-_~+/==`]])), {
      token: 'abc.DEF-_~+/==',
      presented: { scheme: 'Bearer' },
    })
  t.strictSame(
    readRequest(
      requestWith([
        ['authorization', 'dpop abc'],
        ['dpop', 'proof'],
      ]),
    ),
    {
      token: 'abc',
      presented: { scheme: 'DPoP', dpop: { proof: 'proof', method: 'GET', url } },
    },
  )
})

t.test('no token, or another scheme, is a missing token (RFC 6750 §3.1)', async (t) => {
  for (const authorization of [
    '',
    'Bearer',
    'Bearer ',
    'Basic YTpi',
    'Digest a="b", c=d',
    'Bearerabc',
    'abc',
  ])
    t.equal(codeOf(requestWith([['authorization', authorization]])), 'token_missing', authorization)
  t.equal(codeOf(requestWith([])), 'token_missing')
  t.equal(codeOf(requestWith([['cookie', 'access_token=abc']])), 'token_missing')
})

t.test('what is malformed, or comes twice, is refused (RFC 6750 §2, §3.1)', async (t) => {
  for (const authorization of [
    'Bearer a b',
    'Bearer a, Bearer b',
    'Bearer "a"',
    'Bearer =',
    'DPoP a;b',
    'Bearer ä',
  ])
    t.equal(
      codeOf(requestWith([['authorization', authorization]])),
      'request_malformed',
      authorization,
    )
  const twice: [string, string][] = [
    ['authorization', 'Bearer a'],
    ['authorization', 'DPoP a'],
  ]
  t.equal(codeOf(requestWith(twice)), 'request_malformed')
})

t.test('a token in the URL is refused, even beside another (RFC 6750 §2.3)', async (t) => {
  const bearer: [string, string][] = [['authorization', 'Bearer a']]
  t.equal(codeOf(requestWith(bearer, `${url}?access_token=b`)), 'request_malformed')
  t.equal(codeOf(requestWith([], `${url}?page=2&access_token=b`)), 'request_malformed')
  t.equal(codeOf(requestWith(bearer, `${url}?note=access_token`)), 'none')
  t.equal(codeOf(requestWith(bearer, `${url}?my_access_token=b`)), 'none')
})

t.test('a scheme that is not offered is as none', async (t) => {
  const request = requestWith([['authorization', 'DPoP abc']])
  t.equal(codeOf(request, { schemes: ['Bearer'] }), 'token_missing')
  t.equal(codeOf(request, { schemes: ['DPoP'] }), 'none')
})

const urlOf = (to: string, baseUrl?: string) =>
  readRequest(
    requestWith(
      [
        ['authorization', 'DPoP abc'],
        ['dpop', 'proof'],
        ['forwarded', 'host=evil.example;proto=https'],
        ['x-forwarded-host', 'evil.example'],
      ],
      to,
    ),
    { baseUrl },
  ).presented.dpop?.url

t.test('the URL that proofs are for is the public one', async (t) => {
  t.equal(urlOf('http://10.0.0.1:3000/orders?a=b'), 'http://10.0.0.1:3000/orders?a=b')
  t.equal(urlOf('http://10.0.0.1:3000/orders?a=b', audience), `${audience}/orders?a=b`)
  t.equal(urlOf('http://10.0.0.1:3000/orders', `${audience}/`), `${audience}/orders`)
  t.equal(urlOf('http://10.0.0.1:3000//evil.example/', audience), `${audience}//evil.example/`)
})

t.test('a request becomes claims', async (t) => {
  const token = await tokens.issue()
  const request = requestWith([['authorization', `Bearer ${token}`]])
  t.hasStrict(await authenticate(request, verifier), { sub: 'alice', scope: 'orders:read' })
  t.hasStrict(await authenticate(request, verifier, { scopes: ['orders:read'] }), { sub: 'alice' })
  await t.rejects(authenticate(request, verifier, { scopes: ['orders:write'] }), {
    code: 'scope_insufficient',
  })
  await t.rejects(authenticate(request, verifier, { claims: { roles: 'admin' } }), {
    code: 'claim_mismatch',
  })
  await t.rejects(authenticate(requestWith([]), verifier), { code: 'token_missing' })
  const admin = await tokens.issue({ roles: ['user', 'admin'] })
  const adminRequest = requestWith([['authorization', `Bearer ${admin}`]])
  t.hasStrict(await authenticate(adminRequest, verifier, { claims: { roles: 'admin' } }), {
    sub: 'alice',
  })
})

t.test('a bound token comes with its proof, its certificate, or not at all', async (t) => {
  const token = await tokens.issue({ cnf: { jkt: holder.jkt } })
  const proof = await holder.prove({ token })
  const headers: [string, string][] = [
    ['authorization', `DPoP ${token}`],
    ['dpop', proof],
  ]
  const request = requestWith(headers)
  t.hasStrict(await authenticate(request, verifier), { sub: 'alice' })
  t.hasStrict(await authenticate(request, verifier), { sub: 'alice' }, 'the same request again')
  await t.rejects(authenticate(requestWith(headers), verifier), { code: 'proof_replayed' })
  await t.rejects(authenticate(request, verifier, { baseUrl: 'https://b.example' }), {
    code: 'proof_invalid',
  })
  await t.rejects(authenticate(requestWith([['authorization', `Bearer ${token}`]]), verifier), {
    code: 'binding_missing',
  })
  const two = requestWith([
    ['authorization', `DPoP ${token}`],
    ['dpop', await holder.prove({ token })],
    ['dpop', await holder.prove({ token })],
  ])
  await t.rejects(authenticate(two, verifier), { code: 'proof_invalid' })

  const sha256Thumbprint = 'A'.repeat(43)
  const bound = await tokens.issue({ cnf: { 'x5t#S256': sha256Thumbprint } })
  const plain = requestWith([['authorization', `Bearer ${bound}`]])
  await t.rejects(authenticate(plain, verifier), { code: 'binding_missing' })
  t.hasStrict(await authenticate(plain, verifier, { certificate: { sha256Thumbprint } }), {
    sub: 'alice',
  })
})

t.test('the dpop options of a verifier reach its proofs', async (t) => {
  const nonces = { issue: () => 'fresh', accepts: (nonce: string) => nonce === 'fresh' }
  const strict = tokens.createVerifier({ dpop: { nonces } })
  const token = await tokens.issue({ cnf: { jkt: holder.jkt } })
  const prove = async (claims: object) =>
    requestWith([
      ['authorization', `DPoP ${token}`],
      ['dpop', await holder.prove({ token, claims: { ...claims } })],
    ])
  await t.rejects(authenticate(await prove({}), strict), { code: 'proof_invalid' })
  t.hasStrict(await authenticate(await prove({ nonce: 'fresh' }), strict), { sub: 'alice' })
})

t.test('no target of a request leads to another host than that of the base', async (t) => {
  const base = 'https://api.example.com/'
  for (const target of ['.evil.example/orders', '@evil.example/orders', ':80/orders', '*', ''])
    t.equal(new URL(joinUrl(base, target)).host, 'api.example.com', target)
  t.equal(joinUrl(base, '/orders?all'), 'https://api.example.com/orders?all')
  t.equal(joinUrl(base, '?all'), 'https://api.example.com?all')
})
