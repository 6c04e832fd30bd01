/** Two nodes that share nothing but Postgres: whatever begins at one goes on at the other. */
import { decodeJwt, exportJWK, generateKeyPair, SignJWT } from 'jose'
import { randomUUID } from 'node:crypto'
import t from 'tap'
import { createDpopKey } from '../support/dpop.ts'
import { deviceClient, poll, startDevice } from '../support/device.ts'
import {
  authorizationUrl,
  challenge,
  introspect,
  post,
  proceed,
  redeem,
  refresh,
  register,
  sendRegistration,
  startSession,
  toTokens,
  type Answer,
  type Fields,
  type Party,
} from '../support/flow.ts'
import { createTestProvider, redirectUri, type TestProvider } from '../support/provider.ts'
import { createUserAgent } from '../support/user-agent.ts'
import { createWebServer } from '../support/web-server.ts'

let published = 'Acme Agent'
const web = await createWebServer(t, (request, response) =>
  response.writeHead(200, { 'content-type': 'application/json' }).end(
    JSON.stringify({
      client_id: web.origin + String(request.url),
      client_name: published,
      redirect_uris: [redirectUri],
    }),
  ),
)
const environment = {
  CLAVIGER_REGISTRATION: 'token',
  CLAVIGER_CLIENT_ID_METADATA_DOCUMENTS: 'on',
  CLAVIGER_OUTGOING_CA_FILE: web.caFile,
}
const first = await createTestProvider(t, environment)
const second = await createTestProvider(t, environment, { beside: first })
const { issuer, services } = first
const { sub } = await first.createUser()

/** A node by its own address. */
const at = ({ config }: TestProvider) => ({ issuer: `http://127.0.0.1:${config.port}` })
const [here, there] = [at(first), at(second)]

/** A person behind a balancer that sends each request to the other node. */
async function signInEverywhere() {
  let count = 0
  const balance = (url: string, init?: RequestInit) => {
    const node = count++ % 2 === 0 ? there : here
    return fetch(url.replace(issuer, node.issuer), init)
  }
  const browser = createUserAgent(issuer, {}, balance as typeof fetch)
  const { cookies } = await startSession(first, sub)
  for (const [name, value] of cookies) browser.cookies.set(name, value)
  return browser
}

const browser = await signInEverywhere()

async function authorize(client: Party, changes: Fields = {}): Promise<Record<string, string>> {
  const page = await browser.open(authorizationUrl({ issuer }, client, changes))
  return Object.fromEntries(new URL((await proceed(browser, page)).url).searchParams)
}

/** Until the notification has come. */
async function until(ask: () => Promise<Answer>, status: number): Promise<Answer> {
  let answer = await ask()
  for (let asked = 0; answer.status !== status && asked < 500; asked += 1) answer = await ask()
  return answer
}

const refused = (error: string) => ({ status: 400, body: { error } })

t.test('a request pushed at one node is opened at the other, once (RFC 9126 §4)', async (t) => {
  const client = await first.createClient({ require_pushed_authorization_requests: true })
  const { body } = await post(here, '/par', client, {
    response_type: 'code',
    redirect_uri: redirectUri,
    scope: 'openid offline_access',
    code_challenge: challenge,
    code_challenge_method: 'S256',
  })
  const url = `${issuer}/authorize?client_id=${client.clientId}&request_uri=${String(body['request_uri'])}`
  const page = await proceed(browser, await browser.open(url))
  const code = new URL(page.url).searchParams.get('code') ?? ''
  const tokens = toTokens(await redeem(here, client, code))
  t.match(await redeem(there, client, code), refused('invalid_grant'))
  t.match(
    await refresh(here, client, tokens.refresh_token),
    refused('invalid_grant'),
    'the replay at the other node ended the grant',
  )
  for (const node of [here, there])
    t.equal((await fetch(url.replace(issuer, node.issuer))).status, 400, 'and it opens no more')
})

t.test('a signed request waits for a person who is served by both (RFC 9101)', async (t) => {
  const { publicKey, privateKey } = await generateKeyPair('ES256')
  const client = await first.createClient({
    jwks: { keys: [{ ...(await exportJWK(publicKey)), alg: 'ES256', kid: 'own' }] },
    require_signed_request_object: true,
  })
  const now = Math.floor(first.clock.now().getTime() / 1000)
  const request = await new SignJWT({
    response_type: 'code',
    client_id: client.clientId,
    redirect_uri: redirectUri,
    scope: 'openid',
    prompt: 'consent',
    code_challenge: challenge,
    code_challenge_method: 'S256',
  })
    .setProtectedHeader({ alg: 'ES256', kid: 'own', typ: 'oauth-authz-req+jwt' })
    .setIssuer(client.clientId)
    .setAudience(issuer)
    .setIssuedAt(now)
    .setNotBefore(now)
    .setExpirationTime(now + 60)
    .setJti(randomUUID())
    .sign(privateKey)
  const { code } = await authorize(client, { request })
  t.equal((await redeem(there, client, code)).status, 200)
})

t.test('a device polls at both nodes, and is answered once (RFC 8628 §3.5)', async (t) => {
  const client = await first.createClient(deviceClient)
  const device = await startDevice(here, client)
  t.match(await poll(there, client, device), refused('authorization_pending'))
  t.match(await poll(here, client, device), refused('slow_down'), 'its pace is one')
  const page = await browser.submit(await browser.open(`${issuer}/device`), {
    user_code: device.user_code,
  })
  await browser.submit(page, { decision: 'allow' })
  const answers = await Promise.all([here, there].map((node) => poll(node, client, device)))
  t.strictSame(new Set(answers.map(({ status }) => status)), new Set([200, 400]))
})

t.test(
  'a code that one node bound to a key is of no use to another key (RFC 9449 §10)',
  async (t) => {
    const client = await first.createClient({ skip_consent: true })
    const [key, other] = await Promise.all([createDpopKey(first), createDpopKey(first)])
    const { code } = await authorize(client, { dpop_jkt: key.jkt })
    const redeemWith = async ({ prove }: typeof key, node: typeof here) =>
      redeem(node, client, code, {}, { dpop: await prove('POST /token') })
    t.match(await redeemWith(other, here), refused('invalid_grant'))
    const again = await authorize(client, { dpop_jkt: key.jkt })
    const dpop = await key.prove('POST /token')
    t.match(await redeem(there, client, again.code, {}, { dpop }), { body: { token_type: 'DPoP' } })
  },
)

t.test('both nodes give a user the same pairwise subject (Core §8.1)', async (t) => {
  const redirect_uri = 'https://app.example/callback'
  const client = await first.createClient({
    subject_type: 'pairwise',
    skip_consent: true,
    redirect_uris: [redirect_uri],
  })
  const subjects = new Set<unknown>()
  for (const node of [here, there, here]) {
    const { code } = await authorize(client, { redirect_uri })
    const tokens = toTokens(await redeem(node, client, code, { redirect_uri }))
    subjects.add(decodeJwt(tokens.id_token).sub)
    for (const other of [here, there])
      t.match(await introspect(other, client, tokens.access_token), { active: true })
  }
  t.equal(subjects.size, 1)
  t.notOk(subjects.has(sub))
})

t.test('who registers at one node is known to the other at once (RFC 7591, 7592)', async (t) => {
  const { secret: initial } = await services.initialAccessTokens.create(
    { ttlSeconds: 600, maxUses: 3 },
    { actor: 'ada' },
  )
  const metadata = {
    redirect_uris: [redirectUri],
    grant_types: ['authorization_code', 'client_credentials'],
    scope: 'openid',
  }

  t.test('the uses of an initial access token are counted once for all', async (t) => {
    const answers = await Promise.all(
      [here, there, here, there, here].map((node) => register(node, metadata, initial)),
    )
    t.strictSame(
      answers.map(({ status }) => status).toSorted((a, b) => a - b),
      [201, 201, 201, 401, 401],
    )
  })

  t.test('a change, and an end, are heard of', async (t) => {
    const { secret: token } = await services.initialAccessTokens.create(
      { ttlSeconds: 600 },
      { actor: 'ada' },
    )
    const { body } = await register(here, metadata, token)
    const client = { clientId: String(body['client_id']), secret: String(body['client_secret']) }
    const url = String(body['registration_client_uri'])
    const access = { token: String(body['registration_access_token']) }
    const ask = (node: typeof here) => () =>
      post(node, '/token', client, { grant_type: 'client_credentials' })
    t.equal((await ask(there)()).status, 200)
    t.equal((await ask(here)()).status, 200)

    const narrower = { ...metadata, grant_types: ['authorization_code'] }
    const changed = { client_id: client.clientId, ...narrower }
    const atOther = (text: string) => text.replace(issuer, there.issuer)
    const replaced = await sendRegistration(atOther(url), 'PUT', { ...access, metadata: changed })
    t.equal(replaced.status, 200)
    t.match(await until(ask(here), 400), refused('unauthorized_client'))
    t.equal((await sendRegistration(url, 'DELETE', access)).status, 204)
    t.match(await until(ask(there), 401), { status: 401, body: { error: 'invalid_client' } })
  })

  t.test('so is a client that an administrator revokes', async (t) => {
    const client = await first.createClient({ grant_types: ['client_credentials'] })
    const ask = () => post(there, '/token', client, { grant_type: 'client_credentials' })
    t.equal((await ask()).status, 200)
    await services.clients.disable(client.clientId)
    t.equal((await until(ask, 401)).status, 401)
  })
})

t.test('a document fetched by one node serves both, and its successor too', async (t) => {
  const agent = { clientId: `${web.origin}/client.json`, secret: '' }
  const nameAt = async (node: typeof here) => {
    const { cookies } = browser
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const response = await fetch(authorizationUrl(node, agent), { headers: { cookie } })
    return /Acme \w+/.exec(await response.text())?.[0]
  }
  t.equal(await nameAt(here), 'Acme Agent')
  t.equal(await nameAt(there), 'Acme Agent')
  t.equal(web.requests.length, 1)
  published = 'Acme Helper'
  first.clock.advance(3601)
  t.equal(await nameAt(there), 'Acme Helper')
  let name = await nameAt(here)
  for (let asked = 0; name !== published && asked < 500; asked += 1) name = await nameAt(here)
  t.equal(name, published)
})

t.test('strangers are counted together', async (t) => {
  const [one, other] = [first, second].map((node) => node.services.rateLimits)
  const ask = (limits = one!) => limits.registration('192.0.2.1')
  const verdicts = await Promise.all(
    Array.from({ length: 102 }, (_, index) => ask(index % 2 === 0 ? one : other)),
  )
  t.equal(verdicts.filter(({ allowed }) => allowed).length, 100)
  t.match(await ask(other), { allowed: false })
})
