/** The watch's signals as whole flows bring them about. */
import { decodeJwt } from 'jose'
import t, { type Test } from 'tap'
import { createDetectSignalsJob } from '../../src/jobs/detect-signals.ts'
import { from } from '../support/events.ts'
import { authorize, post, signIn, toTokens, verifier } from '../support/flow.ts'
import { createTestProvider, redirectUri } from '../support/provider.ts'
import { createUserAgent } from '../support/user-agent.ts'

const home = '203.0.113.7'
const elsewhere = '198.51.100.9'

async function setUp(t: Test, environment = {}) {
  const settings = { TRUST_PROXY: '1', CLAVIGER_SIGNAL_NETWORKS: '1', ...environment }
  const provider = await createTestProvider(t, settings)
  const { issuer, services } = provider
  const { sub } = await provider.createUser()
  const client = await provider.createClient({ token_endpoint_auth_method: 'none' })
  const browser = createUserAgent(issuer, from(home))
  await signIn(provider, browser)

  const ask = async (address: string, fields: Record<string, string>) =>
    toTokens(await post(provider, '/token', client, fields, from(address)))
  const refresh = (address: string, token: string) =>
    ask(address, { grant_type: 'refresh_token', refresh_token: token })
  const userinfo = (address: string, token: string) =>
    fetch(`${issuer}/userinfo`, { headers: { ...from(address), authorization: `Bearer ${token}` } })

  /** Tokens of an app in the person's browser. */
  async function obtain() {
    const { code = '' } = await authorize(provider, browser, client, {
      scope: 'openid offline_access',
    })
    const redemption = { code, redirect_uri: redirectUri, code_verifier: verifier }
    return ask(home, { grant_type: 'authorization_code', ...redemption })
  }

  /** What the job tells, as log lines. */
  async function detect() {
    const told: Record<string, unknown>[] = []
    const log = { warn: (fields: object) => void told.push({ ...fields }) }
    await services.events.flush()
    await createDetectSignalsJob({ ...services, log }).run()
    return told
  }
  return { provider, sub, client, browser, obtain, refresh, userinfo, detect }
}

t.test('a stolen refresh token that is used from another network', async (t) => {
  const { provider, sub, client, obtain, refresh, detect } = await setUp(t)
  const tokens = await obtain()
  const { grant_id } = decodeJwt(tokens.access_token)
  t.strictSame(await detect(), [])

  await refresh(elsewhere, tokens.refresh_token)
  const [signal, ...others] = await detect()
  t.strictSame(others, [])
  t.strictSame(signal, {
    signal: 'several-networks',
    subject_kind: 'grant',
    subject: grant_id,
    first_at: provider.clock.now(),
    last_at: provider.clock.now(),
    count: 2,
    network: ['198.51.100.0/24', '203.0.113.0/24'],
    sub: [sub],
    client_id: [client.clientId],
  })
  const text = await provider.services.metrics.text()
  t.match(text, 'claviger_signals_total{kind="several-networks"} 1\n')

  provider.clock.advance(31)
  await t.rejects(refresh(home, tokens.refresh_token))
  t.match(await detect(), [
    { signal: 'refresh-reuse', subject: grant_id, network: ['203.0.113.0/24'] },
  ])
})

t.test('one person in one network is left in peace, however much is used', async (t) => {
  const { provider, browser, obtain, refresh, userinfo, detect } = await setUp(t)
  const neighbour = '203.0.113.200'
  let tokens = await obtain()
  for (let turn = 0; turn < 8; turn += 1) {
    provider.clock.advance(61)
    tokens = await refresh(turn % 2 === 0 ? home : neighbour, tokens.refresh_token)
    t.equal((await userinfo(home, tokens.access_token)).status, 200)
    await browser.open(`${provider.issuer}/`)
  }
  await obtain()
  t.strictSame(await detect(), [])
})

t.test('a stolen access token', async (t) => {
  const { obtain, userinfo, detect } = await setUp(t)
  const { access_token } = await obtain()
  await userinfo(elsewhere, access_token)
  const { jti, grant_id } = decodeJwt(access_token)
  t.match(await detect(), [
    { subject_kind: 'grant', subject: grant_id },
    { subject_kind: 'token', subject: jti },
  ])
})

t.test('a stolen session cookie', async (t) => {
  const { provider, client, browser, obtain, detect } = await setUp(t)
  const { access_token } = await obtain()
  const thief = createUserAgent(provider.issuer, from(elsewhere))
  for (const [name, value] of browser.cookies) thief.cookies.set(name, value)
  await authorize(provider, thief, client, { prompt: 'none' })
  const { sid } = decodeJwt(access_token)
  t.match(await detect(), [{ subject_kind: 'session', subject: sid, count: 2 }])
})

t.test('many refusals from one network, not those of its neighbours', async (t) => {
  const { provider, client, userinfo, detect } = await setUp(t, { CLAVIGER_SIGNAL_REFUSALS: '9' })
  for (let turn = 0; turn < 4; turn += 1) {
    await userinfo(elsewhere, 'nonsense')
    await userinfo(home, 'nonsense')
    const made = { grant_type: 'refresh_token', refresh_token: 'nonsense' }
    await post(provider, '/token', client, made, from(elsewhere))
  }
  t.strictSame(await detect(), [])
  for (let turn = 0; turn < 2; turn += 1)
    await post(provider, '/token', { clientId: 'x', secret: 'y' }, {}, from(elsewhere))
  t.match(await detect(), [
    {
      signal: 'many-refusals',
      subject_kind: 'network',
      subject: '198.51.100.0/24',
      count: 10,
      type: ['client.refused', 'token.refused'],
    },
  ])
  t.strictSame(await detect(), [])
})
