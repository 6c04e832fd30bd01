import * as fc from 'fast-check'
import t from 'tap'
import { OAuthError, type ErrorCode } from '../../src/protocol/errors.ts'

t.test('each code has the status of its specification', async (t) => {
  const statuses: [ErrorCode, number][] = [
    ['invalid_request', 400], // RFC 6749 §5.2
    ['invalid_client', 401],
    ['invalid_grant', 400],
    ['unauthorized_client', 400],
    ['unsupported_grant_type', 400],
    ['invalid_scope', 400],
    ['invalid_target', 400], // RFC 8707 §2
    ['invalid_token', 401], // RFC 6750 §3.1
    ['insufficient_scope', 403],
    ['not_found', 404],
    ['method_not_allowed', 405],
    ['slow_down', 429],
    ['server_error', 500],
    ['temporarily_unavailable', 503],
  ]
  for (const [code, status] of statuses) t.equal(new OAuthError(code, '').status, status, code)
  t.equal(new OAuthError('invalid_request', '', { status: 413 }).status, 413, 'or another')
})

t.test('a description holds only what RFC 6749 §5.2 allows, and stays readable', async (t) => {
  const { description } = new OAuthError('invalid_request', `The "a\\b" is ünknown\r\nX: y\0.`)
  t.equal(description, `The 'a?b' is ?nknown??X: y?.`)
  const cited = new OAuthError('invalid_request', 'See {…} (RFC 9126 §2.1).')
  t.equal(cited.description, 'See {...} (RFC 9126 section 2.1).')
})

t.test('whatever is put into a description cannot leave a header or a JSON string', async () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) =>
      /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/.test(new OAuthError('invalid_request', text).description),
    ),
  )
})

t.test('detail and cause are kept for the log, apart from what is public', async (t) => {
  const cause = new Error('why')
  const error = new OAuthError('invalid_grant', 'Start again.', { detail: 'expired', cause })
  t.match(error, { name: 'OAuthError', detail: 'expired', cause, headers: {} })
  t.equal(error.message, 'invalid_grant: Start again.')
  t.ok(error instanceof Error)
})
