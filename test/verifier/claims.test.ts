import t from 'tap'
import {
  checkClaims,
  checkRequired,
  checkScopes,
  checkTimes,
  type AccessTokenClaims,
  type RequiredClaims,
} from '../../src/verifier/claims.ts'
import { VerificationError } from '../../src/verifier/errors.ts'

const good = { iss: 'https://issuer.example', aud: 'api', exp: 1000, iat: 900, sub: 'alice' }
const rules = { issuer: 'https://issuer.example', audiences: ['api', 'other'], needsIat: true }

function refusalOf(check: () => unknown): VerificationError | undefined {
  try {
    check()
    return undefined
  } catch (error) {
    if (error instanceof VerificationError) return error
    throw error
  }
}

const codeOf = (check: () => unknown) => refusalOf(check)?.code ?? 'accepted'

t.test('iss, aud and exp are needed, iat where revocations are followed', async (t) => {
  t.equal(checkClaims(good, rules), good)
  for (const name of ['iss', 'aud', 'exp', 'iat']) {
    const claims = { ...good, [name]: undefined }
    t.equal(
      codeOf(() => checkClaims(claims, rules)),
      'claim_missing',
    )
    t.throws(() => checkClaims(claims, rules), { message: new RegExp(`no ${name}`) })
  }
  t.equal(
    codeOf(() => checkClaims({ ...good, iat: undefined }, { ...rules, needsIat: false })),
    'accepted',
  )
})

t.test('the issuer is compared exactly (RFC 9068 §4)', async (t) => {
  for (const iss of ['https://issuer.example/', 'HTTPS://issuer.example', 'https://issuer', ''])
    t.equal(
      codeOf(() => checkClaims({ ...good, iss }, rules)),
      'issuer_mismatch',
    )
})

t.test('the audience holds one of ours (RFC 9068 §4)', async (t) => {
  const rows: [aud: unknown, code: string][] = [
    ['api', 'accepted'],
    ['other', 'accepted'],
    [['x', 'api'], 'accepted'],
    ['x', 'audience_mismatch'],
    ['API', 'audience_mismatch'],
    ['api other', 'audience_mismatch'],
    [['x', 'y'], 'audience_mismatch'],
    [[], 'audience_mismatch'],
    [['api', 7], 'token_malformed'],
    [[['api']], 'token_malformed'],
    [7, 'token_malformed'],
    [null, 'token_malformed'],
    [{ api: true }, 'token_malformed'],
  ]
  for (const [aud, code] of rows)
    t.equal(
      codeOf(() => checkClaims({ ...good, aud }, rules)),
      code,
      JSON.stringify(aud),
    )
})

t.test('instants are numbers, and names are texts', async (t) => {
  for (const name of ['exp', 'iat', 'nbf'])
    for (const value of ['1000', null, true, [], {}, Infinity, Number.NaN])
      t.equal(
        codeOf(() => checkClaims({ ...good, [name]: value }, rules)),
        'token_malformed',
      )
  for (const name of ['iss', 'sub', 'jti', 'client_id', 'sid', 'grant_id'])
    for (const value of [7, null, true, ['a'], {}])
      t.equal(
        codeOf(() => checkClaims({ ...good, [name]: value }, rules)),
        'token_malformed',
      )
  t.equal(
    codeOf(() => checkClaims(JSON.parse('{"exp":1e999}'), rules)),
    'claim_missing',
  )
})

t.test('a token counts from nbf and iat until exp, with the tolerance at both ends', async (t) => {
  const rows: [
    times: { exp: number; nbf?: number; iat?: number },
    seconds: number,
    code: string,
  ][] = [
    [{ exp: 1000 }, 1004.999, 'accepted'],
    [{ exp: 1000 }, 1005, 'token_expired'],
    [{ exp: -1 }, 0, 'accepted'],
    [{ exp: 1000, nbf: 900 }, 895, 'accepted'],
    [{ exp: 1000, nbf: 900 }, 894.999, 'token_not_yet_valid'],
    [{ exp: 1000, iat: 900 }, 895, 'accepted'],
    [{ exp: 1000, iat: 900 }, 894.999, 'issued_in_future'],
  ]
  for (const [times, seconds, code] of rows)
    t.equal(
      codeOf(() => checkTimes(times, seconds * 1000, 5)),
      code,
      JSON.stringify([times, seconds]),
    )
  t.equal(
    codeOf(() => checkTimes({ exp: 1000 }, 1_000_000, 0)),
    'token_expired',
  )
  t.equal(
    codeOf(() => checkTimes({ exp: 1000 }, 999_999, 0)),
    'accepted',
  )
})

t.test('all the scopes that are needed must be granted', async (t) => {
  const rows: [scope: unknown, needed: string[], code: string][] = [
    ['a b', [], 'accepted'],
    ['a b', ['b', 'a'], 'accepted'],
    ['a b', ['a', 'c'], 'scope_insufficient'],
    ['a:b', ['a'], 'scope_insufficient'],
    ['A', ['a'], 'scope_insufficient'],
    ['', ['a'], 'scope_insufficient'],
    [undefined, ['a'], 'scope_insufficient'],
    [undefined, [], 'accepted'],
    [['a', 'b'], ['a'], 'accepted'],
    [['a b'], ['a'], 'scope_insufficient'],
    [{ a: true }, ['a'], 'scope_insufficient'],
  ]
  for (const [scope, needed, code] of rows) {
    const claims = { ...good, scope } as AccessTokenClaims
    t.equal(
      codeOf(() => checkScopes(claims, needed)),
      code,
      JSON.stringify([scope, needed]),
    )
  }
  const refusal = refusalOf(() => checkScopes({ ...good, scope: 'a' }, ['a', 'b']))
  t.equal(refusal?.status, 403)
  t.strictSame(refusal?.expected, { scopes: ['a', 'b'] })
})

t.test('required claims are the value, or hold it, or hold all of several', async (t) => {
  const rows: [claim: unknown, required: RequiredClaims[string], code: string][] = [
    ['admin', 'admin', 'accepted'],
    ['user', 'admin', 'claim_mismatch'],
    [['user', 'admin'], 'admin', 'accepted'],
    [['user', 'admin'], ['admin', 'user'], 'accepted'],
    [['user', 'admin'], ['admin', 'owner'], 'claim_mismatch'],
    ['admin', ['admin'], 'accepted'],
    [['user'], 'admin', 'claim_mismatch'],
    [true, true, 'accepted'],
    ['true', true, 'claim_mismatch'],
    [1, 1, 'accepted'],
    ['1', 1, 'claim_mismatch'],
    [undefined, 'admin', 'claim_mismatch'],
    [null, 'admin', 'claim_mismatch'],
    [{ admin: true }, 'admin', 'claim_mismatch'],
    [undefined, [], 'accepted'],
  ]
  for (const [claim, required, code] of rows) {
    const claims = { ...good, role: claim }
    t.equal(
      codeOf(() => checkRequired(claims, { role: required })),
      code,
    )
  }
  t.equal(
    codeOf(() => checkRequired(good, { constructor: 'x' })),
    'claim_mismatch',
  )
  t.equal(
    codeOf(() => checkRequired(good, { role: undefined } as unknown as RequiredClaims)),
    'claim_mismatch',
  )
  t.equal(
    codeOf(() => checkRequired(good, { sub: 'alice', role: 'admin' })),
    'claim_mismatch',
  )
})
