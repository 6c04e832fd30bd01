/** Refresh tokens: rotation, the replay window, reuse, narrowing (RFC 9700 §4.14, RFC 6749 §6, Core §12). */
import { decodeJwt } from 'jose'
import t from 'tap'
import { introspect, obtainTokens, refresh, signIn, toTokens, userinfo } from '../support/flow.ts'
import { createTestProvider } from '../support/provider.ts'

const scope = 'openid profile email offline_access'
const invalidGrant = { status: 400, body: { error: 'invalid_grant' } }

t.test('a refresh token', async (t) => {
  const provider = await createTestProvider(t)
  await provider.createUser()
  const browser = await signIn(provider)
  const client = await provider.createClient({ skip_consent: true })
  const publicClient = await provider.createClient({
    skip_consent: true,
    token_endpoint_auth_method: 'none',
  })
  const obtain = (one = client) => obtainTokens(provider, browser, one, { scope })
  const use = async (token: string, one = client) => toTokens(await refresh(provider, one, token))

  t.test('is another one after each use, for a public client too', async (t) => {
    for (const one of [client, publicClient]) {
      const first = await obtain(one)
      const second = await use(first.refresh_token, one)
      const third = await use(second.refresh_token, one)
      const all = [first, second, third].map((tokens) => tokens.refresh_token)
      t.equal(new Set(all).size, 3)
      t.equal(new Set([first, second, third].map((tokens) => tokens.access_token)).size, 3)
      t.equal((await userinfo(provider, third.access_token)).status, 200)
      t.equal((await userinfo(provider, first.access_token)).status, 200, 'which lives on')
    }
  })

  t.test('presented again within 30 seconds gets the same successor', async (t) => {
    const { refresh_token: token } = await obtain()
    const first = await use(token)
    provider.clock.advance(29)
    const again = await use(token)
    t.equal(again.refresh_token, first.refresh_token)
    t.equal((await userinfo(provider, again.access_token)).status, 200)
    t.equal((await userinfo(provider, (await use(again.refresh_token)).access_token)).status, 200)
  })

  t.test('the window is counted from the first use, not from the last', async (t) => {
    const { refresh_token: token } = await obtain()
    await use(token)
    provider.clock.advance(20)
    await use(token)
    provider.clock.advance(10)
    t.match(await refresh(provider, client, token), invalidGrant)
  })

  t.test('used after its successor was used revokes everything of the grant', async (t) => {
    const first = await obtain()
    const second = await use(first.refresh_token)
    const third = await use(second.refresh_token)
    t.match(await refresh(provider, client, first.refresh_token), invalidGrant)
    for (const { refresh_token: token } of [first, second, third])
      t.match(await refresh(provider, client, token), invalidGrant)
    for (const { access_token: token } of [first, second, third]) {
      t.equal((await userinfo(provider, token)).status, 401)
      t.strictSame(await introspect(provider, client, token), { active: false })
    }
  })

  t.test('used after the window revokes everything of the grant', async (t) => {
    const first = await obtain()
    const second = await use(first.refresh_token)
    provider.clock.advance(30)
    t.match(await refresh(provider, client, first.refresh_token), invalidGrant)
    t.match(await refresh(provider, client, second.refresh_token), invalidGrant)
    t.equal((await userinfo(provider, second.access_token)).status, 401)
  })

  t.test('reuse of one does not touch another grant of the same user and client', async (t) => {
    const [mine, other] = [await obtain(), await obtain()]
    await use((await use(mine.refresh_token)).refresh_token)
    await refresh(provider, client, mine.refresh_token)
    t.equal((await userinfo(provider, other.access_token)).status, 200)
    await use(other.refresh_token)
  })

  t.test('used many times at once: all succeed, with one successor', async (t) => {
    for (let round = 0; round < 5; round += 1) {
      const { refresh_token: token } = await obtain()
      const answers = await Promise.all(Array.from({ length: 4 }, () => use(token)))
      t.equal(new Set(answers.map((tokens) => tokens.refresh_token)).size, 1)
      for (const { access_token } of answers)
        t.equal((await userinfo(provider, access_token)).status, 200)
      await use(answers[0]!.refresh_token)
    }
  })

  t.test('gives an ID token with the old auth_time and a new iat (Core §12.2)', async (t) => {
    const first = await obtain()
    provider.clock.advance(100)
    const second = await use(first.refresh_token)
    const [before, after] = [decodeJwt(first.id_token), decodeJwt(second.id_token)]
    for (const name of ['iss', 'sub', 'aud', 'auth_time', 'amr', 'sid'])
      t.strictSame(after[name], before[name], name)
    t.equal(after.iat, Number(before.iat) + 100)
    t.equal(after.exp, Number(before.exp) + 100)
    t.notOk('nonce' in after)
  })

  t.test('narrows the scope of one answer, not of the grant (RFC 6749 §6)', async (t) => {
    const { refresh_token: token } = await obtain()
    const narrow = toTokens(await refresh(provider, client, token, { scope: 'email openid' }))
    t.equal(narrow.scope, 'email openid')
    t.equal(decodeJwt(narrow.access_token)['scope'], 'email openid')
    const noOpenid = toTokens(
      await refresh(provider, client, narrow.refresh_token, { scope: 'profile' }),
    )
    t.notOk('id_token' in noOpenid)
    t.equal((await use(noOpenid.refresh_token)).scope, scope)
  })

  t.test('gives no scope that the client may not ask for any more (RFC 6749 §3.3)', async (t) => {
    const own = await provider.createClient({ skip_consent: true })
    const { update } = provider.services.clients
    const first = await obtain(own)
    await update(own.clientId, { scope: 'openid email offline_access' })
    const second = await use(first.refresh_token, own)
    t.equal(second.scope, 'openid email offline_access')
    t.equal(decodeJwt(second.access_token)['scope'], second.scope)
    const { body: claims } = await userinfo(provider, second.access_token)
    t.strictSame(Object.keys(claims).toSorted(), ['email', 'email_verified', 'sub'], 'no profile')
    t.match(await introspect(provider, own, second.refresh_token), { scope: second.scope })

    const named = await refresh(provider, own, second.refresh_token, { scope: 'profile email' })
    t.equal(toTokens(named).scope, 'email', 'also when it is asked for by name')
    await update(own.clientId, { scope: 'email offline_access' })
    const third = await use(toTokens(named).refresh_token, own)
    t.notOk('id_token' in third, 'without openid no ID token')

    await update(own.clientId, { scope: 'openid profile email' })
    const refused = { status: 400, body: { error: 'unauthorized_client' } }
    t.match(await refresh(provider, own, third.refresh_token), refused, 'no offline_access')
    provider.clock.advance(60)
    await update(own.clientId, { scope })
    t.equal((await use(third.refresh_token, own)).scope, scope, 'and nothing was lost')
  })

  t.test('asked for more than was granted is invalid_scope, and not used up', async (t) => {
    const { refresh_token: token } = await obtainTokens(provider, browser, client, {
      scope: 'openid offline_access',
    })
    const wider = await refresh(provider, client, token, { scope: 'openid email' })
    t.match(wider, { status: 400, body: { error: 'invalid_scope' } })
    provider.clock.advance(60)
    t.match(await refresh(provider, client, token, { scope: 'a"b' }), {
      status: 400,
      body: { error: 'invalid_scope' },
    })
    await use((await use(token)).refresh_token)
  })

  t.test('of another client is invalid_grant, and stays good for its own', async (t) => {
    const { refresh_token: token } = await obtain()
    const other = await provider.createClient()
    t.match(await refresh(provider, other, token), invalidGrant)
    t.match(await refresh(provider, publicClient, token), invalidGrant)
    provider.clock.advance(60)
    const successor = await use(token)
    provider.clock.advance(60)
    t.match(await refresh(provider, other, token), invalidGrant, 'whose old one is not reuse')
    await use(successor.refresh_token)
  })

  t.test('that is altered, empty or of no server is refused', async (t) => {
    const { refresh_token: token } = await obtain()
    const flipped = token.slice(0, -1) + (token.endsWith('A') ? 'Q' : 'A')
    for (const wrong of [flipped, token.slice(1), `${token}=`, token.toUpperCase(), 'x', '✓'])
      t.match(await refresh(provider, client, wrong), invalidGrant)
    t.match(await refresh(provider, client, ''), {
      status: 400,
      body: { error: 'invalid_request' },
    })
    await use(token)
  })
})
