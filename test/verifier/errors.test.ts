import t from 'tap'
import { describeError, excerpt, VerificationError } from '../../src/verifier/errors.ts'

t.test('an error says by its code which status fits', async (t) => {
  t.match(new VerificationError('token_expired', 'The token is expired.'), {
    name: 'VerificationError',
    code: 'token_expired',
    status: 401,
    message: 'The token is expired.',
    expected: undefined,
    detail: undefined,
  })
  t.equal(new VerificationError('request_malformed', '').status, 400)
  t.equal(new VerificationError('scope_insufficient', '').status, 403)
  for (const code of ['keys_unavailable', 'revocations_stale'] as const)
    t.equal(new VerificationError(code, '').status, 503)
})

t.test('it carries what would have been enough, what the log needs, and the cause', async (t) => {
  const cause = new Error('refused')
  const error = new VerificationError('scope_insufficient', 'More.', {
    expected: { scopes: ['a'] },
    detail: 'for the log',
    cause,
  })
  t.strictSame(error.expected, { scopes: ['a'] })
  t.equal(error.detail, 'for the log')
  t.equal(error.cause, cause)
  t.notOk('cause' in new VerificationError('token_expired', ''))
})

t.test('an excerpt is short, on one line, and safe for any value', async (t) => {
  let deep: unknown = 1
  for (let depth = 0; depth < 100_000; depth++) deep = [deep]
  t.equal(excerpt('kid', 'a\n"b'), String.raw`kid "a\n\"b"`)
  t.equal(excerpt('kid', 'x'.repeat(1000)).length, 106)
  t.equal(excerpt('kid', undefined), 'kid undefined')
  t.equal(excerpt('typ', deep), 'typ object')
})

t.test('an error is described with its causes', async (t) => {
  const error = new Error('outer', { cause: new Error('inner', { cause: 'a text' }) })
  t.equal(describeError(error), 'outer (inner (a text))')
  t.equal(describeError(7), '7')
})
