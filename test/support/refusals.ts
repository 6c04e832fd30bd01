/** What every refusal must be: the code and status of its specification, words that help, one request id throughout. */
import type { Test } from 'tap'
import type { TestProvider } from './provider.ts'
import type { Answer } from './raw-http.ts'

export interface Expected {
  status: number
  error: string
}

type Log = Pick<TestProvider, 'logged'>

/** RFC 6749 §5.2, and a sentence that is not too long to read. */
const description = /^[A-Z][\x20\x21\x23-\x5b\x5d-\x7e]{10,400}\.$/
const stackTrace = /\bat .+:\d+:\d+|node_modules|\/src\/|\.[jt]sx?:\d+/

/** RFC 6749 §5.2 and our own request id, the same in the body, the header and the log. */
export function checkJsonRefusal(
  t: Test,
  { logged }: Log,
  answer: Answer,
  { status, error }: Expected,
  about: string,
): void {
  const { error_description, ...others } = parse(answer.body)
  t.strictSame(
    { ...summary(answer, logged), ...others, description: isHelpful(error_description) },
    {
      status,
      type: 'application/json; charset=utf-8',
      location: null,
      logged: error,
      isTraceless: true,
      error,
      request_id: answer.headers.get('x-request-id') ?? 'that of the header',
      description: true,
    },
    about,
  )
}

/** The same for people: a page that cannot be framed, with the request id among its details. */
export function checkPageRefusal(
  t: Test,
  { logged }: Log,
  answer: Answer,
  { status, error }: Expected,
  about: string,
): void {
  const find = (pattern: RegExp) => pattern.exec(answer.body)?.[1]
  const words = find(/<h2 id="details">[^<]*<\/h2><p>([^<]*)<\/p>/)
  t.strictSame(
    {
      ...summary(answer, logged),
      isFramable: !/frame-ancestors 'none'/.test(
        answer.headers.get('content-security-policy') ?? '',
      ),
      error: find(/Error <code>([^<]*)<\/code>/),
      requestId: find(/Request id <code>([^<]*)<\/code>/),
      description: isHelpful(words?.replaceAll(/&(?:amp|lt|gt);/g, '&')),
    },
    {
      status,
      type: 'text/html; charset=utf-8',
      location: null,
      logged: error,
      isTraceless: true,
      isFramable: false,
      error,
      requestId: answer.headers.get('x-request-id') ?? 'that of the header',
      description: true,
    },
    about,
  )
}

/** RFC 6749 §4.1.2.1: a fault that goes back to the client, which is also told from whom (RFC 9207). */
export function checkRedirectRefusal(
  t: Test,
  { logged, issuer }: Log & Pick<TestProvider, 'issuer'>,
  answer: Answer,
  { error, redirectUri, state }: { error: string; redirectUri: string; state: string | null },
  about: string,
): void {
  const { location, ...others } = summary(answer, logged)
  const [target, query] = (location ?? '').split('?')
  const { error_description, ...params } = Object.fromEntries(new URLSearchParams(query))
  t.strictSame(
    { ...others, target, params, description: isHelpful(error_description) },
    {
      status: 303,
      type: null,
      logged: error,
      isTraceless: true,
      target: redirectUri,
      params: { error, ...(state !== null && { state }), iss: issuer },
      description: true,
    },
    about,
  )
}

function summary({ status, headers, body }: Answer, logged: Log['logged']) {
  const id = headers.get('x-request-id')
  const line = logged.find(({ reqId, msg }) => reqId === id && msg === 'refused')
  return {
    status,
    type: headers.get('content-type'),
    location: headers.get('location'),
    logged: line?.['error'],
    isTraceless: !stackTrace.test(body),
  }
}

/** True, or the description that is not. */
function isHelpful(text: unknown): unknown {
  return typeof text === 'string' && description.test(text) ? true : text
}

function parse(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>
  } catch {
    return { text }
  }
}
