import t from 'tap'
import { fetchJson } from '../../src/verifier/fetch-json.ts'
import { describeError } from '../../src/verifier/errors.ts'
import { createTestIssuer } from './test-issuer.ts'

const limits = { timeoutMilliseconds: 60_000, maxBytes: 1000 }
const { fetch } = globalThis

t.test('a document is a JSON object of bounded size, answered 200 by the URL itself', async (t) => {
  const { issuer, answer, requests } = await createTestIssuer(t)
  const read = (path: string) =>
    fetchJson(issuer + path, { fetch, limits }).then(
      ({ body }) => body,
      (error: unknown) => describeError(error),
    )

  answer('/good', { member: 'é'.repeat(100) })
  t.strictSame(await read('/good'), { member: 'é'.repeat(100) })

  answer('/moved', 302, { location: `${issuer}/good` })
  t.match(await read('/moved'), /\/moved could not be read. \(The answer is 302/)
  t.equal(requests.filter((path) => path === '/good').length, 1, 'no redirect is followed')

  answer('/gone', 404)
  t.match(await read('/gone'), /404/)
  answer('/array', [1])
  t.match(await read('/array'), /not a JSON object/)
  answer('/text', (_request, response) => response.end('{"a":'))
  t.match(await read('/text'), /not a JSON object/)
  answer('/empty', (_request, response) => response.end())
  t.match(await read('/empty'), /not a JSON object/)
  answer('/long', { member: 'x'.repeat(1000) })
  t.match(await read('/long'), /longer than 1000 bytes/)
  answer('/cut', (_request, response) => {
    response.writeHead(200, { 'content-length': '100' })
    response.write('{', () => response.destroy())
  })
  t.match(await read('/cut'), /could not be read/)
})

t.test('an answer without end is cut off', async (t) => {
  const { issuer, answer } = await createTestIssuer(t)
  const closed = new Promise<void>((resolve) => {
    answer('/endless', (_request, response) => {
      const write = () => void (response.writable && response.write('x'.repeat(500), write))
      response.on('close', resolve)
      write()
    })
  })
  await t.rejects(fetchJson(`${issuer}/endless`, { fetch, limits }), {
    cause: { message: /longer than 1000 bytes/ },
  })
  await closed
})

t.test('an answer that does not come, or not to its end, is not waited for', async (t) => {
  const { issuer, answer } = await createTestIssuer(t)
  answer('/silent', () => {})
  answer('/halfway', (_request, response) => void response.write('{'))
  for (const path of ['/silent', '/halfway'])
    await t.rejects(
      fetchJson(issuer + path, { fetch, limits: { ...limits, timeoutMilliseconds: 50 } }),
      { cause: { name: 'TimeoutError' } },
      path,
    )
})

t.test('how long an answer is fresh (RFC 9111 §4.2)', async (t) => {
  const { issuer, answer } = await createTestIssuer(t)
  const rows: [headers: Record<string, string>, freshSeconds: number | undefined][] = [
    [{}, undefined],
    [{ 'cache-control': 'public' }, undefined],
    [{ 'cache-control': 'max-age=300' }, 300],
    [{ 'cache-control': 'public, Max-Age=300, stale-if-error=900' }, 300],
    [{ 'cache-control': 'max-age="300"' }, 300],
    [{ 'cache-control': 's-maxage=300' }, undefined],
    [{ 'cache-control': 'max-age=nonsense' }, undefined],
    [{ 'cache-control': 'max-age=300', age: '100' }, 200],
    [{ 'cache-control': 'max-age=300', age: '400' }, 0],
    [{ 'cache-control': 'max-age=300', age: 'nonsense' }, 300],
    [{ 'cache-control': 'no-store, max-age=300' }, 0],
    [{ 'cache-control': 'no-cache' }, 0],
  ]
  for (const [headers, expected] of rows) {
    answer('/', {}, headers)
    const { freshSeconds } = await fetchJson(`${issuer}/`, { fetch })
    t.equal(freshSeconds, expected, JSON.stringify(headers))
  }
})
