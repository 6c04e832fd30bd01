/** What the conformance suite's logout modules look at, one test each, named after them (OIDF "RP-Initiated" and "Back-Channel Logout OP"). */
import { generateKeyPair, SignJWT, UnsecuredJWT, decodeJwt, decodeProtectedHeader } from 'jose'
import t, { type Test } from 'tap'
import { authorize, encode, obtainTokens, signIn, type Fields } from '../support/flow.ts'
import {
  createDeliveringNode,
  createLogoutReceiver,
  verifyLogoutToken,
} from '../support/logout-receiver.ts'
import { createTestProvider } from '../support/provider.ts'
import type { Page, UserAgent } from '../support/user-agent.ts'

const registered = 'https://suite.example/post_logout_redirect'
const longState = 'x'.repeat(128)

t.test('logout', async (t) => {
  const provider = await createTestProvider(t)
  await provider.createUser()
  const receiver = await createLogoutReceiver(t)
  const client = await provider.createClient({
    skip_consent: true,
    post_logout_redirect_uris: [registered],
    backchannel_logout_uri: receiver.uri,
    backchannel_logout_session_required: true,
  })
  const node = createDeliveringNode(provider, provider.services)

  /** A fresh browser, as each module has one. */
  async function begin() {
    const browser = await signIn(provider)
    const { id_token: hint } = await obtainTokens(provider, browser, client)
    const leave = (fields: Fields) =>
      browser.open(`${provider.issuer}/logout?${encode(fields).toString()}`)
    return { browser, hint, leave }
  }

  async function isSignedOut(t: Test, browser: UserAgent) {
    const answer = await authorize(provider, browser, client, { prompt: 'none' })
    t.equal(answer['error'], 'login_required')
  }

  function isOwnPage(t: Test, page: Page, { status, words }: { status: number; words: RegExp }) {
    t.equal(page.status, status)
    t.ok(page.url.startsWith(`${provider.issuer}/log`), 'it leads nowhere else')
    t.match(page.html, words)
  }

  const isError = (t: Test, page: Page) =>
    isOwnPage(t, page, { status: 400, words: /Logout error/ })

  /** By way of the confirmation, for which the suite presses the button with this id. */
  async function confirm(t: Test, browser: UserAgent, page: Page) {
    isOwnPage(t, page, {
      status: 200,
      words: /<button id="logout-yes" [^>]*name="decision" value="yes"/,
    })
    const left = await browser.submit(page, { decision: 'yes' })
    isOwnPage(t, left, { status: 200, words: /You are signed out/ })
    t.equal(left.url, `${provider.issuer}/logged-out`)
    await isSignedOut(t, browser)
  }

  t.test('oidcc-rp-initiated-logout', async (t) => {
    const { browser, hint, leave } = await begin()
    const page = await leave({
      id_token_hint: hint,
      post_logout_redirect_uri: registered,
      state: longState,
    })
    t.equal(page.url, `${registered}?state=${longState}`)
    t.ok([302, 303].includes(page.status))
    await isSignedOut(t, browser)
  })

  t.test('oidcc-rp-initiated-logout-no-state', async (t) => {
    const { browser, hint, leave } = await begin()
    const page = await leave({ id_token_hint: hint, post_logout_redirect_uri: registered })
    t.equal(page.url, registered)
    await isSignedOut(t, browser)
  })

  t.test('oidcc-rp-initiated-logout-bad-post-logout-redirect-uri', async (t) => {
    const { hint, leave } = await begin()
    for (const uri of ['https://suite.example/other', `${registered}/`, 'nonsense'])
      isError(t, await leave({ id_token_hint: hint, post_logout_redirect_uri: uri, state: 's' }))
  })

  t.test('oidcc-rp-initiated-logout-query-added-to-post-logout-redirect-uri', async (t) => {
    const { hint, leave } = await begin()
    const uri = `${registered}?foo=bar`
    isError(t, await leave({ id_token_hint: hint, post_logout_redirect_uri: uri, state: 's' }))
  })

  t.test('oidcc-rp-initiated-logout-modified-id-token-hint', async (t) => {
    const { hint, leave } = await begin()
    const modified = new UnsecuredJWT(decodeJwt(hint)).encode()
    for (const token of [modified, `${modified}${hint.slice(hint.lastIndexOf('.') + 1)}`])
      isError(t, await leave({ id_token_hint: token, post_logout_redirect_uri: registered }))
  })

  t.test('oidcc-rp-initiated-logout-bad-id-token-hint', async (t) => {
    const { hint, leave } = await begin()
    const { privateKey } = await generateKeyPair('RS256')
    const { kid = '' } = decodeProtectedHeader(hint)
    for (const header of [{ typ: 'JWT', kid }, { typ: 'JWT', kid: 'of the suite' }, {}]) {
      const forged = new SignJWT(decodeJwt(hint)).setProtectedHeader({ alg: 'RS256', ...header })
      const token = await forged.sign(privateKey)
      isError(t, await leave({ id_token_hint: token, post_logout_redirect_uri: registered }))
    }
  })

  t.test('oidcc-rp-initiated-logout-no-id-token-hint', async (t) => {
    const { leave } = await begin()
    isError(t, await leave({ post_logout_redirect_uri: registered, state: 's' }))
  })

  t.test('oidcc-rp-initiated-logout-no-params', async (t) => {
    const { browser, leave } = await begin()
    await confirm(t, browser, await leave({}))
  })

  t.test('oidcc-rp-initiated-logout-only-state', async (t) => {
    const { browser, leave } = await begin()
    await confirm(t, browser, await leave({ state: 's' }))
  })

  t.test('oidcc-rp-initiated-logout-no-post-logout-redirect-uri', async (t) => {
    const { browser, hint, leave } = await begin()
    const page = await leave({ id_token_hint: hint, state: 's' })
    isOwnPage(t, page, { status: 200, words: /You are signed out/ })
    await isSignedOut(t, browser)
  })

  t.test('oidcc-backchannel-rp-initiated-logout', async (t) => {
    const { browser, hint, leave } = await begin()
    await node.run()
    receiver.received.length = 0
    const page = await leave({
      id_token_hint: hint,
      post_logout_redirect_uri: registered,
      state: longState,
    })
    t.equal(page.url, `${registered}?state=${longState}`)
    await node.run()
    t.equal(receiver.received.length, 1)
    const [received] = receiver.received
    t.strictSame(Object.keys(received?.fields ?? {}), ['logout_token'])
    const token = await verifyLogoutToken(provider, received!, client.clientId)
    const { sub, sid } = decodeJwt(hint)
    t.hasStrict(token, { sub, sid, iat: Number(token.exp) - 120 })
    t.type(token.jti, 'string')
    t.strictSame(token['events'], {
      'http://schemas.openid.net/event/backchannel-logout': {},
    })
    t.notOk('nonce' in token)
    await isSignedOut(t, browser)
  })
})

t.test('discovery', async (t) => {
  const { config } = await createTestProvider(t, { ISSUER: 'https://op.example', TRUST_PROXY: '1' })
  const response = await fetch(`http://127.0.0.1:${config.port}/.well-known/openid-configuration`)
  const metadata = (await response.json()) as Record<string, unknown>

  t.test('oidcc-rp-initiated-logout-discovery-endpoint-verification', async (t) => {
    t.equal(metadata['end_session_endpoint'], 'https://op.example/logout')
  })

  t.test('oidcc-backchannel-logout-discovery-endpoint-verification', async (t) => {
    t.equal(metadata['backchannel_logout_supported'], true)
    t.equal(metadata['backchannel_logout_session_supported'], true)
  })
})
