/** How the endpoints and pages refuse, as the FAPI 2.0 modules look at it. */
import type { Test } from 'tap'
import type { Answer } from '../../support/flow.ts'
import type { Visit } from '../../support/suite-browser.ts'
import type { Fapi2Run } from './run.ts'

/** RFC 6749 §5.2: 400, but 401 where it is the client that is not known. */
export function isRefused(t: Test, { status, headers, body }: Answer, error: string): void {
  t.strictSame([status, body['error']], [error === 'invalid_client' ? 401 : 400, error])
  t.match(headers.get('content-type'), /^application\/json\b/)
  t.equal(headers.get('cache-control'), 'no-store')
  t.match(body['error_description'], /^[\x20\x21\x23-\x5b\x5d-\x7e]{10,}$/)
  t.notOk('access_token' in body || 'request_uri' in body)
}

/** A page of ours that says why, and nobody is sent anywhere. */
export function isErrorPage({ t, suite }: Fapi2Run, { page }: Visit, error: string): void {
  t.match(page, { status: 400, html: `Error <code>${error}</code>` })
  t.match(page.headers.get('content-type'), /^text\/html\b/)
  t.ok(page.url.startsWith(`${suite.issuer}/authorize?`), page.url)
}
