/** What anybody can make us keep or fetch without proving anything is bounded for each network. */
import t from 'tap'
import { deviceClient } from '../support/device.ts'
import {
  authorizationUrl,
  post,
  register,
  sendRegistration,
  startSession,
} from '../support/flow.ts'
import { createTestProvider, redirectUri } from '../support/provider.ts'
import { createUserAgent } from '../support/user-agent.ts'

const provider = await createTestProvider(t, {
  CLAVIGER_REGISTRATION: 'open',
  CLAVIGER_CLIENT_ID_METADATA_DOCUMENTS: 'on',
})

/** As if this network had used up what it may. */
const useUp = (kind: string) =>
  provider.database.query(`update rate_limits set points = 100000 where key like $1`, [`${kind}:%`])

const push = (client: { clientId: string; secret: string }) =>
  post(
    provider,
    '/par',
    client,
    Object.fromEntries(new URL(authorizationUrl(provider, client)).searchParams),
  )

const nameDocument = (path: string) =>
  createUserAgent(provider.issuer).open(
    authorizationUrl(provider, { clientId: `https://127.0.0.1:1/${path}`, secret: '' }),
  )

t.test('requests that public clients push, and device codes', async (t) => {
  const stranger = await provider.createClient({ token_endpoint_auth_method: 'none' })
  const television = await provider.createClient({
    ...deviceClient,
    token_endpoint_auth_method: 'none',
  })
  const { body } = await register(provider, { redirect_uris: [redirectUri] })
  const newcomer = { clientId: String(body['client_id']), secret: String(body['client_secret']) }
  t.equal((await push(stranger)).status, 201)
  await useUp('stranger')
  const tooMany = { status: 429, body: { error: 'temporarily_unavailable' } }
  t.match(await push(stranger), tooMany)
  t.match(await push(newcomer), tooMany, 'registered by itself a moment ago')
  t.match(await post(provider, '/device_authorization', television, { scope: 'openid' }), tooMany)
  t.equal((await push(await provider.createClient())).status, 201, 'who proves who it is may')
  const sub = (await provider.createUser()).sub
  const browser = await startSession(provider, sub)
  t.match((await browser.open(authorizationUrl(provider, stranger))).url, '/consent?')
})

t.test('changes of what nobody vouches for, as each is recorded', async (t) => {
  const metadata = { redirect_uris: [redirectUri] }
  const { body } = await register(provider, metadata)
  const change = () =>
    sendRegistration(String(body['registration_client_uri']), 'PUT', {
      metadata: { ...metadata, client_id: body['client_id'] },
      token: String(body['registration_access_token']),
    })
  t.equal((await change()).status, 200)
  await useUp('registration')
  const refused = await change()
  t.match(refused, { status: 429, body: { error: 'temporarily_unavailable' } })
  t.ok(Number(refused.headers.get('retry-after')) > 0)
})

t.test('documents of applications that nobody knows', async (t) => {
  t.match(await nameDocument('a'), { status: 400, html: /could not be fetched/ })
  await useUp('document')
  t.match(await nameDocument('a'), { status: 400 }, 'a refusal that is repeated costs nothing')
  t.match(await nameDocument('b'), { status: 429, html: /unknown applications/ })
})
