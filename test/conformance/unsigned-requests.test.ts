/** The Basic OP's modules about unsigned request objects: refused in a way that the suite takes for unsupported. */
import { UnsecuredJWT } from 'jose'
import t from 'tap'
import { authorizationUrl, authorize, signIn } from '../support/flow.ts'
import { createTestProvider, redirectUri } from '../support/provider.ts'

const provider = await createTestProvider(t)
const { issuer } = provider
await provider.createUser()
const client = await provider.createClient({ skip_consent: true })
const browser = await signIn(provider)
const unsigned = (claims: object) =>
  new UnsecuredJWT({ client_id: client.clientId, response_type: 'code', ...claims }).encode()

t.test('discovery lists algorithms of request objects, and none is not one of them', async (t) => {
  const response = await fetch(`${issuer}/.well-known/openid-configuration`)
  const { request_object_signing_alg_values_supported: algorithms } =
    (await response.json()) as Record<string, string[]>
  t.ok(algorithms?.includes('RS256'))
  t.notOk(algorithms?.includes('none'))
})

t.test(
  'oidcc-unsigned-request-object-supported-correctly-or-rejected-as-unsupported: not ignored',
  async (t) => {
    const request = unsigned({ redirect_uri: redirectUri, state: 'inside' })
    const page = await browser.open(authorizationUrl(provider, client, { request }))
    t.match(page, { status: 400, html: /Error <code>invalid_request_object</ })
  },
)

t.test(
  'oidcc-request-uri-unsigned-supported-correctly-or-rejected-as-unsupported: told the client',
  async (t) => {
    const request_uri = 'https://client.example/request.jwt'
    const answer = await authorize(provider, browser, client, { request_uri })
    t.match(answer, { error: 'request_uri_not_supported', state: 'the state' })
  },
)

t.test('oidcc-ensure-request-object-with-redirect-uri: an error page', async (t) => {
  const request = unsigned({ redirect_uri: redirectUri })
  const redirect_uri = `${redirectUri}/wrong`
  const page = await browser.open(authorizationUrl(provider, client, { request, redirect_uri }))
  t.equal(page.status, 400)
  t.ok(page.url.startsWith(`${issuer}/authorize?`), 'nobody is sent anywhere')
})
