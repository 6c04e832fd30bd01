/** What a request costs Postgres: as many waits as the README promises, whatever the latency between the two. */
import t from 'tap'
import { deviceCodeGrant } from '../../src/protocol/grant-types.ts'
import { answerDevice, poll, startDevice } from '../support/device.ts'
import { createDpopKey } from '../support/dpop.ts'
import { createFeedToken, pollFeed } from '../support/feed.ts'
import {
  authorizationUrl,
  authorize,
  encode,
  introspect,
  obtainTokens,
  post,
  redeem,
  refresh,
  signIn,
  startSession,
  toTokens,
  userinfo,
} from '../support/flow.ts'
import { createTestProvider } from '../support/provider.ts'
import { exchange, exchangeGrant } from '../support/token-exchange.ts'

t.test('every endpoint needs no more round trips than the README says', async (t) => {
  const provider = await createTestProvider(t)
  const { roundTrips, settle } = provider.database
  await provider.createUser()
  const client = await provider.createClient()
  const service = await provider.createClient({
    grant_types: ['client_credentials'],
    redirect_uris: [],
    scope: 'orders:read',
  })
  const uri = 'https://app.example/cb'
  const pairwise = await provider.createClient({ redirect_uris: [uri], subject_type: 'pairwise' })
  await provider.services.resources.create({ resource: 'https://orders.example', name: 'Orders' })
  const { token } = await createFeedToken(provider)
  await settle()
  const browser = await signIn(provider)
  const tokens = await obtainTokens(provider, browser, client, { scope: 'openid offline_access' })
  const serviceToken = () =>
    post(provider, '/token', service, { grant_type: 'client_credentials', scope: 'orders:read' })
  await serviceToken()

  const get = (path: string) => () => fetch(provider.issuer + path)
  t.equal(await roundTrips(get('/.well-known/jwks.json')), 0, 'JWKS')
  t.equal(await roundTrips(get('/.well-known/openid-configuration')), 0, 'discovery')
  t.equal(await roundTrips(serviceToken), 0, 'client_credentials')
  t.equal(await roundTrips(() => pollFeed(provider, { token })), 0, 'revocation feed')
  t.equal(await roundTrips(() => userinfo(provider, tokens.access_token)), 1, 'userinfo')
  t.equal(await roundTrips(() => introspect(provider, client, tokens.access_token)), 1)
  t.equal(await roundTrips(() => refresh(provider, client, tokens.refresh_token)), 1, 'refresh')
  const forOrders = await obtainTokens(provider, browser, client, {
    scope: 'openid offline_access',
    resource: 'https://orders.example',
  })
  t.equal(await roundTrips(() => refresh(provider, client, forOrders.refresh_token)), 1, 'an API')
  const url = authorizationUrl(provider, client, { scope: 'openid offline_access' })
  t.equal(await roundTrips(() => browser.open(url)), 2, 'authorize with a session')
  const { code } = await authorize(provider, browser, client)
  t.equal(await roundTrips(() => redeem(provider, client, code)), 2, 'code exchange')

  const changes = { redirect_uri: uri }
  await authorize(provider, browser, pairwise, changes)
  const withSubject = authorizationUrl(provider, pairwise, changes)
  t.equal(await roundTrips(() => browser.open(withSubject)), 2, 'with a pairwise subject')
  const { code: another } = await authorize(provider, browser, pairwise, changes)
  const redeemed = async () => redeem(provider, pairwise, another, changes)
  t.equal(await roundTrips(redeemed), 2)
  const { access_token } = toTokens(
    await redeem(
      provider,
      pairwise,
      (await authorize(provider, browser, pairwise, changes))['code'],
      changes,
    ),
  )
  t.equal(await roundTrips(() => userinfo(provider, access_token)), 1)
})

t.test('what the other ways to a token cost, each with its one-time gate', async (t) => {
  const provider = await createTestProvider(t)
  const { roundTrips, settle } = provider.database
  const { sub } = await provider.createUser()
  await provider.services.resources.create({ resource: 'https://orders.example', name: 'Orders' })
  const grants = ['authorization_code', 'refresh_token', deviceCodeGrant, exchangeGrant]
  const client = await provider.createClient({
    grant_types: grants,
    skip_consent: true,
    token_exchange: { audiences: ['https://orders.example'], delegation: 'none' },
  })
  await settle()
  const browser = await startSession(provider, sub)
  const { access_token: subject_token } = await obtainTokens(provider, browser, client)
  const request = Object.fromEntries(new URL(authorizationUrl(provider, client)).searchParams)
  const key = await createDpopKey(provider)

  const device = await startDevice(provider, client)
  const polled = () => poll(provider, client, device)
  t.equal(await roundTrips(() => startDevice(provider, client)), 1, 'device authorization')
  t.equal(await roundTrips(polled), 1, 'a poll')
  await answerDevice(provider, browser, device)
  t.equal(await roundTrips(polled), 2, 'the poll that gets tokens')
  const exchanged = () => exchange(provider, client, { subject_token })
  await exchanged() // from now on the API is in memory
  t.equal(await roundTrips(exchanged), 1, 'token exchange')

  const pushed = () => post(provider, '/par', client, request)
  t.equal(await roundTrips(pushed), 1, 'a pushed request')
  const { request_uri } = (await pushed()).body
  const query = encode({ client_id: client.clientId, request_uri: String(request_uri) })
  const opened = () => browser.open(`${provider.issuer}/authorize?${query.toString()}`)
  t.equal(await roundTrips(opened), 3, 'authorize with a session, pushed')

  const { code } = await authorize(provider, browser, client)
  const dpop = await key.prove('POST /token')
  const redeemed = () => redeem(provider, client, code, {}, { dpop })
  t.equal(await roundTrips(redeemed), 3, 'a DPoP proof is one more')
})
