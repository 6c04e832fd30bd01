/** oidc-client-ts in Chromium, unmodified: a single-page app, its requests across origins, and its two ways to renew. */
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { Browser, Page, Request } from 'playwright-core'
import t from 'tap'
import { openBrowser } from '../support/browser.ts'
import { createTestProvider, freePort, password } from '../support/provider.ts'

const browser = await openBrowser(t)
const entry = import.meta.resolve('oidc-client-ts')
const library = await readFile(new URL('../browser/oidc-client-ts.min.js', entry), 'utf8')

/** Every page has the library and no code of its own, but the one in the frame, which hands over what it was given. */
async function startApp(): Promise<string> {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost')
    if (pathname === '/oidc-client-ts.js')
      return response.setHeader('content-type', 'text/javascript').end(library)
    const inFrame = `new oidc.UserManager({ authority: '-', client_id: '-', redirect_uri: '-' }).signinSilentCallback()`
    const script = pathname === '/silent' ? `<script>${inFrame}</script>` : ''
    return response
      .setHeader('content-type', 'text/html')
      .end(`<!doctype html><title>app</title><script src="/oidc-client-ts.js"></script>${script}`)
  })
  server.listen(0, 'localhost')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  const address = server.address()
  return `http://localhost:${typeof address === 'object' ? address?.port : ''}`
}

const app = await startApp()

/** The names localhost and 127.0.0.1 are two sites to a browser; two ports of one name are not. */
async function setUp(host: 'localhost' | '127.0.0.1', scope: string) {
  const port = await freePort()
  const issuer = `http://${host}:${port}`
  const provider = await createTestProvider(t, { ISSUER: issuer, HOST: host, PORT: String(port) })
  await provider.createUser({ name: 'Alice' })
  const { clientId } = await provider.createClient({
    token_endpoint_auth_method: 'none',
    redirect_uris: [`${app}/callback`, `${app}/silent`],
    post_logout_redirect_uris: [`${app}/`],
    scope,
  })
  const page = await newPage(browser)
  /** What a call of the library gives, in the page. */
  const call = (expression: string) =>
    page.evaluate<Record<string, never>>(
      `(async () => {
        const manager = new oidc.UserManager({
          authority: '${issuer}',
          client_id: '${clientId}',
          redirect_uri: '${app}/callback',
          silent_redirect_uri: '${app}/silent',
          post_logout_redirect_uri: '${app}/',
          scope: '${scope}',
          loadUserInfo: true,
          silentRequestTimeoutInSeconds: 10,
        })
        return ${expression}
      })()`,
    )
  async function signIn() {
    await page.goto(`${app}/`)
    await Promise.all([page.waitForURL(`${issuer}/login?*`), leave('signinRedirect')])
    await page.getByLabel('Username or email').fill('alice@example.com')
    await page.getByLabel('Password').fill(password)
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByRole('button', { name: 'Allow' }).click()
    await page.waitForURL(`${app}/callback?*`)
    return call('await manager.signinRedirectCallback()')
  }
  /** The page is left before it could answer. */
  const leave = (method: string) => call(`void manager.${method}()`)
  return { provider, issuer, page, call, leave, signIn }
}

async function newPage(browser: Browser): Promise<Page> {
  const context = await browser.newContext()
  return context.newPage()
}

t.test('signs in, renews by refresh token, revokes and signs out', async (t) => {
  const { provider, page, call, leave, signIn } = await setUp(
    '127.0.0.1',
    'openid profile offline_access',
  )
  const user = await signIn()
  t.match(user, { profile: { name: 'Alice' }, token_type: 'Bearer', refresh_token: String })
  t.ok(user['access_token'])

  provider.clock.advance(5)
  const renewed = await call('await manager.signinSilent()')
  t.match(renewed, { profile: { name: 'Alice' } })
  t.not(renewed['access_token'], user['access_token'])
  t.not(renewed['refresh_token'], user['refresh_token'])

  await call('await manager.revokeTokens()')
  const { status } = await fetch(`${provider.issuer}/userinfo`, {
    headers: { authorization: `Bearer ${String(renewed['access_token'])}` },
  })
  t.equal(status, 401)

  await leave('signoutRedirect')
  await page.waitForURL(`${app}/`)
  t.equal(await call('await manager.getUser()'), null)
  await page.goto(provider.issuer)
  await page.getByRole('link', { name: 'Sign in' }).waitFor()
})

t.test('renews in a frame by prompt=none, on the same site', async (t) => {
  const { provider, call, signIn } = await setUp('localhost', 'openid profile')
  const user = await signIn()
  t.notOk(user['refresh_token'])
  provider.clock.advance(5)
  const renewed = await call('await manager.signinSilent()')
  t.match(renewed, { profile: { name: 'Alice', sid: String } })
  t.not(renewed['access_token'], user['access_token'])
})

t.test('in a frame on another site nobody is signed in, and the app hears of it', async (t) => {
  const { call, signIn } = await setUp('127.0.0.1', 'openid profile')
  await signIn()
  const error = await call('await manager.signinSilent().catch(({ error }) => error)')
  t.equal(error, 'login_required')
})

t.test('no page of ours shows in a frame, not even on the same site', async (t) => {
  const { issuer, page, signIn } = await setUp('localhost', 'openid profile')
  await signIn()
  for (const path of ['/', '/login', '/logout', '/authorize']) {
    const isItself = (request: Request) => request.url() === issuer + path
    const [response, blocked] = await Promise.all([
      page.waitForResponse((one) => isItself(one.request())),
      page.waitForEvent('requestfailed', isItself),
      page.evaluate(
        `document.body.append(Object.assign(document.createElement('iframe'), { src: '${issuer}${path}' }))`,
      ),
    ])
    t.equal(response.headers()['x-frame-options'], 'DENY')
    t.match(response.headers()['content-security-policy'], "frame-ancestors 'none'")
    t.equal(blocked.failure()?.errorText, 'net::ERR_BLOCKED_BY_RESPONSE', path)
  }
})
