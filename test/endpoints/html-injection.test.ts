/** Whatever others chose stands on our pages as text, never as markup: names, hints, what was typed, what was sent. */
import t, { type Test } from 'tap'
import { authorizationUrl, encode } from '../support/flow.ts'
import { createTestProvider, password, redirectUri } from '../support/provider.ts'
import { createUserAgent, formOf, type Page } from '../support/user-agent.ts'

const payload = `"'><img src=x onerror=alert(1)><script>alert(1)</script>`
const escaped = /&quot;(?:'|&#39;)(?:>|&gt;)&lt;img src=x onerror=alert\(1\)(?:>|&gt;)&lt;script/
/** Scopes, resource names in descriptions and the like cannot hold spaces or quotes. */
const spaceless = `'><svg/onload=alert(1)>`

const provider = await createTestProvider(t)
const { issuer, services } = provider
await services.resources.create({
  resource: 'https://api.example',
  name: payload,
  scopes: ['openid', spaceless],
})
const username = `${spaceless}<script>alert(1)</script>`
await provider.createUser({ username, email: undefined })
const client = await provider.createClient({
  client_name: payload,
  scope: `openid profile ${spaceless}`,
  post_logout_redirect_uris: [redirectUri],
})

/** On the page, and nowhere as markup; were it to slip through, the policy would still run no script. */
function checkEscaped(t: Test, page: Page, about: string, pattern = escaped): void {
  t.match(page.html, pattern, `${about}: shown`)
  t.notMatch(page.html, /<img src=x|<script>alert|<svg\/onload/i, `${about}: as text`)
  t.match(page.headers.get('content-security-policy'), /^default-src 'none'/, about)
  t.notMatch(page.headers.get('content-security-policy'), /unsafe|script-src (?!'sha256)/, about)
  t.equal(page.headers.get('x-content-type-options'), 'nosniff', about)
}

const browser = createUserAgent(issuer)
const url = (changes = {}) => authorizationUrl(provider, client, changes)

t.test('client_name, login_hint and what was typed, on the login page', async (t) => {
  const page = await browser.open(url({ login_hint: payload }))
  checkEscaped(t, page, 'client_name')
  checkEscaped(t, page, 'login_hint', new RegExp(`value="${escaped.source}`))
  const again = await browser.submit(page, { username: payload, password: payload })
  t.equal(again.status, 401)
  checkEscaped(t, again, 'username', new RegExp(`value="${escaped.source}`))
  t.equal(again.html.match(/onerror/g)?.length, page.html.match(/onerror/g)?.length, 'no password')
})

t.test('client_name, username, scopes and resource names, on the consent page', async (t) => {
  const scope = `openid ${spaceless}`
  const login = await browser.open(url({ scope, resource: 'https://api.example' }))
  const consent = await browser.submit(login, { username, password })
  t.match(consent.url, '/consent?')
  checkEscaped(t, consent, 'client_name')
  checkEscaped(t, consent, 'resource', new RegExp(`Use.*${escaped.source}.*on your behalf`))
  checkEscaped(t, consent, 'scope', /<code>(?:'|&#39;)(?:>|&gt;)&lt;svg\/onload/)
  checkEscaped(t, consent, 'username', /Signed in as.*&lt;svg\/onload.*&lt;script/)
  await browser.submit(consent, { decision: 'allow' })
})

t.test('the username, on the start page', async (t) => {
  checkEscaped(t, await browser.open(`${issuer}/`), 'username', /&lt;svg\/onload.*&lt;script/)
})

t.test('state and error_description, on the page that posts them to the client', async (t) => {
  const page = await browser.open(url({ response_mode: 'form_post', state: payload }))
  checkEscaped(t, page, 'state', new RegExp(`name="state" value="${escaped.source}`))
  t.equal(formOf(page).fields['state'], payload)
  t.equal(page.html.match(/<script>/g)?.length, 1, 'our own script')

  const twice = `${url({ response_mode: 'form_post', state: payload })}&${encode({ [payload]: ['1', '2'] }).toString()}`
  const refused = await browser.open(twice)
  checkEscaped(t, refused, 'state of an error', new RegExp(`name="state" value="${escaped.source}`))
  t.match(formOf(refused).fields['error_description'], '<script>alert(1)</script>')
})

t.test('what a logout request carries on', async (t) => {
  const request = {
    client_id: client.clientId,
    post_logout_redirect_uri: redirectUri,
    state: payload,
  }
  const page = await browser.open(`${issuer}/logout?${encode(request).toString()}`)
  checkEscaped(t, page, 'client_name', new RegExp(`<bdi>${escaped.source}`))
  checkEscaped(t, page, 'state', new RegExp(`name="state" value="${escaped.source}`))
  checkEscaped(t, page, 'username', /signed in as.*&lt;svg\/onload.*&lt;script/)
  t.equal(formOf(page).fields['state'], payload)
})

t.test('the name of a repeated parameter, on the error page', async (t) => {
  const page = await browser.open(
    `${issuer}/logout?${encode({ [payload]: ['1', '2'] }).toString()}`,
  )
  t.equal(page.status, 400)
  checkEscaped(t, page, 'parameter', /(?:'|&#39;)(?:>|&gt;)&lt;img src=x onerror/)
})

t.test('neither a path nor an unknown value is repeated at all', async (t) => {
  const path = encodeURIComponent(payload)
  for (const address of [
    `${issuer}/${path}`,
    `${issuer}/login?request=${path}`,
    `${issuer}/consent?request=${path}`,
    `${issuer}/logout?client_id=${path}`,
    `${issuer}/logout?id_token_hint=${path}`,
    `${issuer}/authorize?client_id=${path}`,
    url({ redirect_uri: payload }),
  ]) {
    const page = await browser.open(address)
    t.ok(page.status >= 400, address)
    t.notMatch(page.html, 'onerror', address)
  }
})

t.test('a logo, policy or terms address that would run script cannot be registered', async (t) => {
  for (const member of ['logo_uri', 'policy_uri', 'tos_uri', 'client_uri'])
    for (const uri of ['javascript:alert(1)', 'data:text/html,x', `https://x.example/${payload}`])
      await t.rejects(provider.createClient({ [member]: uri }), { name: 'Refusal' }, member)
})
