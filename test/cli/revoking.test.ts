/** What an administrator revokes from the command line, beside a server that refuses it at once. */
import { decodeJwt } from 'jose'
import t, { type Test } from 'tap'
import {
  introspect,
  obtainTokens,
  post,
  refresh,
  signIn,
  toTokens,
  userinfo,
} from '../support/flow.ts'
import { createTestProvider } from '../support/provider.ts'
import { createCli, toDatabaseUrl } from './run-cli.ts'

async function setUp(t: Test) {
  const provider = await createTestProvider(t)
  const { config, database } = provider
  const account = await provider.createUser()
  const client = await provider.createClient({ skip_consent: true })
  const browser = await signIn(provider)
  const obtain = () => obtainTokens(provider, browser, client, { scope: 'openid offline_access' })
  const tokens = await obtain()
  const cli = createCli(t, {
    DATABASE_URL: toDatabaseUrl(database),
    ISSUER: config.issuer,
    CLAVIGER_KEY_ENCRYPTION_KEY: config.keyEncryptionKey,
  })
  /** Until the provider's clock, which stands still, has the time of the command line. */
  const catchUp = () => provider.clock.set(new Date(Date.now() + 2000))
  const isGood = async ({ access_token: token }: { access_token: string }) =>
    (await userinfo(provider, token)).status === 200
  const { sid, grant_id: grantId } = decodeJwt<{ sid: string; grant_id: string }>(
    tokens.access_token,
  )
  return {
    ...cli,
    provider,
    account,
    client,
    browser,
    tokens,
    obtain,
    catchUp,
    isGood,
    sid,
    grantId,
  }
}

t.test('sessions are listed and revoked, with or without their refresh tokens', async (t) => {
  const { run, json, refusal, provider, account, client, tokens, isGood, sid, catchUp } =
    await setUp(t)
  await provider.createUser({ email: 'bob@example.com' })
  const list = await json(['sessions', 'list', 'alice@example.com'])
  t.match(list, { sub: account.sub, sessions: [{ sid, amr: ['pwd'], auth_time: String }] })
  const { stdout } = await run(['sessions', 'list', 'alice@example.com'])
  t.match(stdout, new RegExp(`sid +signed in +by +expires\\n${sid} +.* pwd +`))
  t.equal(
    Math.max(...stdout.split('\n').map(({ length }) => length)) <= 80,
    true,
    'fits a terminal',
  )
  t.match((await run(['sessions', 'list', 'bob@example.com'])).stdout, /is not signed in/)

  const kept = await json(['sessions', 'revoke', sid, '--keep-refresh-tokens'])
  t.match(kept, { sid, ended: { sessions: 1, refresh_tokens: 0 }, verifiers_until: String })
  t.equal(await isGood(tokens), false)
  t.strictSame((await json(['sessions', 'list', account.sub]))['sessions'], [])
  catchUp()
  const again = toTokens(await refresh(provider, client, tokens.refresh_token))
  t.equal(await isGood(again), true)

  const told = await run(['sessions', 'revoke', sid, '--reason', 'left at the library'])
  t.match(told.stdout, new RegExp(`Revoked the session ${sid}\\.\\nEnded: 1 refresh token, the`))
  t.equal((await refresh(provider, client, again.refresh_token)).status, 400)
  t.match(await refusal(['sessions', 'revoke', sid]), /No session .* is left to end.*sessions list/)
  t.match((await json(['audit', '--subject', sid]))['events'], [
    { action: 'sessions.revoke', actor: /^.+@.+$/, reason: 'left at the library' },
    { action: 'sessions.revoke', reason: null },
  ])
})

t.test('a revoked client loses its tokens, not its secret', async (t) => {
  const { run, json, refusal, provider, client, tokens, obtain, isGood, catchUp } = await setUp(t)
  const { clientId } = client
  const revoked = await json(['clients', 'revoke', clientId, '--reason', 'a leak'])
  t.match(revoked, { client_id: clientId, reason: 'a leak', ended: { refresh_tokens: 1 } })
  t.equal(await isGood(tokens), false)
  t.equal((await refresh(provider, client, tokens.refresh_token)).status, 400)
  catchUp()
  t.equal(await isGood(await obtain()), true)
  const { stdout } = await run(['clients', 'revoke', clientId])
  t.match(stdout, new RegExp(`secret still works[^]*clients rotate-secret ${clientId}`))
  t.match(await refusal(['clients', 'revoke', 'nobody']), /no client .*"nobody"/)
})

t.test('tokens revoke takes an access token, or the grant of a refresh token', async (t) => {
  const { run, json, refusal, provider, client, tokens, obtain, isGood, grantId, catchUp } =
    await setUp(t)
  const revoke = (token: string) => json(['tokens', 'revoke', '-'], { input: `${token}\n` })
  const { jti } = decodeJwt(tokens.access_token)
  t.match(await revoke(tokens.access_token), { kind: 'access_token', jti, revoked: true })
  t.equal(await isGood(tokens), false)
  t.match(await revoke(tokens.access_token), { revoked: false, note: /counts no more.*the token/ })
  t.match(await introspect(provider, client, tokens.refresh_token), { active: true })

  const other = await obtain()
  t.match(await revoke(tokens.refresh_token), {
    kind: 'refresh_token',
    grant_id: grantId,
    revoked: true,
    ended: { refresh_tokens: 1 },
  })
  t.equal((await refresh(provider, client, tokens.refresh_token)).status, 400)
  t.equal(await isGood(other), true, 'another grant goes on')
  t.match(await revoke(tokens.refresh_token), { revoked: false, note: /family was revoked/ })
  const told = await run(['tokens', 'revoke', `Bearer ${other.access_token}`])
  t.match(told, { code: 0, stdout: /^Revoked the access token .*\nEnded: this token alone;/ })
  t.notOk(told.stdout.includes(other.access_token), 'the token is not printed again')

  provider.clock.set(new Date(Date.now() - 3600_000))
  const expired = await obtain()
  t.match(await revoke(expired.access_token), { revoked: false, note: /no more.*expiry: .*ago/ })
  catchUp()

  t.match(await refusal(['tokens', 'revoke', tokens.id_token]), /an ID token, .*sessions revoke/)
  const forged = `${tokens.access_token.slice(0, -8)}AAAAAAAA`
  t.match(await refusal(['tokens', 'revoke', forged]), /no token of this issuer, by its signature/)
  t.match(await refusal(['tokens', 'revoke', 'x.y.z']), /no token of this issuer.*[^.]\.$/)
  t.match(await refusal(['tokens', 'revoke', 'nonsense']), /neither a JWT nor a refresh token/)
})

t.test('revoke-all ends everything of everybody', async (t) => {
  const { run, json, refusal, provider, tokens, client, browser, obtain, isGood, catchUp } =
    await setUp(t)
  const service = await provider.createClient({
    grant_types: ['client_credentials'],
    redirect_uris: [],
    scope: 'orders:read',
  })
  const serviceToken = async () =>
    toTokens(await post(provider, '/token', service, { grant_type: 'client_credentials' }))
  const before = await serviceToken()
  t.match(await refusal(['revoke-all']), /cannot be undone: add --yes/)
  t.equal(await isGood(tokens), true)

  const revoked = await json(['revoke-all', '--yes', '--reason', 'a backup was stolen'])
  t.match(revoked, { reason: 'a backup was stolen', not_before: String, ended: {} })
  t.ok(new Date(revoked['not_before']).getTime() < Date.now(), 'it has waited')
  t.equal(await isGood(tokens), false)
  t.equal((await refresh(provider, client, tokens.refresh_token)).status, 400)
  t.strictSame(await introspect(provider, client, before.access_token), { active: false })

  catchUp()
  t.match(await introspect(provider, client, (await serviceToken()).access_token), { active: true })
  await signIn(provider, browser)
  t.equal(await isGood(await obtain()), true)
  const { stdout } = await run(['revoke-all', '--yes'])
  t.match(stdout, /Ended: all sessions, codes, refresh tokens and access tokens\./)
})

t.test('the audit tells the latest first, of one thing or one kind of act', async (t) => {
  const { run, json, account } = await setUp(t)
  await run(['users', 'revoke', account.sub, '--reason', 'a test'])
  const { events } = await json(['audit', '--limit', '1'])
  t.match(events, [{ action: 'users.revoke', subject: account.sub, reason: 'a test', id: Number }])
  const { stdout } = await run(['audit', '--action', 'users.revoke'])
  t.match(stdout, new RegExp(`^20.*\\n  users\\.revoke ${account.sub} by .+@.+: a test\\n  \\{"`))
  const keys = await json(['audit', '--action', 'keys'])
  t.ok(keys['events'].length > 0)
  t.ok(keys['events'].every(({ action }: { action: string }) => action.startsWith('keys.')))
  t.match((await run(['audit', '--subject', 'nobody'])).stdout, /Nothing of the kind/)
})
