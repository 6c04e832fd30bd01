import t from 'tap'
import { challengeOf, toResponse } from '../../src/verifier/challenge.ts'
import { proofAlgorithms } from '../../src/verifier/dpop-proof.ts'
import { VerificationError } from '../../src/verifier/errors.ts'

const algs = `algs="${proofAlgorithms.join(' ')}"`
const resource = 'https://api.example.com/v1'
const bearer = { schemes: ['Bearer'], authorization: 'Bearer token' } as const
const expired = new VerificationError('token_expired', 'Get a new one.')
const missing = new VerificationError('token_missing', 'Send one.')

t.test('without a token there is no error code (RFC 6750 §3.1, RFC 9449 §7.2)', async (t) => {
  t.equal(challengeOf(missing, { schemes: ['Bearer'] }), 'Bearer')
  t.equal(challengeOf(missing, { schemes: ['DPoP'] }), `DPoP ${algs}`)
  t.equal(challengeOf(missing), `Bearer, DPoP ${algs}`)
  t.equal(
    challengeOf(missing, { schemes: ['Bearer'], scopes: ['orders:read', 'orders:write'] }),
    'Bearer scope="orders:read orders:write"',
  )
})

t.test(
  'the challenge of the scheme that was used tells what was wrong (RFC 9449 §7.2)',
  async (t) => {
    const told = 'error="invalid_token", error_description="Get a new one."'
    t.equal(challengeOf(expired, bearer), `Bearer ${told}`)
    t.equal(challengeOf(expired, { authorization: 'bearer x' }), `Bearer ${told}, DPoP ${algs}`)
    t.equal(challengeOf(expired, { authorization: 'DPoP x' }), `Bearer, DPoP ${told}, ${algs}`)
    t.equal(challengeOf(expired), `Bearer ${told}, DPoP ${told}, ${algs}`, 'who knows')
    const twice = new VerificationError('request_malformed', 'Send one.')
    const both = 'error="invalid_request", error_description="Send one."'
    t.equal(
      challengeOf(twice, { authorization: 'Bearer x, DPoP x' }),
      `Bearer ${both}, DPoP ${both}, ${algs}`,
    )
  },
)

t.test('each refusal has the error code of its specification', async (t) => {
  const codes: [VerificationError['code'], string][] = [
    ['request_malformed', 'invalid_request'],
    ['scope_insufficient', 'insufficient_scope'],
    ['token_expired', 'invalid_token'],
    ['token_revoked', 'invalid_token'],
    ['binding_missing', 'invalid_token'],
    ['proof_invalid', 'invalid_dpop_proof'],
    ['proof_replayed', 'invalid_dpop_proof'],
  ]
  for (const [code, error] of codes)
    t.match(challengeOf(new VerificationError(code, '')), `error="${error}"`, code)
  const proof = new VerificationError('proof_invalid', 'Why.')
  t.equal(
    challengeOf(proof, { authorization: 'DPoP x' }),
    `Bearer, DPoP error="invalid_dpop_proof", error_description="Why.", ${algs}`,
  )
})

t.test('too little scope tells what is enough (RFC 6750 §3)', async (t) => {
  const error = new VerificationError('scope_insufficient', 'More.', {
    expected: { scopes: ['a', 'b'] },
  })
  t.equal(
    challengeOf(error, bearer),
    'Bearer scope="a b", error="insufficient_scope", error_description="More."',
  )
  t.match(challengeOf(error, { ...bearer, scopes: ['a'] }), /scope="a b"/, 'of the whole API too')
})

t.test('a nonce is handed out with its own error code (RFC 9449 §9)', async (t) => {
  const error = new VerificationError('proof_invalid', 'Nonce.', { expected: { nonce: 'n' } })
  const { status, headers } = toResponse(error)
  t.equal(status, 401)
  t.equal(headers.get('dpop-nonce'), 'n')
  t.match(headers.get('www-authenticate'), /DPoP error="use_dpop_nonce"/)
})

t.test('it leads to the metadata of the resource (RFC 9728 §5.1)', async (t) => {
  t.equal(
    challengeOf(missing, { schemes: ['Bearer'], resource }),
    'Bearer resource_metadata="https://api.example.com/.well-known/oauth-protected-resource/v1"',
  )
})

t.test(
  'nothing escapes its quotes (RFC 9110 §5.6.4), nor the characters of RFC 6750 §3',
  async (t) => {
    const message = 'a "b" \\ c\r\nSet-Cookie: d=é\u0000'
    const error = new VerificationError('token_malformed', message)
    t.equal(
      challengeOf(error, bearer),
      `Bearer error="invalid_token", error_description="a 'b' ? c??Set-Cookie: d=??"`,
    )
    t.equal(
      challengeOf(missing, { schemes: ['Bearer'], scopes: ['a"b\\c\r\né'] }),
      String.raw`Bearer scope="a\"b\\c"`,
    )
    t.equal(toResponse(error).status, 401, 'and it is a header')
  },
)

t.test('503 challenges no one, and says when to come back', async (t) => {
  const stale = new VerificationError('revocations_stale', 'Try again.')
  const response = toResponse(stale)
  t.equal(response.status, 503)
  t.equal(response.headers.get('www-authenticate'), null)
  t.equal(response.headers.get('retry-after'), '5')
})

t.test('a response has the code and the message', async (t) => {
  const request = new Request(resource, { headers: { authorization: 'Bearer x' } })
  const response = toResponse(expired, request, { schemes: ['Bearer'], resource })
  t.equal(response.status, 401)
  t.equal(
    response.headers.get('www-authenticate'),
    'Bearer error="invalid_token", error_description="Get a new one.", ' +
      'resource_metadata="https://api.example.com/.well-known/oauth-protected-resource/v1"',
  )
  t.equal(response.headers.get('content-type'), 'application/json')
  t.equal(response.headers.get('cache-control'), 'no-store')
  t.strictSame(await response.json(), { code: 'token_expired', message: 'Get a new one.' })
})

t.test('what is no refusal is thrown on', async (t) => {
  const fault = new Error('a fault')
  t.throws(() => toResponse(fault), fault)
})
