/** Pairwise subjects (OpenID Connect Core §8.1): what a client calls a user, where it goes out and where it comes back. */
import { decodeJwt } from 'jose'
import t from 'tap'
import { recordedEvents } from '../support/events.ts'
import {
  authorize,
  encode,
  introspect,
  post,
  redeem,
  refresh,
  signIn,
  startSession,
  toTokens,
  userinfo,
  type Fields,
  type Party,
  type Tokens,
} from '../support/flow.ts'
import {
  createDeliveringNode,
  createLogoutReceiver,
  verifyLogoutToken,
} from '../support/logout-receiver.ts'
import { createTestProvider, password } from '../support/provider.ts'
import { accessTokenType, exchange, exchangeGrant, idTokenType } from '../support/token-exchange.ts'
import { createUserAgent, type UserAgent } from '../support/user-agent.ts'

const act = { actor: 'ada' }
const scope = 'openid email offline_access'
const refused = (error: string) => ({ status: 400, body: { error } })

const provider = await createTestProvider(t)
const { issuer, services, clock } = provider
const user = await provider.createUser()
const receiver = await createLogoutReceiver(t)

type App = Party & { uri: string }

async function createApp(uri: string, metadata: object = {}): Promise<App> {
  const client = await provider.createClient({
    redirect_uris: [uri],
    skip_consent: true,
    subject_type: 'pairwise',
    ...metadata,
  })
  return { ...client, uri }
}

const apps = {
  app: await createApp('https://app.example/cb', { backchannel_logout_uri: receiver.uri }),
  sibling: await createApp('https://app.example/sibling'),
  other: await createApp('https://other.example/cb'),
  open: await createApp('https://open.example/cb', { subject_type: 'public' }),
}
const { app, sibling, other, open } = apps

const ask = (browser: UserAgent, { uri, ...client }: App, changes: Fields = {}) =>
  authorize(provider, browser, client, { scope, redirect_uri: uri, ...changes })

async function obtain(browser: UserAgent, of: App, changes: Fields = {}): Promise<Tokens> {
  const { code } = await ask(browser, of, changes)
  return toTokens(await redeem(provider, of, code, { redirect_uri: of.uri }))
}

const subOf = ({ id_token: token }: Tokens) => decodeJwt(token).sub ?? ''

async function begin(): Promise<UserAgent> {
  clock.advance(10)
  return startSession(provider, user.sub)
}

t.test('a sector has one subject for a user, and another sector another one', async (t) => {
  const browser = await begin()
  const subs = Object.fromEntries(
    await Promise.all(
      Object.entries(apps).map(async ([name, one]) => [name, subOf(await obtain(browser, one))]),
    ),
  )
  t.match(subs['app'], /^[\w-]{43}$/)
  t.equal(subs['sibling'], subs['app'])
  t.equal(new Set(Object.values(subs)).size, 3)
  t.equal(subs['open'], user.sub)
  t.equal(subOf(await obtain(await begin(), app)), subs['app'], 'it stays')

  const bob = await provider.createUser({ email: 'bob@example.com', password })
  const ofBob = subOf(await obtain(await startSession(provider, bob.sub), app))
  t.match(ofBob, /^[\w-]{43}$/)
  t.not(ofBob, subs['app'])
})

t.test('whatever the client is told names the subject and never the sub', async (t) => {
  const browser = await begin()
  const tokens = await obtain(browser, app)
  const sub = subOf(tokens)
  const refreshed = toTokens(await refresh(provider, app, tokens.refresh_token))
  const told: Record<string, Record<string, unknown>> = {
    'ID token': decodeJwt(tokens.id_token),
    'access token': decodeJwt(tokens.access_token),
    'refreshed ID token (§12.2)': decodeJwt(refreshed.id_token),
    'refreshed access token': decodeJwt(refreshed.access_token),
    'userinfo (§5.3.2)': (await userinfo(provider, refreshed.access_token)).body,
    'introspected access token': await introspect(provider, app, tokens.access_token),
    'introspected refresh token': await introspect(provider, app, refreshed.refresh_token),
  }
  await browser.open(`${issuer}/logout?${encode({ id_token_hint: tokens.id_token }).toString()}`)
  await createDeliveringNode(provider, services).run()
  const [received] = receiver.received.splice(0)
  told['logout token'] = await verifyLogoutToken(provider, received!, app.clientId)

  for (const [what, claims] of Object.entries(told)) {
    t.equal(claims['sub'], sub, what)
    t.notMatch(JSON.stringify(claims), user.sub, what)
  }
})

t.test('a client can ask for the user by what it knows, and by nothing else', async (t) => {
  const browser = await begin()
  const [mine, siblings, others, public_] = await Promise.all(
    [app, sibling, other, open].map((one) => obtain(browser, one)),
  )
  const silently = (changes: Fields) => ask(browser, app, { prompt: 'none', ...changes })
  const bySub = (value: string) =>
    silently({ claims: JSON.stringify({ id_token: { sub: { value } } }) })
  t.match(await silently({ id_token_hint: mine!.id_token }), { code: String })
  t.match(await silently({ id_token_hint: siblings!.id_token }), { code: String })
  t.match(await bySub(subOf(mine!)), { code: String }, '§5.5.1')
  for (const { id_token: foreign } of [others!, public_!])
    t.match(await silently({ id_token_hint: foreign }), { error: 'login_required' })
  for (const foreign of [subOf(others!), user.sub])
    t.match(await bySub(foreign), { error: 'login_required' })

  clock.advance(3600)
  t.match(await silently({ id_token_hint: mine!.id_token }), { code: String }, 'expired')
})

const openSids = async () => (await services.sessions.list(user.sub)).map((one) => one.sid)

t.test('an ID token as the hint of a logout ends the session of its user', async (t) => {
  const browser = await begin()
  const { id_token } = await obtain(browser, app)
  const { sid } = decodeJwt(id_token)
  t.ok((await openSids()).includes(String(sid)))
  clock.advance(3600)
  const elsewhere = createUserAgent(issuer)
  await elsewhere.open(`${issuer}/logout?${encode({ id_token_hint: id_token }).toString()}`)
  t.notOk((await openSids()).includes(String(sid)), 'without its cookie')

  const again = await begin()
  const { id_token: hint } = await obtain(again, app)
  const left = await again.open(`${issuer}/logout?${encode({ id_token_hint: hint }).toString()}`)
  t.notMatch(left.html, '<form', 'and with it at once')
})

t.test('who revokes the user revokes every subject of theirs', async (t) => {
  for (const [what, revoke] of [
    ['revoked', () => services.revocations.revokeUser(user.sub, act)],
    ['disabled', () => services.userActs.disable(user.sub, act)],
  ] as const)
    t.test(what, async (t) => {
      const browser = await begin()
      const held = [app, sibling, other, open] as const
      const tokens = await Promise.all(held.map((one) => obtain(browser, one)))
      const { code } = await ask(browser, app)
      await revoke()
      for (const [index, { access_token, refresh_token }] of tokens.entries()) {
        const client = held[index]!
        t.equal((await userinfo(provider, access_token)).status, 401)
        t.strictSame(await introspect(provider, client, access_token), { active: false })
        t.strictSame(await introspect(provider, client, refresh_token), { active: false })
        t.match(await refresh(provider, client, refresh_token), refused('invalid_grant'))
      }
      const late = await redeem(provider, app, code, { redirect_uri: app.uri })
      t.match(late, refused('invalid_grant'))
      if (what === 'disabled') await services.userActs.enable(user.sub, act)
      clock.advance(2)
      t.equal(
        (await userinfo(provider, (await obtain(await begin(), app)).access_token)).status,
        200,
      )
    })
})

t.test('who is deleted leaves no token that counts, and no subject', async (t) => {
  const carol = await provider.createUser({ email: 'carol@example.com', password })
  const tokens = await obtain(await startSession(provider, carol.sub), app)
  const subject = subOf(tokens)
  await services.userActs.delete(carol.sub, act)
  t.equal((await userinfo(provider, tokens.access_token)).status, 401)
  t.strictSame(await introspect(provider, app, tokens.access_token), { active: false })
  t.equal(await services.accounts.findBySubject(subject), undefined)
  t.match(await ask(await begin(), app, { prompt: 'none', id_token_hint: tokens.id_token }), {
    error: 'login_required',
  })
})

t.test('an exchanged token keeps the subject (RFC 8693 §1.1)', async (t) => {
  const api = await provider.createClient({
    grant_types: [exchangeGrant],
    redirect_uris: [],
    token_exchange: { audiences: [issuer], subject_clients: [app.clientId], delegation: 'none' },
  })
  const tokens = await obtain(await begin(), app)
  for (const [subject_token, subject_token_type] of [
    [tokens.access_token, accessTokenType],
    [tokens.id_token, idTokenType],
  ] as const) {
    const answer = await exchange(provider, api, {
      subject_token,
      subject_token_type,
      audience: issuer,
    })
    const { access_token: token } = toTokens(answer)
    t.equal(decodeJwt(token).sub, subOf(tokens))
    t.notMatch(JSON.stringify(decodeJwt(token)), user.sub)
    t.match(await introspect(provider, api, token), { active: true, sub: subOf(tokens) })
  }
  const { access_token: token } = toTokens(
    await exchange(provider, api, { subject_token: tokens.access_token, audience: issuer }),
  )
  await services.revocations.revokeUser(user.sub, act)
  t.strictSame(await introspect(provider, api, token), { active: false })
  const late = await exchange(provider, api, {
    subject_token: tokens.id_token,
    subject_token_type: idTokenType,
    audience: issuer,
  })
  t.match(late, refused('invalid_request'))
})

t.test('another party names the user by the subject that it knows', async (t) => {
  const tokens = await obtain(await begin(), app)
  const service = await provider.createClient({
    grant_types: ['client_credentials'],
    redirect_uris: [],
    scope: 'global_token_revocation',
  })
  const granted = await post(provider, '/token', service, {
    grant_type: 'client_credentials',
    scope: 'global_token_revocation',
  })
  const answer = await fetch(`${issuer}/global-token-revocation`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${toTokens(granted).access_token}`,
      'content-type': 'application/json',
    },
    body: JSON.stringify({ sub_id: { format: 'iss_sub', iss: issuer, sub: subOf(tokens) } }),
  })
  t.equal(answer.status, 204)
  t.equal((await userinfo(provider, tokens.access_token)).status, 401)
  t.hasStrict(await services.audit.listLatest({ limit: 1 }), [{ subject: user.sub }])
  t.match(await services.accounts.find(subOf(tokens)), { sub: user.sub }, 'as commands do')
})

t.test('a grant keeps the subject that it began with (Core §12.2)', async (t) => {
  const changing = await createApp('https://changing.example/cb', { subject_type: 'public' })
  const before = await obtain(await begin(), changing)
  const update = (metadata: object) => services.clients.update(changing.clientId, metadata)
  const { warnings } = await update({ subject_type: 'pairwise' })
  t.match(warnings, [/another sub/])
  const refreshed = toTokens(await refresh(provider, changing, before.refresh_token))
  t.equal(subOf(refreshed), user.sub)
  t.equal((await userinfo(provider, refreshed.access_token)).body['sub'], user.sub)

  const after = await obtain(await begin(), changing)
  t.not(subOf(after), user.sub)
  t.strictSame((await update({ client_name: 'New' })).warnings, [])
  t.match((await update({ redirect_uris: ['https://moved.example/cb'] })).warnings, [/another sub/])
  const moved = toTokens(await refresh(provider, changing, after.refresh_token))
  t.equal(subOf(moved), subOf(after))
  await services.revocations.revokeUser(user.sub, act)
  t.equal((await userinfo(provider, moved.access_token)).status, 401)
})

t.test('events are about the user, whatever the token names them by', async (t) => {
  const browser = await signIn(provider)
  const tokens = await obtain(browser, app)
  await userinfo(provider, tokens.access_token)
  const latest = (await recordedEvents(provider)).slice(-3)
  t.match(
    latest.map(({ type, sub }) => [type, sub]),
    [
      ['session.used', user.sub],
      ['token.issued', user.sub],
      ['token.used', user.sub],
    ],
  )
})
