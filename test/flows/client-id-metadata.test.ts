/** Applications that nobody has registered: a client_id that is the URL of its metadata (draft-ietf-oauth-client-id-metadata-document). */
import { decodeJwt } from 'jose'
import t from 'tap'
import {
  authorizationUrl,
  authorize,
  obtainTokens,
  post,
  redeem,
  refresh,
  startSession,
} from '../support/flow.ts'
import { createTestProvider, redirectUri } from '../support/provider.ts'
import { createUserAgent } from '../support/user-agent.ts'
import { createWebServer } from '../support/web-server.ts'

const webUri = 'https://app.example/callback'
const web = await createWebServer(t, (request, response) => {
  const path = request.url ?? ''
  if (path === '/moved.json') return response.writeHead(302, { location: '/client.json' }).end()
  if (path === '/secret.txt') return response.end('root:x:0:0')
  return response.writeHead(200, { 'content-type': 'application/json' }).end(
    JSON.stringify({
      client_id: web.origin + (path === '/impostor.json' ? '/client.json' : path),
      client_name: 'Acme Agent',
      redirect_uris: [path === '/web.json' ? webUri : redirectUri],
      skip_consent: true,
    }),
  )
})
const environment = {
  CLAVIGER_CLIENT_ID_METADATA_DOCUMENTS: 'on',
  CLAVIGER_OUTGOING_CA_FILE: web.caFile,
}
const provider = await createTestProvider(t, environment)
const { sub } = await provider.createUser()
const agent = { clientId: `${web.origin}/client.json`, secret: '' }

const metadataOf = async ({ issuer }: { issuer: string }) =>
  (await fetch(`${issuer}/.well-known/oauth-authorization-server`)).json()

t.test(
  'a person sees whose word it is, allows it, and the application gets its tokens',
  async (t) => {
    const browser = await startSession(provider, sub)
    const page = await browser.open(authorizationUrl(provider, agent))
    t.match(page.url, '/consent?', 'its own skip_consent does not count')
    t.match(page.html, 'Acme Agent')
    t.match(page.html, new RegExp(`by the word of <strong>${new URL(web.origin).host}</strong>`))

    const tokens = await obtainTokens(provider, browser, agent, { scope: 'openid offline_access' })
    t.match(decodeJwt(tokens.id_token), { aud: agent.clientId, sub })
    t.match(decodeJwt(tokens.access_token), { client_id: agent.clientId })
    t.equal((await refresh(provider, agent, tokens.refresh_token)).status, 200)
    t.strictSame(
      web.requests.map(({ path }) => path),
      ['/client.json'],
      'fetched once',
    )
  },
)

t.test(
  'only the authorization endpoint fetches: elsewhere an unknown URL is an unknown client',
  async (t) => {
    const stranger = { clientId: `${web.origin}/stranger.json`, secret: '' }
    const answer = await redeem(provider, stranger, 'some-code')
    t.match(answer, { status: 401, body: { error: 'invalid_client' } })
    t.notOk(web.requests.some(({ path }) => path === '/stranger.json'))
  },
)

t.test('an application may begin with a pushed request (RFC 9126)', async (t) => {
  const pushing = { clientId: `${web.origin}/pushing.json`, secret: '' }
  const parameters = new URL(authorizationUrl(provider, pushing)).searchParams
  const { status, body } = await post(provider, '/par', pushing, Object.fromEntries(parameters))
  t.equal(status, 201)
  const browser = await startSession(provider, sub)
  const query = new URLSearchParams({
    client_id: pushing.clientId,
    request_uri: String(body['request_uri']),
  })
  const page = await browser.open(`${provider.issuer}/authorize?${query.toString()}`)
  t.match(page.url, '/consent?')
})

t.test('a document that cannot be used is told of on our page, and nothing of it', async (t) => {
  const browser = createUserAgent(provider.issuer)
  for (const [name, words] of [
    ['moved.json', 'could not be fetched'],
    ['secret.txt', 'could not be fetched'],
    ['impostor.json', 'client_id: Give the URL'],
  ] as const) {
    const clientId = `${web.origin}/${name}`
    const page = await browser.open(authorizationUrl(provider, { clientId, secret: '' }))
    t.equal(page.status, 400, name)
    t.match(page.html, words)
    for (const answered of ['root:x', 'an answer'])
      t.notOk(page.html.includes(answered), `${name}: ${answered}`)
    t.equal(await provider.services.clients.find(clientId), undefined)
  }
  t.notOk(JSON.stringify(provider.logged).includes('root:x'))
  const details = provider.logged.map(({ detail }) => String(detail))
  t.ok(details.some((one) => one.includes('an answer of 302: redirects are not followed')))
})

t.test('only who has allowed an application something is sent to where it says', async (t) => {
  const webApp = { clientId: `${web.origin}/web.json`, secret: '' }
  const url = (changes: Record<string, string>) =>
    authorizationUrl(provider, webApp, { redirect_uri: webUri, ...changes })
  const faulty = [
    { response_type: 'token' },
    { prompt: 'none' },
    { response_mode: 'form_post.jwt', scope: 'x' },
  ]
  for (const browser of [createUserAgent(provider.issuer), await startSession(provider, sub)])
    for (const changes of faulty) {
      const page = await browser.open(url(changes))
      t.equal(page.status, 400, 'no open redirector (RFC 9700 §4.11.2)')
      t.notMatch(page.html, /app\.example/)
    }

  const browser = await startSession(provider, sub)
  const consent = await browser.open(url({}))
  t.match(
    (await browser.submit(consent, { decision: 'deny' })).url,
    `${webUri}?error=access_denied`,
  )
  t.match((await browser.submit(consent, { decision: 'allow' })).url, `${webUri}?code=`)
  t.match((await browser.open(url({ response_type: 'token' }))).url, `${webUri}?error=unsupported`)
})

t.test('a URL in another form is no client_id, and fetched by nobody', async (t) => {
  const browser = createUserAgent(provider.issuer)
  const { length } = web.requests
  for (const clientId of [`${agent.clientId}#a`, `${web.origin}/a/../client.json`, web.origin]) {
    const page = await browser.open(authorizationUrl(provider, { clientId, secret: '' }))
    t.equal(page.status, 400)
    t.match(page.html, 'names no application')
  }
  t.equal(web.requests.length, length)
})

t.test(
  'what an administrator revokes is revoked, and the application may begin anew',
  async (t) => {
    const browser = await startSession(provider, sub)
    const { refresh_token } = await obtainTokens(provider, browser, agent, {
      scope: 'openid offline_access',
    })
    await provider.services.revocations.revokeClient(agent.clientId, {
      actor: 'test',
      reason: 'a test',
    })
    provider.clock.advance(86_400)
    await authorize(provider, browser, agent)
    t.match(await refresh(provider, agent, refresh_token), { body: { error: 'invalid_grant' } })

    await provider.services.clients.disable(agent.clientId)
    provider.clock.advance(86_400)
    const page = await browser.open(authorizationUrl(provider, agent))
    t.match([page.status, page.html], [400, /names no application/])
  },
)

t.test('metadata tells of it where it is on (CIMD §5), and it is off unless set', async (t) => {
  t.match(await metadataOf(provider), { client_id_metadata_document_supported: true })
  const strict = await createTestProvider(t, { CLAVIGER_OUTGOING_CA_FILE: web.caFile })
  t.notOk('client_id_metadata_document_supported' in (await metadataOf(strict)))
  const { length } = web.requests
  const browser = createUserAgent(strict.issuer)
  const page = await browser.open(authorizationUrl(strict, agent))
  t.match([page.status, page.html], [400, /names no application/])
  const answer = await post(strict, '/token', agent, { grant_type: 'authorization_code' })
  t.match(answer.body, { error: 'invalid_client' })
  t.equal(web.requests.length, length)
})

t.test('only hosts that an administrator names, and addresses that are allowed', async (t) => {
  const { length } = web.requests
  for (const [more, words] of [
    [{ CLAVIGER_CLIENT_ID_METADATA_HOSTS: 'app.example.com' }, 'names no application'],
    [{ CLAVIGER_OUTGOING_ALLOWED_NETWORKS: 'none' }, 'could not be fetched'],
  ] as const) {
    const other = await createTestProvider(t, { ...environment, ...more })
    const page = await createUserAgent(other.issuer).open(authorizationUrl(other, agent))
    t.match([page.status, page.html], [400, words])
  }
  t.equal(web.requests.length, length)
})
