/** Nobody is sent to where nobody has registered: lookalikes, header injection, and games with the Host header. */
import t from 'tap'
import { authorizationUrl, encode, signIn, type Fields } from '../support/flow.ts'
import { createTestProvider } from '../support/provider.ts'
import { send, sendForm, type Answer } from '../support/raw-http.ts'
import { checkPageRefusal, checkRedirectRefusal } from '../support/refusals.ts'
import { tableContents } from '../support/table-contents.ts'
import { loopback, loopbackLookalikes, lookalikes, registered } from './lookalikes.ts'
import { cookieHeader } from './routes.ts'

const provider = await createTestProvider(t)
const { issuer, database } = provider
await provider.createUser()
const client = await provider.createClient({
  redirect_uris: [registered],
  post_logout_redirect_uris: [registered],
  skip_consent: true,
})
const native = await provider.createClient({
  application_type: 'native',
  redirect_uris: [loopback, 'com.example.app:/callback'],
  token_endpoint_auth_method: 'none',
})
const cookie = cookieHeader(await signIn(provider))
/** With what no random id has beside it: four letters alone may stand in one by chance. */
const evil = /evil\.example|(?:\/|%2f)evil/i

const pathOf = (url: string) => url.slice(issuer.length)
/** A request that is in order but for these changes. */
const authorizePath = (changes: Fields = {}, party = client) =>
  pathOf(authorizationUrl(provider, party, { redirect_uri: registered, ...changes }))
const get = (path: string, headers = {}) => send(issuer, { path, headers: { cookie, ...headers } })

t.test(
  'a redirect URI that only looks like a registered one gets a page (RFC 9700 §2.1)',
  async (t) => {
    const expected = { status: 400, error: 'invalid_redirect_uri' }
    const before = await tableContents(database)
    for (const [party, uris] of [
      [client, lookalikes],
      [native, loopbackLookalikes],
    ] as const)
      for (const redirect_uri of uris) {
        const path = authorizePath({ redirect_uri }, party)
        const name = JSON.stringify(redirect_uri)
        const post = await sendForm(issuer, '/authorize', path.split('?')[1] ?? '', { cookie })
        checkPageRefusal(t, provider, post, expected, `POST ${name}`)
        for (const response_mode of [undefined, 'fragment', 'form_post']) {
          const answer = await get(authorizePath({ redirect_uri, response_mode }, party))
          checkPageRefusal(t, provider, answer, expected, `${response_mode} ${name}`)
          t.notMatch(answer.body, '<form', 'and no form that goes there')
        }
      }
    t.strictSame(await tableContents(database), before, 'nothing was written')
  },
)

t.test('so does a post_logout_redirect_uri, and the session goes on', async (t) => {
  const before = await tableContents(database)
  for (const post_logout_redirect_uri of [...lookalikes, `${registered}?x=1`]) {
    const form = encode({ client_id: client.clientId, post_logout_redirect_uri }).toString()
    for (const answer of [
      await get(`/logout?${form}`),
      await sendForm(issuer, '/logout', form, { cookie }),
    ]) {
      const expected = { status: 400, error: 'invalid_request' }
      checkPageRefusal(t, provider, answer, expected, JSON.stringify(post_logout_redirect_uri))
    }
  }
  t.strictSame(await tableContents(database), before, 'nothing was written')
})

t.test('pages take no address to go on to', async (t) => {
  for (const name of ['return_to', 'next', 'redirect', 'redirect_uri', 'url', 'continue'])
    for (const path of ['/', '/login', '/logout', '/logged-out', '/consent']) {
      const answer = await get(`${path}?${name}=https%3A%2F%2Fevil.example`)
      t.notMatch(answer.headers.get('location') ?? '', evil, path)
      t.notMatch(answer.body, evil, path)
    }
  for (const request of ['https://evil.example', '//evil.example', '/\\evil.example']) {
    const answer = await get(`/login?${encode({ request }).toString()}`)
    checkPageRefusal(t, provider, answer, { status: 400, error: 'invalid_request_uri' }, request)
  }
})

t.test('a state cannot end the Location header (CR, LF)', async (t) => {
  const state = 'a\r\nset-cookie: stolen=1\r\n\r\n<script>'
  for (const changes of [{}, { response_type: 'token' }, { response_mode: 'fragment' }]) {
    const answer = await get(authorizePath({ ...changes, state }))
    t.equal(answer.status, 303)
    t.strictSame(answer.headers.getSetCookie(), [])
    t.equal(answer.body, '')
    const { search, hash } = new URL(answer.headers.get('location') ?? '')
    t.equal(new URLSearchParams(search + hash.replace('#', '&')).get('state'), state)
  }
  const logout = { client_id: client.clientId, post_logout_redirect_uri: registered, state }
  const answer = await send(issuer, { path: `/logout?${encode(logout).toString()}` })
  t.strictSame([answer.status, answer.headers.getSetCookie(), answer.body], [303, [], ''])
})

t.test('a repeated redirect_uri or client_id is not chosen from', async (t) => {
  for (const more of [
    'redirect_uri=https://evil.example',
    `redirect_uri=${registered}`,
    'client_id=x',
  ]) {
    const answer = await get(`${authorizePath()}&${more}`)
    checkPageRefusal(t, provider, answer, { status: 400, error: 'invalid_request' }, more)
  }
})

t.test('the issuer is the configured one, whatever the Host and proxy headers say', async (t) => {
  const document = await send(issuer, { path: '/.well-known/openid-configuration' })
  const forged: Record<string, string>[] = [
    { host: 'evil.example' },
    { host: 'evil.example:443@127.0.0.1' },
    { host: '' },
    { 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'https' },
    { 'x-forwarded-server': 'evil.example', 'x-original-url': '/evil', 'x-rewrite-url': '/evil' },
    { forwarded: 'host=evil.example;proto=https' },
    { origin: 'https://evil.example', referer: 'https://evil.example/' },
  ]
  const paths = [
    '/.well-known/openid-configuration',
    authorizePath(),
    authorizePath({ prompt: 'login' }),
    authorizePath({ response_type: 'x' }),
    '/',
    '/login',
    '/logout',
    '/nothing',
  ]
  for (const headers of forged)
    for (const path of paths) {
      const answer = await get(path, headers)
      t.notMatch(text(answer), evil, `${JSON.stringify(headers)} ${path}`)
      if (path === paths[0]) t.equal(answer.body, document.body)
    }
})

t.test('a request target of another host is no way in', async (t) => {
  for (const path of ['http://evil.example/authorize', 'https://evil.example/', '//evil.example/'])
    t.notMatch(text(await get(path)), evil, path)
})

t.test('request_uri is never fetched: only our own references are known (RFC 9126)', async (t) => {
  const request_uri = 'https://evil.example/request.jwt'
  const answer = await get(authorizePath({ request_uri }))
  const error = 'request_uri_not_supported'
  const expected = { error, redirectUri: registered, state: 'the state' }
  checkRedirectRefusal(t, provider, answer, expected, 'a URL')
  const unknown = 'urn:ietf:params:oauth:request_uri:unknown'
  const page = await get(authorizePath({ request_uri: unknown }))
  checkPageRefusal(t, provider, page, { status: 400, error: 'invalid_request_uri' }, unknown)
})

function text({ headers, body }: Answer): string {
  return JSON.stringify([...headers]) + body
}
