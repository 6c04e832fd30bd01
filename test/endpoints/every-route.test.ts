/** Bad input at every route: the specification's error, never a 500, nothing half-written (issue 2, "Bad input"). */
import t, { type Test } from 'tap'
import { redirectUri } from '../support/provider.ts'
import { send, type Answer } from '../support/raw-http.ts'
import {
  checkJsonRefusal,
  checkPageRefusal,
  checkRedirectRefusal,
  type Expected,
} from '../support/refusals.ts'
import { tableContents } from '../support/table-contents.ts'
import { createWorld, pathOf, routeNames, sendTo, type Route } from './routes.ts'

const { provider, client, tokens, routes } = await createWorld(t)
const { issuer, database, logged } = provider
const invalid = { status: 400, error: 'invalid_request' }
const withParameters = routes.filter(({ takes }) => takes === 'query' || takes === 'form')
const withForm = routes.filter(({ takes }) => takes === 'form')

const request = (route: Route, text: string | Buffer, headers = {}): Promise<Answer> =>
  sendTo(issuer, route, { text, headers })

function encode(parameters: Record<string, string>): string {
  return new URLSearchParams(parameters).toString()
}

function check(t: Test, route: Route, answer: Answer, expected: Expected, about: string): void {
  const checkRefusal = route.isPage ? checkPageRefusal : checkJsonRefusal
  checkRefusal(t, provider, answer, expected, `${route.name}, ${about}`)
}

/** A fault that is found once the recipient is known: the authorization endpoint tells the client. */
function checkLate(t: Test, route: Route, answer: Answer, name: string): void {
  const about = `${route.name}, ${name}`
  if (!route.untrusted || route.untrusted.includes(name)) check(t, route, answer, invalid, name)
  else {
    const state = name === 'state' ? null : 'the state'
    const expected = { error: 'invalid_request', redirectUri, state }
    checkRedirectRefusal(t, provider, answer, expected, about)
  }
}

async function leavesNoTrace(t: Test, work: () => Promise<void>): Promise<void> {
  const before = await tableContents(database)
  await work()
  t.strictSame(await tableContents(database), before, 'nothing was written')
}

t.test('each route that the app has is in the table of these tests', async (t) => {
  const tested = [...routes.map(({ name }) => name), 'OPTIONS /*'] // CORS preflights
  t.strictSame(routeNames(provider).toSorted(), tested.toSorted())
})

t.test('each row is a request that its route accepts', async (t) => {
  const safe = routes.filter(
    ({ name, takes }) =>
      takes !== 'form' && takes !== 'json' && name !== 'GET /logout' && !name.startsWith('DELETE '),
  )
  for (const route of safe) {
    const { status } = await request(route, encode(route.parameters))
    t.ok(status < 400, `${route.name}: ${status}`)
  }
})

t.test('a method that a path does not have is 405, and Allow lists those it has', async (t) => {
  for (const path of new Set(routes.map(pathOf))) {
    const own = routes.filter((route) => pathOf(route) === path)
    const allowed = own.map(({ name }) => name.split(' ')[0]!)
    if (allowed.includes('GET')) allowed.push('HEAD')
    for (const method of ['GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE']) {
      if (allowed.includes(method)) continue
      const answer = await send(issuer, { method, path })
      const expected = { status: 405, error: 'method_not_allowed' }
      checkJsonRefusal(t, provider, answer, expected, `${method} ${path}`)
      const allow = (answer.headers.get('allow') ?? '').split(', ')
      t.strictSame(allow.toSorted(), allowed.toSorted(), `${method} ${path}: Allow`)
    }
  }
})

t.test('a repeated parameter is invalid_request (RFC 6749 §3.1, §3.2)', (t) =>
  leavesNoTrace(t, async () => {
    for (const route of withParameters)
      for (const [name, value] of Object.entries(route.parameters))
        for (const again of [value, 'other']) {
          const text = `${encode(route.parameters)}&${encode({ [name]: again })}`
          checkLate(t, route, await request(route, text), name)
        }
  }),
)

const badlyEncoded = [
  ['%'],
  ['%zz'],
  ['%ff'],
  ['%C0%AF', 'an overlong slash'],
  ['%ED%A0%80', 'half of a surrogate pair'],
  ['%F4%90%80%80', 'beyond Unicode'],
  ['a%00b', 'NUL'],
]

t.test('what is not UTF-8, or holds a NUL, is invalid_request (RFC 6749 Appendix B)', (t) =>
  leavesNoTrace(t, async () => {
    for (const route of withParameters)
      for (const [bad = '', name = bad] of badlyEncoded) {
        const sound = encode(route.parameters)
        for (const text of [`${sound}&x=${bad}`, `${bad}=x&${sound}`, `${sound}${bad}`])
          check(t, route, await request(route, text), invalid, name)
      }
  }),
)

t.test('raw bytes that are not UTF-8 in a form are invalid_request', (t) =>
  leavesNoTrace(t, async () => {
    for (const route of withForm)
      for (const bytes of ['ff', 'c0af', 'eda080', '00', 'c3']) {
        const text = Buffer.concat([
          Buffer.from(`${encode(route.parameters)}&x=`),
          Buffer.from(bytes, 'hex'),
        ])
        check(t, route, await request(route, text), invalid, `bytes ${bytes}`)
      }
  }),
)

t.test('a body of another type than a form is invalid_request (RFC 6749 §3.2)', (t) =>
  leavesNoTrace(t, async () => {
    for (const route of withForm) {
      const part = `--x\r\ncontent-disposition: form-data; name="a"\r\n\r\nb\r\n--x--\r\n`
      const bodies: [string, string][] = [
        ['application/json', JSON.stringify(route.parameters)],
        ['text/plain', encode(route.parameters)],
        ['multipart/form-data; boundary=x', part],
        ['application/x-www-form-urlencoded-not', encode(route.parameters)],
        ['nonsense', encode(route.parameters)],
        ['', encode(route.parameters)],
      ]
      for (const [type, body] of bodies) {
        const answer = await request(route, body, { 'content-type': type })
        check(t, route, answer, invalid, type || 'no type')
        t.match(answer.body, 'application/x-www-form-urlencoded', 'it says what to send')
      }
    }
  }),
)

t.test('a hundred parameters are enough', (t) =>
  leavesNoTrace(t, async () => {
    for (const route of withParameters)
      for (const more of [encode(numbered(101)), '&'.repeat(200), 'resource=a&'.repeat(101)]) {
        const text = `${encode(route.parameters)}&${more}`
        check(t, route, await request(route, text), invalid, 'too many')
      }
  }),
)

t.test('a body of more than 64 KiB is 413', (t) =>
  leavesNoTrace(t, async () => {
    for (const route of withForm)
      for (const size of [64 * 1024, 1024 * 1024]) {
        const body = `${encode(route.parameters)}&x=${'a'.repeat(size)}`
        const answer = await request(route, body)
        check(t, route, answer, { status: 413, error: 'invalid_request' }, `${size} bytes`)
      }
  }),
)

t.test('routes without parameters take no notice of any', async (t) => {
  for (const route of routes.filter(
    ({ name, takes }) => takes === 'nothing' && !name.startsWith('DELETE '),
  )) {
    const plain = await request(route, '')
    for (const text of ['x=%ff', 'x=%00', 'a=1&a=2', encode(numbered(101)), 'x'.repeat(8000)])
      t.match(await request(route, text), { status: plain.status, body: plain.body }, route.name)
  }
})

// From here on requests may succeed: a parameter that is not looked at may be as long as it likes.
t.test('an overlong parameter is refused or ignored, and nowhere repeated at length', async (t) => {
  for (const route of withParameters)
    for (const name of [...Object.keys(route.parameters), 'x', 'resource', 'scope', 'state']) {
      const length = route.takes === 'form' ? 60_000 : 8_000
      const text = encode({ ...route.parameters, [name]: 'a'.repeat(length) })
      const answer = await request(route, text)
      const about = `${route.name}, ${name}: ${answer.status}`
      t.ok(answer.status < 500, about)
      t.ok((answer.headers.get('location') ?? '').length < 8192, `${about}: a short Location`)
      if (answer.status < 400) continue
      if (route.isPage) continue
      const { error }: { error: string } = JSON.parse(answer.body)
      checkJsonRefusal(t, provider, answer, { status: answer.status, error }, about)
    }
})

t.test('no log line has a secret in it, and none is an error', async (t) => {
  const log = logged.map((line) => JSON.stringify(line))
  const secrets = [
    client.secret,
    ...Object.values(tokens).filter((text) => String(text).length > 40),
  ]
  for (const secret of secrets)
    t.notOk(
      log.some((line) => line.includes(String(secret))),
      'a secret',
    )
  t.strictSame(
    logged.filter(({ level }) => Number(level) >= 50),
    [],
  )
})

function numbered(count: number): Record<string, string> {
  return Object.fromEntries(Array.from({ length: count }, (_, index) => [`p${index}`, '1']))
}
