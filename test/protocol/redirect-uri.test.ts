import { array, assert, constantFrom, integer, oneof, property, string, tuple } from 'fast-check'
import t from 'tap'
import {
  isPostLogoutRedirectUri,
  matchesRedirectUri,
  originOf,
  validateRedirectUri,
  validateBackchannelUri,
  validateWebUri,
} from '../../src/protocol/redirect-uri.ts'

const types = ['web', 'native'] as const

t.test('both kinds may register https and loopback http (RFC 8252 §7.2, §7.3)', async (t) => {
  const uris = [
    'https://app.example.com/callback',
    'https://app.example.com/callback?dummy1=lorem&dummy2=ipsum',
    'https://app.example.com',
    'https://app.example.com:8443/%C3%A9',
    'http://localhost/cb',
    'http://localhost:8080/cb',
    'http://127.0.0.1:49152/',
    'http://[::1]:3000/cb?a=b',
    `https://app.example.com/${'a'.repeat(2024)}`,
  ]
  for (const uri of uris)
    for (const type of types) t.equal(validateRedirectUri(uri, type), undefined, `${type} ${uri}`)
})

t.test(
  'only native ones may register a private-use scheme with a dot (RFC 8252 §7.1)',
  async (t) => {
    const uris = ['com.example.app:/callback', 'com.example.app://callback', 'org.example-2.a:x']
    for (const uri of uris) {
      t.equal(validateRedirectUri(uri, 'native'), undefined, uri)
      t.match(validateRedirectUri(uri, 'web'), /^Use https/, uri)
    }
  },
)

t.test('what must never be registered is refused with a sentence that says why', async (t) => {
  const cases: [string, RegExp][] = [
    ['javascript:alert(1)', /^Use https/],
    ['JavaScript:alert(1)', /^Use https/],
    ['data:text/html,x', /^Use https/],
    ['file:///etc/passwd', /^Use https/],
    ['vbscript:x', /^Use https/],
    ['blob:https://app.example.com/1', /^Use https/],
    ['about:blank', /^Use https/],
    ['ftp://app.example.com/', /^Use https/],
    ['myapp:/callback', /^Use https/],
    ['http://app.example.com/cb', /^Use https/],
    ['http://localhost.example.com/cb', /^Use https/],
    ['http://127.0.0.1.nip.io/cb', /^Use https/],
    ['http://127.0.0.2/cb', /^Use https/],
    ['http://0x7f.1/cb', /^Use https/],
    ['http://2130706433/cb', /^Use https/],
    ['https:app.example.com', /^Use https/],
    ['https:///app.example.com', /^Use https/],
    ['HTTPS://app.example.com/', /^Use https/],
    ['https://app.example.com/#', /fragment/],
    ['https://app.example.com/cb#part', /fragment/],
    ['com.example.app:/cb#part', /fragment/],
    ['https://user@app.example.com/', /user name/],
    ['https://user:pw@app.example.com/', /user name/],
    ['http://localhost:80@evil.example/', /user name/],
    ['https://*.example.com/cb', /wildcards/],
    ['', /characters of a URI/],
    ['/callback', /absolute URI/],
    ['//app.example.com/callback', /absolute URI/],
    ['app.example.com/callback', /absolute URI/],
    ['https://app.example.com:99999/', /absolute URI/],
    ['http://localhost:99999/', /absolute URI/],
    ['https://app.example.com/a b', /characters of a URI/],
    [' https://app.example.com/', /characters of a URI/],
    ['https://app.example.com/\n', /characters of a URI/],
    ['https://app.exa\tmple.com/', /characters of a URI/],
    ['https://app.example.com\\@evil.example/', /characters of a URI/],
    ['https://éxample.com/', /characters of a URI/],
    [`https://app.example.com/${'a'.repeat(2025)}`, /2048/],
  ]
  for (const [uri, fault] of cases)
    for (const type of types) t.match(validateRedirectUri(uri, type), fault, `${type} ${uri}`)
})

t.test('pages and pictures have https or loopback http addresses', async (t) => {
  for (const uri of ['https://example.com/logo.png#x', 'http://localhost:5000/terms'])
    t.equal(validateWebUri(uri), undefined, uri)
  for (const uri of ['javascript:alert(1)', 'http://example.com/', 'data:,x', 'com.example.app:/x'])
    t.match(validateWebUri(uri), /^Use https/, uri)
})

t.test('this server sends to https and loopback only, unless it is told otherwise', async (t) => {
  const rows: [uri: string, isSafe: boolean, isInsecure: boolean][] = [
    ['https://app.example/logout?a=1', true, true],
    ['http://localhost:8080/logout', true, true],
    ['http://app.example/logout', false, true],
    ['https://app.example/logout#x', false, false],
    ['https://user:secret@app.example/logout', false, false],
    ['com.example.app:/logout', false, false],
    ['javascript:alert(1)', false, false],
    ['/logout', false, false],
  ]
  for (const [uri, isSafe, isInsecure] of rows) {
    t.equal(validateBackchannelUri(uri, {}) === undefined, isSafe, uri)
    t.equal(validateBackchannelUri(uri, { insecureHttp: true }) === undefined, isInsecure, uri)
  }
})

t.test('the port of a native loopback URI is free, and nothing else (RFC 8252 §7.3)', async (t) => {
  const registered = 'http://127.0.0.1:8080/cb?a=b'
  const free = [
    'http://127.0.0.1/cb?a=b',
    'http://127.0.0.1:1/cb?a=b',
    'http://127.0.0.1:65535/cb?a=b',
  ]
  for (const requested of free) {
    t.equal(matchesRedirectUri(registered, requested, 'native'), true, requested)
    t.equal(matchesRedirectUri(registered, requested, 'web'), false, requested)
  }
  const others = [
    'http://127.0.0.1:65536/cb?a=b',
    'http://127.0.0.1:/cb?a=b',
    'http://127.0.0.1:80a/cb?a=b',
    'http://localhost:8080/cb?a=b',
    'http://[::1]:8080/cb?a=b',
    'https://127.0.0.1:8080/cb?a=b',
    'http://127.0.0.1:8080/cb',
    'http://127.0.0.1:8080/cb?a=b&c=d',
    'http://127.0.0.1:8080/cb/?a=b',
    'http://127.0.0.1:8080/x/../cb?a=b',
    'http://127.0.0.1:8080/cb?a=b#',
    'http://127.0.0.1:8080@evil.example/cb?a=b',
    'http://127.0.0.1:8080.evil.example/cb?a=b',
    'http://user@127.0.0.1:8080/cb?a=b',
    'http://127.0.0.1:8080/cb?a=b\n',
    'HTTP://127.0.0.1:8080/cb?a=b',
  ]
  for (const requested of others)
    t.equal(matchesRedirectUri(registered, requested, 'native'), false, requested)
})

const part = (...values: string[]) => oneof(constantFrom(...values), string({ maxLength: 3 }))
const port = oneof(
  integer({ min: 1, max: 65535 }).map((number) => `:${number}`),
  part('', ':', ':0'),
)
const uri = tuple(
  part('http://', 'https://', 'HTTP://', 'com.example.app:/'),
  part(
    'localhost',
    '127.0.0.1',
    '[::1]',
    'localhost.',
    'app.example.com',
    'a@localhost',
    '127.0.0.2',
  ),
  port,
  part(
    '',
    '/',
    '/cb',
    '/CB',
    '/cb?a=b',
    '/cb/',
    '?a=b',
    '#',
    '/cb#',
    '.evil.example',
    '@evil.example',
  ),
).map((parts) => parts.join(''))

/** Written without the code under test: cuts the port out, and asks the URL parser who the host is. */
function withoutLoopbackPort(text: string): string | undefined {
  if (!text.startsWith('http://') || !URL.canParse(text)) return undefined
  const { username, password, hostname } = new URL(text)
  const isLoopback = ['localhost', '127.0.0.1', '[::1]'].includes(hostname)
  return isLoopback && username === '' && password === ''
    ? text.replace(/^(http:\/\/(?:\[::1\]|[^:/?#]+)):\d+/, '$1')
    : undefined
}

t.test('nothing matches but equal strings, and loopbacks equal but for the port', async () => {
  assert(
    property(uri, uri, constantFrom(...types), (registered, requested, type) => {
      const equal = registered === requested
      const cut = withoutLoopbackPort(registered)
      const equalButPort =
        type === 'native' && cut !== undefined && cut === withoutLoopbackPort(requested)
      const matches = matchesRedirectUri(registered, requested, type)
      return matches ? equal || equalButPort : !equal
    }),
    { numRuns: 20_000 },
  )
})

t.test('any text matches itself and no change of one character', async () => {
  const changed = tuple(string({ minLength: 1, maxLength: 60 }), integer({ min: 0 }), string())
  assert(
    property(changed, constantFrom(...types), ([text, at, insertion], type) => {
      const index = at % text.length
      const other = text.slice(0, index) + insertion + text.slice(index + 1)
      return (
        matchesRedirectUri(text, text, type) &&
        matchesRedirectUri(text, other, type) === (text === other)
      )
    }),
  )
})

t.test('a native loopback URI matches on every port', async () => {
  const host = constantFrom('localhost', '127.0.0.1', '[::1]')
  const ports = tuple(integer({ min: 1, max: 65535 }), integer({ min: 1, max: 65535 }))
  const path = array(constantFrom('a', '/', '%20', '?', '=', '-', '.'), { maxLength: 12 })
  assert(
    property(host, ports, path, (name, [first, second], pieces) => {
      const rest = `/${pieces.join('')}`
      const [registered, requested] = [first, second].map(
        (number) => `http://${name}:${number}${rest}`,
      )
      return matchesRedirectUri(registered!, requested!, 'native')
    }),
  )
})

t.test(
  'after logout the comparison is exact, ports included (RP-Initiated Logout §3.1)',
  async (t) => {
    const registered = ['https://app.example.com/out', 'http://127.0.0.1:8080/out']
    for (const uri of registered) t.equal(isPostLogoutRedirectUri(registered, uri), true)
    const others = [
      'https://app.example.com/out?foo=bar',
      'https://app.example.com/',
      'http://127.0.0.1:9/out',
      '',
    ]
    for (const uri of others) t.equal(isPostLogoutRedirectUri(registered, uri), false, uri)
  },
)

t.test('an origin is that of an http or https URI (RFC 6454 §4)', async (t) => {
  t.equal(originOf('https://app.example.com:443/cb?a=b'), 'https://app.example.com')
  t.equal(originOf('http://localhost:8080/cb'), 'http://localhost:8080')
  for (const uri of ['com.example.app:/cb', 'data:,x', 'blob:https://app.example.com/1', 'x', ''])
    t.equal(originOf(uri), undefined, uri)
})
