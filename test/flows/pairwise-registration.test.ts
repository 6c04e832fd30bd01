/** Clients that register pairwise subjects (OpenID Connect Registration §2, §5), by themselves or by an administrator. */
import { decodeJwt } from 'jose'
import t from 'tap'
import { deviceCodeGrant } from '../../src/protocol/grant-types.ts'
import { seed } from '../../src/services/seed.ts'
import { answerDevice, deviceClient, poll, startDevice } from '../support/device.ts'
import {
  obtainTokens,
  register,
  sendRegistration,
  startSession,
  toTokens,
} from '../support/flow.ts'
import { createTestProvider, redirectUri } from '../support/provider.ts'
import { createWebServer } from '../support/web-server.ts'

const documents: Record<string, unknown> = {
  '/good': [redirectUri, 'https://app.example/cb'],
  '/bad': ['https://app.example/cb'],
  '/object': { redirect_uris: [redirectUri] },
}
const web = await createWebServer(t, (request, response) => {
  const document = documents[request.url ?? '']
  const headers = { 'content-type': 'application/json' }
  response.writeHead(document ? 200 : 404, headers).end(JSON.stringify(document))
})
const sector = (path: string) => ({
  subject_type: 'pairwise',
  sector_identifier_uri: web.origin + path,
})

const provider = await createTestProvider(t, {
  CLAVIGER_OUTGOING_CA_FILE: web.caFile,
  CLAVIGER_REGISTRATION: 'open',
})
const user = await provider.createUser()
const redirect_uris = [redirectUri]
const ofHost = { redirect_uris: ['https://app.example/cb'], subject_type: 'pairwise' }

const requests = () => web.requests.splice(0).length

t.test('a sector that lists the redirect URIs (oidcc-registration-sector-uri)', async (t) => {
  const answer = await register(provider, { redirect_uris, ...sector('/good') })
  t.match(answer, { status: 201, body: sector('/good') })
  t.equal(requests(), 1)
  const client = {
    clientId: String(answer.body['client_id']),
    secret: String(answer.body['client_secret']),
  }
  const browser = await startSession(provider, user.sub)
  const { id_token } = await obtainTokens(provider, browser, client)
  const { sub } = decodeJwt(id_token)
  t.match(sub, /^[\w-]{43}$/)
  const sibling = await provider.createClient({ redirect_uris, ...sector('/good') })
  t.equal(decodeJwt((await obtainTokens(provider, browser, sibling)).id_token).sub, sub)
})

t.test('a sector that does not (oidcc-registration-sector-bad)', async (t) => {
  for (const [path, about] of [
    ['/bad', redirectUri],
    ['/object', 'JSON array'],
    ['/none', 'JSON array'],
  ] as const) {
    const { status, body } = await register(provider, { redirect_uris, ...sector(path) })
    t.match({ status, body }, { status: 400, body: { error: 'invalid_client_metadata' } })
    t.match(body['error_description'], about)
    t.notMatch(body['error_description'], '404', 'what can be reached from here is not told')
  }
  const { sector_identifier_uri } = sector('/bad')
  t.match(await register(provider, { redirect_uris, sector_identifier_uri }), { status: 400 })
  const many = ['https://app.example/cb', 'https://other.example/cb']
  const { status, body } = await register(provider, { ...ofHost, redirect_uris: many })
  t.match({ status, body }, { status: 400, body: { error: 'invalid_client_metadata' } })
  t.match(body['error_description'], 'sector_identifier_uri')
})

t.test('a device could take the subjects of any sector', async (t) => {
  const grant_types = ['authorization_code', deviceCodeGrant]
  const { status, body } = await register(provider, { ...ofHost, grant_types })
  t.match({ status, body }, { status: 400, body: { error: 'invalid_client_metadata' } })
  t.match(body['error_description'], 'Only an administrator')

  const client = await provider.createClient({ ...deviceClient, ...sector('/good') })
  const device = await startDevice(provider, client)
  const browser = await startSession(provider, user.sub)
  await answerDevice(provider, browser, device)
  const tokens = toTokens(await poll(provider, client, device))
  const { sub } = decodeJwt(tokens.id_token)
  t.match(sub, /^[\w-]{43}$/)
  t.match(await provider.services.accounts.findBySubject(String(sub)), { sub: user.sub })
})

t.test('a client cannot become a stranger to its users (RFC 7592 §2.2)', async (t) => {
  const answer = await register(provider, ofHost)
  const { registration_client_uri: url, registration_access_token: token } = answer.body
  const { client_id } = answer.body
  const replace = (metadata: object) =>
    sendRegistration(String(url), 'PUT', {
      metadata: { client_id, ...metadata },
      token: String(token),
    })
  for (const metadata of [
    { redirect_uris: ofHost.redirect_uris },
    { ...ofHost, subject_type: 'public' },
    { ...ofHost, redirect_uris: ['https://other.example/cb'] },
    { ...ofHost, ...sector('/good') },
  ]) {
    const { status, body } = await replace(metadata)
    t.match({ status, body }, { status: 400, body: { error: 'invalid_client_metadata' } })
    t.match(body['error_description'], 'subject_type: ')
  }
  requests()
  t.match(await replace({ ...ofHost, redirect_uris: ['https://app.example/new'] }), { status: 200 })
  t.match(await replace({ ...ofHost, sector_identifier_uri: 'https://app.example/' }), {
    status: 400,
  })

  const open = await register(provider, { redirect_uris })
  const become = await sendRegistration(String(open.body['registration_client_uri']), 'PUT', {
    metadata: { client_id: open.body['client_id'], redirect_uris, ...sector('/good') },
    token: String(open.body['registration_access_token']),
  })
  t.equal(become.status, 400, 'nor one that was public')
  t.equal(requests(), 0)
})

t.test('an administrator is told more, and asked less', async (t) => {
  const { clients } = provider.services
  await t.rejects(provider.createClient({ redirect_uris, ...sector('/none') }), {
    name: 'Refusal',
    message: /could not be read\. .*404/,
  })
  await t.rejects(provider.createClient({ redirect_uris, ...sector('/bad') }), {
    name: 'Refusal',
    message: redirectUri,
  })
  const { clientId } = await provider.createClient({ redirect_uris, ...sector('/good') })
  requests()
  await clients.update(clientId, { client_name: 'New' })
  await clients.rotateSecret(clientId)
  t.equal(requests(), 0, 'the sector may be down meanwhile')
  await t.rejects(clients.update(clientId, { redirect_uris: ['https://new.example/cb'] }), {
    message: /new\.example/,
  })
  await t.rejects(clients.update(clientId, sector('/bad')), { name: 'Refusal' })
  t.match((await clients.find(clientId))?.metadata, { redirect_uris, ...sector('/good') })
  await clients.update(clientId, { redirect_uris: ['https://app.example/cb'] })
  await t.rejects(clients.update('nobody', {}), { name: 'Refusal', message: /nobody/ })
})

t.test('a seed is refused as a whole for a sector that is wrong', async (t) => {
  const { config, database, clock } = provider
  const client = { client_id: 'seeded', redirect_uris }
  const run = (path: string) =>
    seed(
      { config, database, clock },
      { clients: [{ ...client, ...sector(path) }] },
      { actor: 'ada' },
    )
  await t.rejects(run('/bad'), { name: 'Refusal', message: /clients\[0\].*lacks the redirect URI/ })
  t.match(await run('/good'), [{ change: 'created' }])
  t.match(await run('/good'), [{ change: 'updated' }])
})
