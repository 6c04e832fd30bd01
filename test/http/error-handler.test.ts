/** The one writer of errors: what nobody foresaw, what has no route, and what is not even HTTP. */
import fastify from 'fastify'
import t from 'tap'
import { DatabaseUnavailable } from '../../src/database/database.ts'
import { registerErrorHandler } from '../../src/http/error-handler.ts'
import { OAuthError } from '../../src/protocol/errors.ts'
import { Refusal } from '../../src/protocol/refusal.ts'
import { createTestProvider } from '../support/provider.ts'
import { send, sendBytes } from '../support/raw-http.ts'
import { checkJsonRefusal, checkPageRefusal } from '../support/refusals.ts'

const notFound = { status: 404, error: 'not_found' }
const invalid = { status: 400, error: 'invalid_request' }

t.test('what a route throws', async (t) => {
  const logged: Record<string, unknown>[] = []
  const stream = { write: (line: string) => void logged.push(JSON.parse(line)) }
  const app = fastify({ logger: { stream } })
  const refused = () => logged.find(({ msg }) => msg === 'refused')
  t.beforeEach(() => void logged.splice(0))
  registerErrorHandler(app, {
    sendErrorPage: (reply, { code, description }) => reply.send(`page: ${code} ${description}`),
  })
  let thrown: unknown
  app.get('/machine', async () => Promise.reject(thrown))
  app.get('/person', { config: { isPage: true } }, async () => Promise.reject(thrown))
  t.teardown(() => app.close())

  t.test('unforeseen, is a server_error whose text only the log has', async (t) => {
    const secret = 'select password_hash from users'
    for (thrown of [new Error(secret), new Refusal(secret), new TypeError(secret)]) {
      logged.splice(0)
      const answer = await app.inject('/machine')
      t.equal(answer.statusCode, 500)
      t.strictSame(answer.json(), {
        error: 'server_error',
        error_description: 'Something went wrong on our side. Try again later.',
        request_id: refused()?.['reqId'],
      })
      t.match(refused(), { level: 50, err: { message: secret, stack: /error-handler\.test/ } })
      const page = await app.inject('/person')
      t.equal(page.statusCode, 500)
      t.notMatch(page.body, secret)
    }
  })

  t.test('when the database cannot be reached, is 503 with Retry-After', async (t) => {
    thrown = new DatabaseUnavailable(new Error('connect ECONNREFUSED 10.0.0.1:5432'))
    const answer = await app.inject('/machine')
    t.match(answer, { statusCode: 503, headers: { 'retry-after': /^\d+$/ } })
    t.equal(answer.json().error, 'temporarily_unavailable')
    t.notMatch(answer.body, '10.0.0.1')
    t.match(await app.inject('/person'), {
      statusCode: 503,
      body: /^page: temporarily_unavailable/,
    })
  })

  t.test('as a refusal, goes out with its status and headers; its detail does not', async (t) => {
    thrown = new OAuthError('slow_down', 'Wait a minute, then try again.', {
      headers: { 'retry-after': '60' },
      detail: 'the detail',
      cause: new Error('the cause'),
    })
    const answer = await app.inject('/machine')
    t.match(answer, { statusCode: 429, headers: { 'retry-after': '60' } })
    t.notMatch(answer.body, /the (?:detail|cause)/)
    t.match(refused(), {
      level: 30,
      error: 'slow_down',
      detail: 'the detail',
      err: { message: 'the cause' },
    })
  })
})

t.test('what has no route', async (t) => {
  const provider = await createTestProvider(t)
  const { issuer } = provider
  const browser = { accept: 'text/html,application/xhtml+xml;q=0.9,*/*;q=0.8' }

  t.test('is 404: JSON for machines, a page for browsers', async (t) => {
    const paths = [
      '/nothing',
      '/%00',
      '/token%00',
      '/token/',
      '//token',
      '/TOKEN',
      '/../token',
      '/./token',
      '/%2e%2e/package.json',
      '/authorize/..%2ftoken',
      '/%EF%BB%BF',
      '/token;x=1',
      '/__proto__',
      '/constructor',
      '/.well-known/',
      '//evil.example/',
      '/\\evil.example',
    ]
    for (const path of paths) {
      checkJsonRefusal(t, provider, await send(issuer, { path }), notFound, path)
      const headers = { accept: 'application/json' }
      checkJsonRefusal(t, provider, await send(issuer, { path, headers }), notFound, path)
      const page = await send(issuer, { path, headers: browser })
      checkPageRefusal(t, provider, page, notFound, path)
    }
  })

  t.test('is 404 below the assets as well, inside the folder and outside', async (t) => {
    for (const name of ['claviger.css', '..%2f..%2fpackage.json', '%2e%2e%2flogin.tsx', '%00']) {
      const answer = await send(issuer, { path: `/assets/${name}` })
      checkJsonRefusal(t, provider, answer, notFound, name)
    }
  })

  t.test('is 404 for any method, with any body', async (t) => {
    for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE']) {
      const hasBody = method !== 'TRACE' && method !== 'OPTIONS'
      const answer = await send(issuer, {
        method,
        path: '/nothing',
        ...(hasBody && { headers: { 'content-type': 'application/json' }, body: '{"a":' }),
      })
      checkJsonRefusal(t, provider, answer, notFound, method)
    }
  })

  t.test('is 400 when its path cannot be decoded', async (t) => {
    for (const path of ['/%', '/%zz', '/%E0%A4%A', '/token%', '/%ff', '/%C0%AF', '/assets/%']) {
      const answer = await send(issuer, { path })
      checkJsonRefusal(t, provider, answer, invalid, path)
      t.equal(answer.headers.get('x-content-type-options'), 'nosniff', path)
    }
  })
})

t.test('what is not HTTP', async (t) => {
  const provider = await createTestProvider(t)
  const { issuer } = provider
  const { host } = new URL(issuer)
  const start = `GET / HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n`
  const post = `POST /token HTTP/1.1\r\nhost: ${host}\r\n`

  t.test('is 400', async (t) => {
    const requests: [string, string][] = [
      ['garbage', 'garbage\r\n\r\n'],
      ['a TLS hello', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'],
      ['an unknown method', `BREW / HTTP/1.1\r\nhost: ${host}\r\n\r\n`],
      ['a raw byte in the path', `GET /\xff HTTP/1.1\r\nhost: ${host}\r\n\r\n`],
      ['a raw byte in the query', `GET /authorize?state=\xe9 HTTP/1.1\r\nhost: ${host}\r\n\r\n`],
      ['NUL in a header', `${start}x: a\0b\r\n\r\n`],
      ['a bare CR in a header', `${start}x: a\rb\r\n\r\n`],
      ['a space in a header name', `${start}x y: z\r\n\r\n`],
      ['a Content-Length that is no number', `${post}content-length: abc\r\n\r\n`],
      ['two lengths', `${post}content-length: 3\r\ncontent-length: 4\r\n\r\nabcd`],
      ['two framings', `${post}content-length: 3\r\ntransfer-encoding: chunked\r\n\r\nabc`],
      ['a bad chunk', `${post}transfer-encoding: chunked\r\n\r\nzz\r\n`],
    ]
    for (const [name, bytes] of requests) {
      const answer = await sendBytes(issuer, Buffer.from(bytes, 'latin1'))
      checkJsonRefusal(t, provider, answer, invalid, name)
    }
  })

  t.test('is 431 with more than 16 KiB of headers', async (t) => {
    const tooLarge = { status: 431, error: 'invalid_request' }
    for (const [name, more] of [
      ['one', `x: ${'a'.repeat(20_000)}\r\n`],
      ['many', 'x-header: abcdefgh\r\n'.repeat(1_500)],
      ['a cookie', `cookie: ${'a=b; '.repeat(5_000)}\r\n`],
    ] as const) {
      const answer = await sendBytes(issuer, `${start}${more}\r\n`)
      checkJsonRefusal(t, provider, answer, tooLarge, name)
    }
    const path = `/authorize?state=${'a'.repeat(20_000)}`
    checkJsonRefusal(t, provider, await send(issuer, { path }), tooLarge, 'the request line')
  })

  t.test('may not take for ever to arrive', async (t) => {
    const { requestTimeout, headersTimeout } = provider.app.server
    for (const milliseconds of [requestTimeout, headersTimeout])
      t.ok(milliseconds > 0 && milliseconds <= 60_000, `${milliseconds} ms`)
  })

  t.test('does no harm to the requests that follow', async (t) => {
    t.match(await send(issuer, { path: '/health/ready' }), { status: 200 })
  })
})
