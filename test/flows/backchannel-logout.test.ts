/** Who is told that a session has ended, and of what (OpenID Connect Back-Channel Logout 1.0 §2.4, §2.5). */
import { decodeJwt } from 'jose'
import t, { type Test } from 'tap'
import {
  authorize,
  encode,
  obtainTokens,
  redeem,
  refresh,
  signIn,
  startSession,
  toTokens,
  type Party,
} from '../support/flow.ts'
import {
  createDeliveringNode,
  createLogoutReceiver,
  verifyLogoutToken,
  type LogoutReceiver,
} from '../support/logout-receiver.ts'
import { createTestProvider } from '../support/provider.ts'
import { createUserAgent, type UserAgent } from '../support/user-agent.ts'

const logoutEvent = 'http://schemas.openid.net/event/backchannel-logout'
const scope = 'openid offline_access'

type Listener = Party & { receiver: LogoutReceiver }

const sidOf = (idToken: string) => decodeJwt(idToken)['sid']

const provider = await createTestProvider(t)

/** For one test after the other, with nobody signed in and nothing to deliver yet. */
async function setUp(t: Test) {
  for (const table of ['users', 'logout_deliveries'])
    await provider.database.query(`delete from ${table}`)
  provider.clock.advance(10)
  const { sub } = await provider.createUser()
  await provider.createUser({ email: 'bob@example.com' })
  const node = createDeliveringNode(provider, provider.services)

  async function createListener(metadata = {}): Promise<Listener> {
    const receiver = await createLogoutReceiver(t)
    const client = await provider.createClient({
      skip_consent: true,
      backchannel_logout_uri: receiver.uri,
      ...metadata,
    })
    return { ...client, receiver }
  }

  const signOut = (browser: UserAgent, hint: string) =>
    browser.open(`${provider.issuer}/logout?${encode({ id_token_hint: hint }).toString()}`)
  const waiting = () => provider.services.logouts.list({ clientId: undefined, limit: 100 })
  /** The sids that the listener was told of since it was last asked. */
  async function toldOf({ clientId, receiver }: Listener) {
    await node.run()
    const told = receiver.received.splice(0)
    const tokens = await Promise.all(told.map((one) => verifyLogoutToken(provider, one, clientId)))
    return tokens.map((token) => token['sid'])
  }

  return { provider, sub, node, createListener, signOut, waiting, toldOf }
}

t.test('one logout tells each client of the session, and no other', async (t) => {
  const { provider, sub, node, createListener, signOut, waiting } = await setUp(t)
  const listeners = [
    await createListener(),
    await createListener({ id_token_signed_response_alg: 'ES256' }),
    await createListener({ backchannel_logout_session_required: true }),
  ]
  const elsewhere = await createListener()
  const silent = await provider.createClient({ skip_consent: true })
  const browser = await startSession(provider, sub)
  const other = await startSession(provider, sub)
  for (const client of [silent, ...listeners, listeners[0]!])
    await obtainTokens(provider, browser, client)
  await obtainTokens(provider, other, elsewhere)
  await obtainTokens(provider, other, listeners[0]!)
  const { id_token: hint } = await obtainTokens(provider, browser, silent)

  provider.clock.advance(10)
  await signOut(browser, hint)
  t.equal((await waiting()).length, 3)
  await node.run()
  t.strictSame(await waiting(), [])
  t.strictSame(elsewhere.receiver.received, [])
  const jtis = new Set()
  for (const { clientId, receiver } of listeners) {
    t.equal(receiver.received.length, 1)
    const [received] = receiver.received
    t.equal(received?.headers['content-type'], 'application/x-www-form-urlencoded')
    t.strictSame(Object.keys(received?.fields ?? {}), ['logout_token'])
    const token = await verifyLogoutToken(provider, received!, clientId)
    const now = Math.floor(provider.clock.now().getTime() / 1000)
    t.match(token.jti, /^[\da-f-]{36}$/)
    t.strictSame(token, {
      iss: provider.issuer,
      sub,
      aud: clientId,
      iat: now,
      exp: now + 120,
      jti: token.jti,
      sid: sidOf(hint),
      events: { [logoutEvent]: {} },
    })
    jtis.add(token.jti)
  }
  t.equal(jtis.size, 3)

  await signOut(browser, hint)
  t.strictSame(await waiting(), [], 'and not twice')
})

t.test('a session ends in many ways', async (t) => {
  const { provider, sub, createListener, signOut, waiting, toldOf } = await setUp(t)
  const { revocations, accounts, logouts } = provider.services
  const listener = await createListener()
  const begin = async () => {
    provider.clock.advance(10)
    const browser = await startSession(provider, sub)
    const tokens = await obtainTokens(provider, browser, listener, { scope })
    return { browser, tokens, sid: sidOf(tokens.id_token) }
  }

  t.test('signed out on the start page', async (t) => {
    const { browser, sid } = await begin()
    await browser.submit(await browser.open(`${provider.issuer}/`), {})
    t.strictSame(await toldOf(listener), [sid])
  })

  t.test('by another person who signs in with the same browser', async (t) => {
    const { browser, sid } = await begin()
    await signIn(provider, browser, 'bob@example.com')
    t.strictSame(await toldOf(listener), [sid])
  })

  t.test('not by the same person who signs in again: the session goes on', async (t) => {
    const { browser, sid } = await begin()
    provider.clock.advance(6 * 3600)
    await signIn(provider, browser)
    t.strictSame(await toldOf(listener), [])
    const { id_token: again } = await obtainTokens(provider, browser, listener)
    t.equal(sidOf(again), sid)
    await signOut(browser, again)
    t.strictSame(await toldOf(listener), [sid])
  })

  t.test('not by expiry, which tells nobody; a logout later does', async (t) => {
    const { browser, tokens, sid } = await begin()
    provider.clock.advance(13 * 3600)
    t.strictSame(await toldOf(listener), [])
    const { id_token: hint } = toTokens(await refresh(provider, listener, tokens.refresh_token))
    t.equal(sidOf(hint), sid, 'an ID token by refresh has the same sid')
    await signOut(browser, hint)
    t.strictSame(await toldOf(listener), [sid])
  })

  t.test("with an ID token of the person's earlier session: both end", async (t) => {
    const earlier = await begin()
    provider.clock.advance(13 * 3600)
    await signIn(provider, earlier.browser)
    const { id_token: later } = await obtainTokens(provider, earlier.browser, listener)
    t.not(sidOf(later), earlier.sid)
    await signOut(earlier.browser, earlier.tokens.id_token)
    t.strictSame(new Set(await toldOf(listener)), new Set([earlier.sid, sidOf(later)]))
  })

  t.test('all of a user who is revoked, and nobody else', async (t) => {
    const [one, other] = [await begin(), await begin()]
    const bob = await signIn(provider, createUserAgent(provider.issuer), 'bob@example.com')
    const { id_token: ofBob } = await obtainTokens(provider, bob, listener)
    await revocations.revokeUser(sub, { actor: 'test' })
    t.strictSame(new Set(await toldOf(listener)), new Set([one.sid, other.sid]))
    await signOut(bob, ofBob)
    t.strictSame(await toldOf(listener), [sidOf(ofBob)])
  })

  t.test('all together', async (t) => {
    const [one, other] = [await begin(), await begin()]
    await revocations.revokeEverything({ actor: 'test' })
    t.match(
      (await authorize(provider, one.browser, listener, { prompt: 'none' }))['error'],
      /login/,
    )
    t.strictSame(new Set(await toldOf(listener)), new Set([one.sid, other.sid]))
  })

  t.test('for one client alone, such as a revoked one', async (t) => {
    const { browser, sid } = await begin()
    await provider.database.transaction((transaction) =>
      logouts.tellClient(listener.clientId, provider.clock.now(), transaction),
    )
    t.strictSame(await toldOf(listener), [sid])
    t.ok((await authorize(provider, browser, listener, { prompt: 'none' }))['code'])
  })

  t.test('of a user who is deleted, and is gone when the client is told', async (t) => {
    const { sid } = await begin()
    await accounts.disable(sub)
    await revocations.revokeUser(sub, { actor: 'test' })
    await accounts.delete(sub)
    t.equal((await waiting()).length, 1)
    t.strictSame(await toldOf(listener), [sid])
  })
})

t.test('a code of a session that has ended gives nothing', async (t) => {
  const { provider, sub, createListener, signOut, waiting } = await setUp(t)
  const listener = await createListener()
  const browser = await startSession(provider, sub)
  const { id_token: hint } = await obtainTokens(provider, browser, listener)
  const { code } = await authorize(provider, browser, listener)
  await signOut(browser, hint)
  t.match(await redeem(provider, listener, code), { status: 400, body: { error: 'invalid_grant' } })
  t.ok(provider.logged.some(({ detail }) => detail?.toString().startsWith('its session has ended')))
  t.equal((await waiting()).length, 1)
})

t.test('the client decides: no address, no token; no client, nothing to deliver', async (t) => {
  const { provider, sub, node, createListener, signOut, waiting } = await setUp(t)
  const { clients } = provider.services
  const [leaving, deleted, late] = [
    await createListener(),
    await createListener(),
    await createListener({ backchannel_logout_uri: null }),
  ]
  const browser = await startSession(provider, sub)
  await obtainTokens(provider, browser, deleted)
  await obtainTokens(provider, browser, late)
  const { id_token: hint } = await obtainTokens(provider, browser, leaving)
  await clients.update(late.clientId, { backchannel_logout_uri: late.receiver.uri })
  await signOut(browser, hint)
  t.equal((await waiting()).length, 2, 'who had no address when it got its tokens is not told')
  await clients.update(leaving.clientId, { backchannel_logout_uri: null })
  await clients.delete(deleted.clientId)
  t.equal((await waiting()).length, 1)
  await node.run()
  t.strictSame(await waiting(), [])
  for (const { receiver } of [leaving, deleted, late]) t.strictSame(receiver.received, [])

  const again = await createListener()
  const next = await startSession(provider, sub)
  await obtainTokens(provider, next, again)
  await clients.delete(again.clientId)
  t.strictSame(await provider.database.query('select sid from session_clients'), [])
})
