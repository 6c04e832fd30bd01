import t, { type Test } from 'tap'
import { authorize, obtainTokens, redeem, refresh, signIn, toTokens } from '../support/flow.ts'
import { createTestProvider } from '../support/provider.ts'
import { createCli, toDatabaseUrl } from './run-cli.ts'

async function createInspection(t: Test) {
  // The clock of the command line goes on, while the provider's stands still.
  const window = { CLAVIGER_REFRESH_REPLAY_WINDOW_SECONDS: '300' }
  const provider = await createTestProvider(t, window)
  const { config, database } = provider
  const account = await provider.createUser()
  const client = await provider.createClient()
  const browser = await signIn(provider)
  const tokens = await obtainTokens(provider, browser, client, { scope: 'openid offline_access' })
  const cli = createCli(t, {
    DATABASE_URL: toDatabaseUrl(database),
    ISSUER: config.issuer,
    CLAVIGER_KEY_ENCRYPTION_KEY: config.keyEncryptionKey,
    ...window,
  })
  const inspect = (token: string, code: number) =>
    cli.json(['tokens', 'inspect', '-'], { input: `${token}\n`, code })
  const faultsOf = async (token: string) =>
    (await inspect(token, 1))['checks'].flatMap((check: { name: string; passed: boolean }) =>
      check.passed ? [] : [check.name],
    )
  return { ...cli, provider, account, client, tokens, inspect, faultsOf }
}

t.test('tokens inspect decodes a good token and exits with 0', async (t) => {
  const { run, tokens, inspect, account, client } = await createInspection(t)
  const access = await inspect(tokens.access_token, 0)
  t.match(access, {
    kind: 'access_token',
    valid: true,
    key: { alg: 'RS256', state: 'signing' },
    header: { alg: 'RS256', typ: 'at+jwt' },
    payload: { sub: account.sub, client_id: client.clientId },
    revoked_by: [],
  })
  t.equal(access['key'].kid, access['header'].kid)
  t.equal(Date.parse(access['expires_at']), access['payload'].exp * 1000)
  t.match(await inspect(tokens.id_token, 0), { kind: 'id_token', valid: true })

  const { code, stdout } = await run(['tokens', 'inspect', `Bearer ${tokens.access_token}`])
  t.equal(code, 0)
  t.match(stdout, /^A valid access token\n[^]*✓ signature +good\n[^]*✓ expiry .*in \d+ minutes/)
  t.notOk(stdout.includes(tokens.access_token), 'the token is not printed again')

  t.match(await inspect(tokens.refresh_token, 0), {
    kind: 'refresh_token',
    valid: true,
    sub: account.sub,
    client_id: client.clientId,
    scope: 'openid offline_access',
  })
  const refreshToken = await run(['tokens', 'inspect', tokens.refresh_token])
  t.match(refreshToken.stdout, /^A live refresh token\n[^]*alice@example\.com/)
})

t.test('tokens inspect tells whose a pairwise subject is', async (t) => {
  const { provider, run, inspect, account } = await createInspection(t)
  const changes = { redirect_uri: 'https://app.example/cb', scope: 'openid offline_access' }
  const client = await provider.createClient({
    redirect_uris: [changes.redirect_uri],
    subject_type: 'pairwise',
  })
  const { code } = await authorize(provider, await signIn(provider), client, changes)
  const tokens = toTokens(await redeem(provider, client, code, changes))
  const { payload, user } = await inspect(tokens.id_token, 0)
  t.equal(user, account.sub)
  t.not(payload.sub, account.sub)
  t.match(await inspect(tokens.refresh_token, 0), { user: account.sub, sub: payload.sub })
  const { stdout } = await run(['tokens', 'inspect', tokens.access_token])
  t.match(stdout, new RegExp(`user +alice@example\\.com \\(${account.sub}\\)`))
})

t.test('tokens inspect says what is wrong with a token and exits with 1', async (t) => {
  const { run, tokens, faultsOf, inspect, refusal } = await createInspection(t)
  const token = tokens.access_token
  const [header = '', payload = '', signature = ''] = token.split('.')

  t.strictSame(await faultsOf(`${header}.${payload}.${'A'.repeat(signature.length)}`), [
    'signature',
  ])
  const claims: object = JSON.parse(Buffer.from(payload, 'base64url').toString())
  const expired = Buffer.from(JSON.stringify({ ...claims, exp: 1, iss: 'https://other' }))
  t.strictSame(await faultsOf(`${header}.${expired.toString('base64url')}.${signature}`), [
    'signature',
    'issuer',
    'expiry',
  ])
  const foreign = Buffer.from('{"alg":"none","typ":"jose","kid":"x"}').toString('base64url')
  t.strictSame(await faultsOf(`${foreign}.${payload}.${signature}`), ['type', 'key'])
  t.strictSame(await faultsOf('a.b.c'), ['form'])
  t.match(await inspect('nothing', 1), { kind: 'unknown', valid: false })
  const elsewhere = await run(['tokens', 'inspect', token], { env: { ISSUER: 'http://localhost' } })
  t.match(elsewhere, { code: 1, stderr: '', stdout: /not valid\n[^]*✗ issuer/ })
  t.match(await refusal(['tokens', 'inspect', '-']), /There is no token/)
})

t.test('tokens inspect says by which record a token was revoked, and since when', async (t) => {
  const { run, json, tokens, inspect, account, provider, client } = await createInspection(t)
  await refresh(provider, client, tokens.refresh_token)
  t.match(await inspect(tokens.refresh_token, 0), { generation: 2 }, 'within the replay window')

  const { not_before: notBefore } = await json(['users', 'revoke', account.sub])
  for (const token of [tokens.access_token, tokens.id_token])
    t.match(await inspect(token, 1), {
      valid: false,
      revoked_by: [{ kind: 'user', id: account.sub, not_before: notBefore }],
    })
  const { stdout } = await run(['tokens', 'inspect', tokens.access_token])
  t.match(stdout, new RegExp(`✗ revocation +nothing of the user ${account.sub} from before`))
  t.match(await inspect(tokens.refresh_token, 1), { kind: 'unknown', valid: false })

  const { kid } = (await inspect(tokens.access_token, 1))['key']
  await run(['keys', 'revoke', kid, '--reason', 'stolen'])
  const { key, checks } = await inspect(tokens.access_token, 1)
  t.match(key, { kid, state: 'revoked' })
  t.match(checks[1], { name: 'key', passed: false, text: /revoked since .*: stolen/ })
})
