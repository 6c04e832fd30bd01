/** What the authorization of the Model Context Protocol (revision 2026-07-28) asks of an authorization server, sentence by sentence. */
import { decodeJwt } from 'jose'
import t from 'tap'
import {
  authorizationUrl,
  authorize,
  obtainTokens,
  redeem,
  refresh,
  register,
  startSession,
  userinfo,
} from '../support/flow.ts'
import { createTestProvider, redirectUri } from '../support/provider.ts'
import { createWebServer } from '../support/web-server.ts'

const notes = 'https://mcp.example.com/mcp'
const weather = 'https://weather.example.com/mcp'
const scope = 'notes:read offline_access'

const web = await createWebServer(t, (request, response) => {
  const document = {
    client_id: web.origin + (request.url === '/impostor.json' ? '/agent.json' : request.url),
    client_name: 'Acme Agent',
    client_uri: web.origin,
    redirect_uris: ['http://127.0.0.1:3000/callback', 'http://localhost:3000/callback'],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    token_endpoint_auth_method: 'none',
  }
  const { redirect_uris: _, ...incomplete } = document
  const body = request.url === '/incomplete.json' ? incomplete : document
  response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'max-age=600' })
  response.end(request.url === '/broken.json' ? '{' : JSON.stringify(body))
})
const provider = await createTestProvider(t, {
  CLAVIGER_CLIENT_ID_METADATA_DOCUMENTS: 'on',
  CLAVIGER_OUTGOING_CA_FILE: web.caFile,
  CLAVIGER_REGISTRATION: 'open',
  CLAVIGER_REGISTRATION_SCOPES: 'openid offline_access notes:read notes:write',
})
const { issuer, services } = provider
const { sub } = await provider.createUser()
const browser = await startSession(provider, sub)
await services.resources.create({
  resource: notes,
  name: 'Notes',
  scopes: ['notes:read', 'notes:write'],
})
await services.resources.create({ resource: weather, name: 'Weather', scopes: ['weather'] })
const client = await provider.createClient({ profile: 'mcp', scope: `${scope} notes:write` })
const confidential = await provider.createClient({
  profile: 'mcp',
  scope,
  token_endpoint_auth_method: 'client_secret_basic',
})

const openid = await provider.createClient({ scope: 'openid notes:read' })

const fetched = () => web.requests.filter(({ path }) => path === '/agent.json').length

const metadataAt = async (url: string) => {
  const response = await fetch(url)
  t.match(response.headers.get('content-type'), 'application/json', url)
  return (await response.json()) as Record<string, unknown>
}
const oauthMetadata = `${issuer}/.well-known/oauth-authorization-server`
const openidMetadata = `${issuer}/.well-known/openid-configuration`

t.test('Overview 1: MUST implement OAuth 2.1 for confidential and public clients', async (t) => {
  for (const party of [client, confidential]) {
    const tokens = await obtainTokens(provider, browser, party, { scope, resource: notes })
    t.match(decodeJwt(tokens.access_token), { aud: notes, scope, client_id: party.clientId })
  }
  const { grant_types_supported: grants, response_types_supported: types } =
    await metadataAt(oauthMetadata)
  t.strictSame(types, ['code'], 'no implicit grant')
  t.notOk([grants].flat().includes('password'))
})

t.test('Overview 5: MUST provide RFC 8414 metadata or OpenID Connect Discovery', async (t) => {
  t.match(await metadataAt(oauthMetadata), { issuer, registration_endpoint: `${issuer}/register` })
  t.strictSame(await metadataAt(openidMetadata), await metadataAt(oauthMetadata))
})

t.test(
  'Discovery: an issuer with a path is found by path insertion and by appending',
  async (t) => {
    const { origin } = new URL(issuer)
    const tenant = await createTestProvider(t, { ISSUER: `${origin}/tenant1` })
    const here = `http://127.0.0.1:${tenant.config.port}`
    for (const path of [
      '/.well-known/oauth-authorization-server/tenant1',
      '/tenant1/.well-known/openid-configuration',
    ])
      t.equal((await metadataAt(here + path))['issuer'], tenant.issuer)
  },
)

t.test('Authorization Response Validation: iss SHOULD be in all responses', async (t) => {
  t.match(await authorize(provider, browser, client, { scope, resource: notes }), { iss: issuer })
  const error = { error: 'invalid_scope', iss: issuer }
  t.match(await authorize(provider, browser, client, { scope: 'weather' }), error)
})

t.test('… and MUST be advertised then', async (t) => {
  t.match(await metadataAt(oauthMetadata), { authorization_response_iss_parameter_supported: true })
})

t.test('Resource Parameter: in the authorization and the token request', async (t) => {
  const { code } = await authorize(provider, browser, client, { scope, resource: notes })
  const { status, body } = await redeem(provider, client, code, { resource: notes })
  t.equal(status, 200)
  t.equal(decodeJwt(String(body['access_token'])).aud, notes)
  const rotated = await refresh(provider, client, String(body['refresh_token']), {
    resource: notes,
  })
  t.equal(decodeJwt(String(rotated.body['access_token'])).aud, notes)
})

t.test('Token Audience Binding: a token is for no server that was not asked for', async (t) => {
  const { code } = await authorize(provider, browser, client, { scope, resource: notes })
  const beyond = await redeem(provider, client, code, { resource: weather })
  t.match(beyond, { status: 400, body: { error: 'invalid_target' } })
  for (const resource of ['https://unknown.example/mcp', `${notes}#fragment`, 'mcp.example.com'])
    t.match(await authorize(provider, browser, client, { scope, resource }), {
      error: 'invalid_target',
    })
})

t.test('Token Handling: a token for an MCP server is none for this server itself', async (t) => {
  const asked = { scope: 'openid notes:read', resource: notes }
  const { access_token } = await obtainTokens(provider, browser, openid, asked)
  const { status, headers } = await userinfo(provider, access_token)
  t.equal(status, 401)
  t.match(headers.get('www-authenticate'), 'for another audience')
})

t.test('Refresh Tokens: who asks for offline_access, which is advertised, gets one', async (t) => {
  const { scopes_supported: scopes } = await metadataAt(oauthMetadata)
  t.ok([scopes].flat().includes('offline_access'))
  const without = await obtainTokens(provider, browser, client, { scope: 'notes:read' })
  t.notOk('refresh_token' in without)
})

t.test('Token Theft: MUST rotate the refresh tokens of public clients', async (t) => {
  const first = await obtainTokens(provider, browser, client, { scope, resource: notes })
  const second = await refresh(provider, client, first.refresh_token)
  t.not(second.body['refresh_token'], first.refresh_token)
  const third = await refresh(provider, client, String(second.body['refresh_token']))
  t.equal(third.status, 200)
  const reuse = await refresh(provider, client, first.refresh_token)
  t.match(reuse, { status: 400, body: { error: 'invalid_grant' } })
})

t.test('Token Theft: SHOULD issue short-lived access tokens', async (t) => {
  const { access_token } = await obtainTokens(provider, browser, client, { scope, resource: notes })
  const { exp = 0, iat = 0 } = decodeJwt(access_token)
  t.ok(exp - iat <= 600)
})

t.test('Authorization Code Protection: PKCE with S256, advertised in both documents', async (t) => {
  for (const url of [oauthMetadata, openidMetadata])
    t.strictSame((await metadataAt(url))['code_challenge_methods_supported'], ['S256'])
  for (const party of [client, confidential])
    for (const changes of [
      { code_challenge: undefined, code_challenge_method: undefined },
      { code_challenge_method: 'plain' },
    ])
      t.match(await authorize(provider, browser, party, { scope, ...changes }), {
        error: 'invalid_request',
      })
})

t.test('Open Redirection: MUST validate exact redirect URIs', async (t) => {
  for (const redirect_uri of [`${redirectUri}/`, `${redirectUri}?a=b`, 'https://evil.example/']) {
    const page = await browser.open(authorizationUrl(provider, client, { scope, redirect_uri }))
    t.match([page.status, new URL(page.url).origin], [400, issuer])
  }
})

t.test('Communication Security: redirect URIs MUST be localhost or https', async (t) => {
  for (const uri of ['http://app.example.com/callback', 'javascript:alert(1)'])
    t.match(await register(provider, { redirect_uris: [uri] }), {
      status: 400,
      body: { error: 'invalid_redirect_uri' },
    })
})

t.test('Dynamic Client Registration: MAY be supported, as MCP clients ask for it', async (t) => {
  const answer = await register(provider, {
    client_name: 'Acme Agent',
    redirect_uris: ['http://127.0.0.1/callback'],
    application_type: 'native',
    grant_types: ['authorization_code', 'refresh_token'],
    token_endpoint_auth_method: 'none',
    scope: 'notes:read',
  })
  t.equal(answer.status, 201)
  const agent = { clientId: String(answer.body['client_id']), secret: '' }
  t.notOk('client_secret' in answer.body)

  await t.test('Scope Challenge Handling: it may come back for more, and is asked', async (t) => {
    const redirect_uri = 'http://127.0.0.1:33418/callback'
    const first = { scope: 'notes:read', resource: notes, redirect_uri }
    t.match(await authorize(provider, browser, agent, first), { iss: issuer })
    const more = { ...first, scope: 'notes:read notes:write' }
    const page = await browser.open(authorizationUrl(provider, agent, more))
    t.match(page.url, '/consent?')
    const { code } = await authorize(provider, browser, agent, more)
    const { body } = await redeem(provider, agent, code, { redirect_uri })
    t.equal(body['scope'], 'notes:read notes:write')
  })

  await t.test('… but only for what CLAVIGER_REGISTRATION_SCOPES says', async (t) => {
    const beyond = { scope: 'weather', redirect_uri: 'http://127.0.0.1/callback' }
    t.match(await authorize(provider, browser, agent, beyond), { error: 'invalid_scope' })
  })
})

t.test('Client ID Metadata Documents: SHOULD be supported', async (t) => {
  const agent = { clientId: `${web.origin}/agent.json`, secret: '' }
  const request = { scope, resource: notes, redirect_uri: 'http://127.0.0.1:3000/callback' }

  await t.test('Advertising CIMD Support', async (t) => {
    t.match(await metadataAt(oauthMetadata), { client_id_metadata_document_supported: true })
  })

  await t.test('SHOULD fetch the document of a client_id that is a URL', async (t) => {
    const { code } = await authorize(provider, browser, agent, request)
    const { redirect_uri } = request
    const { status, body } = await redeem(provider, agent, code, { redirect_uri, resource: notes })
    t.equal(status, 200)
    t.match(decodeJwt(String(body['access_token'])), { client_id: agent.clientId, aud: notes })
    t.equal((await refresh(provider, agent, String(body['refresh_token']))).status, 200)
  })

  await t.test('Scope Challenge Handling: it may come back for more', async (t) => {
    const more = { ...request, scope: 'notes:read notes:write offline_access' }
    t.match(await authorize(provider, browser, agent, more), { iss: issuer, code: /./ })
    const beyond = { ...request, scope: 'weather' }
    t.match(await authorize(provider, browser, agent, beyond), { error: 'invalid_scope' })
  })

  await t.test('SHOULD cache it as its HTTP headers say', async (t) => {
    t.equal(fetched(), 1)
    provider.clock.advance(601)
    await browser.open(authorizationUrl(provider, agent, request))
    t.equal(fetched(), 2)
  })

  await t.test('MUST validate client_id, required fields and redirect URI', async (t) => {
    for (const [path, changes] of [
      ['/impostor.json', {}],
      ['/incomplete.json', {}],
      ['/broken.json', {}],
      ['/agent.json', { redirect_uri: 'https://evil.example/callback' }],
    ] as const) {
      const party = { clientId: web.origin + path, secret: '' }
      const asked = { ...request, ...changes }
      const page = await browser.open(authorizationUrl(provider, party, asked))
      t.match([page.status, new URL(page.url).origin], [400, issuer], path)
    }
  })

  await t.test('Localhost Redirect URI Risks: the hostname, and a warning', async (t) => {
    const page = await browser.open(authorizationUrl(provider, agent, request))
    t.match(page.html, 'Takes you back to <strong>127.0.0.1:3000</strong>')
    t.match(page.html, `by the word of <strong>${new URL(web.origin).host}</strong>`)
    t.match(page.html, 'Any app on this device can pretend to be this one')
  })
})
