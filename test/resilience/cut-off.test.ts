/** PostgreSQL or somebody else's server goes away in the middle of a request: nothing is half done, and nobody else waits. */
import { generateKeyPair, SignJWT } from 'jose'
import { randomUUID } from 'node:crypto'
import t from 'tap'
import { answerDevice, deviceClient, poll, startDevice } from '../support/device.ts'
import {
  authorizationUrl,
  challenge,
  obtainTokens,
  post,
  redeem,
  register,
  startSession,
  type Answer,
} from '../support/flow.ts'
import { toDatabaseUrl } from '../cli/run-cli.ts'
import { administrate } from '../support/outage.ts'
import { createTestProvider, redirectUri } from '../support/provider.ts'
import { exchange, exchangeGrant } from '../support/token-exchange.ts'
import { createWebServer } from '../support/web-server.ts'

const web = await createWebServer(t, () => {}) // never answers
const provider = await createTestProvider(t, {
  CLAVIGER_REGISTRATION: 'token',
  CLAVIGER_CLIENT_ID_METADATA_DOCUMENTS: 'on',
  CLAVIGER_OUTGOING_CA_FILE: web.caFile,
})
const { issuer, services, database, clock } = provider
const { sub } = await provider.createUser()
const browser = await startSession(provider, sub)
const client = await provider.createClient({ skip_consent: true })
const service = await provider.createClient({
  redirect_uris: [],
  grant_types: ['client_credentials'],
})
const { administration } = administrate(t, database)

/** Ends what waits for a lock in this database. */
const cutWaiting = () =>
  administration.query(
    `select pg_terminate_backend(pid) from pg_stat_activity
     where datname = $1 and wait_event_type = 'Lock'`,
    [new URL(toDatabaseUrl(database)).pathname.slice(1)],
  )

/** `first` while others hold the table, `last` once they let it go. */
async function cutOff(table: string, ask: () => Promise<Answer>) {
  const first = await database.transaction(async (transaction) => {
    await transaction.query(`lock table ${table} in access exclusive mode`)
    const asked = ask()
    let answer: Answer | undefined
    while (!answer) {
      await cutWaiting()
      answer = await Promise.race([asked, Promise.resolve(undefined)])
    }
    return answer
  })
  return { first, last: await ask() }
}

const api = 'https://api.example'
const unavailable = { status: 503, body: { error: 'temporarily_unavailable' } }

t.test('a request whose connection is cut is told to come again, and then is done', async (t) => {
  const initial = await services.initialAccessTokens.create(
    { ttlSeconds: 600, maxUses: 1 },
    { actor: 'ada' },
  )
  const devices = await provider.createClient(deviceClient)
  const device = await startDevice(provider, devices)
  await answerDevice(provider, browser, device)
  await services.resources.create({ resource: api, name: 'Orders' })
  const exchanger = await provider.createClient({
    grant_types: [exchangeGrant],
    redirect_uris: [],
    token_exchange: { audiences: [api], delegation: 'none', subject_clients: [client.clientId] },
  })
  const { access_token } = await obtainTokens(provider, browser, client)
  const pushed = {
    response_type: 'code',
    redirect_uri: redirectUri,
    scope: 'openid',
    code_challenge: challenge,
    code_challenge_method: 'S256',
  }
  const metadata = { redirect_uris: [redirectUri] }
  const requests: [name: string, table: string, done: number, ask: () => Promise<Answer>][] = [
    ['a push', 'authorization_requests', 201, () => post(provider, '/par', client, pushed)],
    [
      'a registration',
      'client_registrations',
      201,
      () => register(provider, metadata, initial.secret),
    ],
    [
      'a device that begins',
      'device_codes',
      200,
      () => post(provider, '/device_authorization', devices, {}),
    ],
    [
      'a device that polls',
      'refresh_families',
      200,
      () => {
        clock.advance(10)
        return poll(provider, devices, device)
      },
    ],
    [
      'an exchange',
      'users',
      200,
      () => exchange(provider, exchanger, { subject_token: access_token, audience: api }),
    ],
  ]
  for (const [name, table, done, ask] of requests) {
    const { first, last } = await cutOff(table, ask)
    t.match(first, unavailable, name)
    t.match(first.headers.get('retry-after'), /^[1-9]\d*$/, name)
    t.equal(last.status, done, `${name}: ${JSON.stringify(last.body)}`)
  }
  const registered = await database.query('select client_id from client_registrations')
  t.equal(registered.length, 1, 'and was done once')
  t.match(await register(provider, metadata, initial.secret), { status: 401 })
})

t.test('a code whose redemption was cut is not used', async (t) => {
  const page = await browser.open(authorizationUrl(provider, client))
  const code = new URL(page.url).searchParams.get('code') ?? ''
  const { first, last } = await cutOff('refresh_families', () => redeem(provider, client, code))
  t.match(first, unavailable)
  t.equal(last.status, 200)
})

t.test('a server that never answers holds up nobody but who named it', async (t) => {
  const { privateKey } = await generateKeyPair('ES256')
  const hanging = await provider.createClient({
    grant_types: ['client_credentials'],
    redirect_uris: [],
    token_endpoint_auth_method: 'private_key_jwt',
    jwks_uri: `${web.origin}/keys`,
  })
  const assertion = await new SignJWT({ jti: randomUUID() })
    .setProtectedHeader({ alg: 'ES256', kid: 'own' })
    .setIssuer(hanging.clientId)
    .setSubject(hanging.clientId)
    .setAudience(issuer)
    .setExpirationTime(Math.floor(clock.now().getTime() / 1000) + 60)
    .sign(privateKey)
  const waiting = [
    post(
      provider,
      '/token',
      { clientId: hanging.clientId, secret: '' },
      {
        grant_type: 'client_credentials',
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
        client_assertion: assertion,
      },
    ).then(({ status }) => status),
    browser
      .open(authorizationUrl(provider, { clientId: `${web.origin}/client.json`, secret: '' }))
      .then(({ status }) => status),
  ]
  while (web.requests.length < 2) await database.query('select 1')
  const others = [
    post(provider, '/token', service, { grant_type: 'client_credentials' }),
    browser.open(authorizationUrl(provider, client)),
  ].map((answer: Promise<{ status: number }>) => answer.then(({ status }) => status))
  t.ok((await Promise.race([...waiting, ...others])) < 400, 'the others are answered first')
  t.strictSame(await Promise.all(others), [200, 303])
  web.server.closeAllConnections()
  t.strictSame(await Promise.all(waiting), [401, 400])
})
