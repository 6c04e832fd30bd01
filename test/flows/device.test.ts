/** The device authorization grant (RFC 8628), as the device and its client live it. */
import { createHash, randomUUID } from 'node:crypto'
import { decodeJwt } from 'jose'
import * as oauth from 'oauth4webapi'
import t from 'tap'
import { deviceCodeGrant } from '../../src/protocol/grant-types.ts'
import { answerDevice, deviceClient, poll, startDevice } from '../support/device.ts'
import { introspect, post, refresh, startSession, toTokens, userinfo } from '../support/flow.ts'
import { recordedEvents } from '../support/events.ts'
import { createTestProvider } from '../support/provider.ts'

const api = 'https://orders.example'

const provider = await createTestProvider(t)

/** A user and a client of its own, and the browser in which the user is signed in. */
async function setUp(metadata: object = {}) {
  const user = await provider.services.accounts.create({ email: `${randomUUID()}@example.com` })
  const client = await provider.createClient({ ...deviceClient, ...metadata })
  return { user, client, browser: await startSession(provider, user.sub) }
}

const refused = (error: string) => ({ status: 400, body: { error } })

t.test('a device waits for a person, gets tokens once, and goes on by refreshing', async (t) => {
  const { user, client, browser } = await setUp()
  const device = await startDevice(provider, client)
  t.match(device, {
    device_code: /^[\w-]{43}$/,
    user_code: /^[B-Z]{4}-[B-Z]{4}$/,
    verification_uri: `${provider.issuer}/device`,
    verification_uri_complete: `${provider.issuer}/device?user_code=${device.user_code}`,
    expires_in: 600,
    interval: 5,
  })
  t.match(await poll(provider, client, device), refused('authorization_pending'))
  t.match((await answerDevice(provider, browser, device)).html, 'You can go back to your device.')

  const tokens = toTokens(await poll(provider, client, device)) // the answer is worth not waiting for
  t.equal(tokens.scope, 'openid offline_access')
  const [access, id] = [decodeJwt(tokens.access_token), decodeJwt(tokens.id_token)]
  const [session] = await provider.services.sessions.list(user.sub)
  const auth_time = Math.floor(session!.authTime.getTime() / 1000)
  const signedIn = { sub: user.sub, sid: session!.sid, auth_time, amr: ['pwd'] }
  t.match(access, { ...signedIn, client_id: client.clientId })
  t.match(id, { ...signedIn, aud: client.clientId })
  t.match(await userinfo(provider, tokens.access_token), { status: 200, body: { sub: user.sub } })
  t.equal((await refresh(provider, client, tokens.refresh_token)).status, 200)

  t.match(await poll(provider, client, device), refused('invalid_grant'), 'used')
  t.match(await refresh(provider, client, tokens.refresh_token), refused('invalid_grant'))
  t.strictSame(await introspect(provider, client, tokens.access_token), { active: false })
})

t.test('oauth4webapi signs a device in, and takes a wait for what it is', async (t) => {
  const { user, client, browser } = await setUp()
  const insecure = { [oauth.allowInsecureRequests]: true }
  const issuer = new URL(provider.issuer)
  const server = await oauth.processDiscoveryResponse(
    issuer,
    await oauth.discoveryRequest(issuer, insecure),
  )
  const self = { client_id: client.clientId }
  const secret = oauth.ClientSecretBasic(client.secret)
  const scope = { scope: 'openid' }
  const device = await oauth.processDeviceAuthorizationResponse(
    server,
    self,
    await oauth.deviceAuthorizationRequest(server, self, secret, scope, insecure),
  )
  const redeem = async () =>
    oauth.processDeviceCodeResponse(
      server,
      self,
      await oauth.deviceCodeGrantRequest(server, self, secret, device.device_code, insecure),
    )
  for (const error of ['authorization_pending', 'slow_down'])
    t.equal(await redeem().catch((refusal: oauth.ResponseBodyError) => refusal.error), error)
  await answerDevice(provider, browser, device)
  t.equal(oauth.getValidatedIdTokenClaims(await redeem())?.sub, user.sub)
})

t.test('a public client names itself; without offline_access nothing is refreshed', async (t) => {
  const { browser, client } = await setUp({ token_endpoint_auth_method: 'none' })
  const device = await startDevice(provider, client, { scope: 'openid' })
  await answerDevice(provider, browser, device)
  const { body } = await poll(provider, client, device)
  t.equal(body['refresh_token'], undefined)
  t.ok(body['id_token'])
})

t.test('who polls too soon waits five seconds longer each time (RFC 8628 §3.5)', async (t) => {
  const { client, browser } = await setUp()
  const device = await startDevice(provider, client)
  const ask = async (afterSeconds: number) => {
    provider.clock.advance(afterSeconds)
    return (await poll(provider, client, device)).body['error']
  }
  t.equal(await ask(0), 'authorization_pending', 'the first one may come at once')
  t.equal(await ask(5), 'authorization_pending')
  t.equal(await ask(4.999), 'slow_down')
  t.equal(await ask(9.999), 'slow_down')
  t.equal(await ask(15), 'authorization_pending')
  t.equal(await ask(14), 'slow_down')
  t.equal(await ask(20), 'authorization_pending')
  await answerDevice(provider, browser, device)
  t.equal(await ask(0), undefined)
  const events = await recordedEvents(provider)
  const types = new Set(
    events.filter((one) => one.client_id === client.clientId).map(({ type }) => type),
  )
  t.strictSame([...types], ['session.used', 'token.issued'], 'none is a refusal')
})

t.test('of polls at the same time one is in time', async (t) => {
  const { client } = await setUp()
  const device = await startDevice(provider, client)
  const answers = await Promise.all(Array.from({ length: 5 }, () => poll(provider, client, device)))
  t.strictSame(answers.map(({ body }) => String(body['error'])).toSorted(), [
    'authorization_pending',
    ...Array(4).fill('slow_down'),
  ])
})

t.test('of redemptions at the same time one wins', async (t) => {
  const { client, browser } = await setUp()
  const device = await startDevice(provider, client)
  await answerDevice(provider, browser, device)
  const answers = await Promise.all(Array.from({ length: 5 }, () => poll(provider, client, device)))
  t.strictSame(answers.map(({ status }) => String(status)).toSorted(), [
    '200',
    ...Array(4).fill('400'),
  ])
})

t.test('a denied, an expired and an unknown device code', async (t) => {
  const { client, browser } = await setUp()
  const denied = await startDevice(provider, client)
  const page = await answerDevice(provider, browser, denied, 'deny')
  t.match(page.html, 'The device was not connected')
  t.match(await poll(provider, client, denied), refused('access_denied'))

  const [left, allowed] = [await startDevice(provider, client), await startDevice(provider, client)]
  await answerDevice(provider, browser, allowed)
  provider.clock.advance(600)
  t.match(await poll(provider, client, left), refused('expired_token'))
  t.match(await poll(provider, client, allowed), refused('expired_token'))

  t.match(await poll(provider, client, { device_code: 'x' }), refused('invalid_grant'))
  const another = await provider.createClient(deviceClient)
  const device = await startDevice(provider, client)
  t.match(await poll(provider, another, device), refused('invalid_grant'), "another client's")
  t.match(
    await poll(provider, client, device, { device_code: undefined }),
    refused('invalid_request'),
  )
})

t.test('what is asked for is checked as in an authorization request', async (t) => {
  const { client } = await setUp()
  const start = (fields: object, party = client) =>
    post(provider, '/device_authorization', party, { ...fields })
  t.match(await start({ scope: 'openid admin' }), refused('invalid_scope'))
  t.match(await start({ scope: 'openid  email' }), refused('invalid_scope'))
  t.match(await start({ resource: 'https://nowhere.example' }), refused('invalid_target'))
  const feed = await provider.createClient({ ...deviceClient, scope: 'revocations' })
  t.match(await start({ scope: 'revocations' }, feed), refused('invalid_scope'))
  const web = await provider.createClient()
  t.match(await start({}, web), refused('unauthorized_client'))
  t.match(await start({}, { ...client, secret: 'wrong' }), {
    status: 401,
    body: { error: 'invalid_client' },
  })
})

t.test('a resource is asked for, and narrowed when the tokens are (RFC 8707 §2.2)', async (t) => {
  const { client, browser } = await setUp()
  for (const resource of [api, 'https://stock.example'])
    await provider.services.resources.create({ resource, name: 'An API' })
  const device = await startDevice(provider, client, {
    scope: 'openid',
    resource: [api, 'https://stock.example'],
  })
  await answerDevice(provider, browser, device)
  const elsewhere = { resource: provider.issuer }
  t.match(await poll(provider, client, device, elsewhere), refused('invalid_target'))
  const { access_token } = toTokens(await poll(provider, client, device, { resource: api }))
  t.equal(decodeJwt(access_token).aud, api)
})

t.test('a device gets no scope that its client may not ask for any more', async (t) => {
  const { browser, client } = await setUp()
  const device = await startDevice(provider, client, { scope: 'openid profile offline_access' })
  await answerDevice(provider, browser, device)
  await provider.services.clients.update(client.clientId, { scope: 'openid' })
  const tokens = toTokens(await poll(provider, client, device))
  t.equal(tokens.scope, 'openid')
  t.equal(decodeJwt(tokens.access_token)['scope'], 'openid')
  t.notOk('refresh_token' in tokens)
})

t.test('the client is told when the session ends (Back-Channel Logout)', async (t) => {
  const { user, client, browser } = await setUp({
    backchannel_logout_uri: 'http://localhost:9998/logout',
  })
  const device = await startDevice(provider, client)
  await answerDevice(provider, browser, device)
  const { sid } = decodeJwt<{ sid: string }>(
    toTokens(await poll(provider, client, device)).id_token,
  )
  await provider.services.sessions.endBySid({ sub: user.sub, sid })
  const deliveries = await provider.database.query('select client_id, sid from logout_deliveries')
  t.strictSame(deliveries, [{ client_id: client.clientId, sid }])
})

t.test('the database knows a device code by its SHA-256 only', async (t) => {
  const { client } = await setUp()
  const { device_code } = await startDevice(provider, client)
  const [row] = await provider.database.query<{ text: string }>(
    'select d::text as text from device_codes d where client_id = $1',
    [client.clientId],
  )
  t.notMatch(row!.text, device_code)
  t.match(row!.text, createHash('sha256').update(device_code).digest('hex'))
})

t.test('a client for devices needs no redirect URI, and has the scopes of a sign-in', async (t) => {
  const { metadata } = await provider.createClient(deviceClient)
  t.hasStrict(metadata, {
    response_types: [],
    scope: 'openid profile email offline_access',
    grant_types: [deviceCodeGrant, 'refresh_token'],
  })
  await t.rejects(provider.createClient({ grant_types: ['refresh_token'], redirect_uris: [] }), {
    message: /continues an authorization_code grant or a urn:/,
  })
})
