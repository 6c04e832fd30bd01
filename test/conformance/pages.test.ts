/** What the suite's browser asks of our pages: plain forms, names that stay, and words that tell the pages apart. */
import t from 'tap'
import { person } from './plan/seed.ts'
import { encode } from '../support/flow.ts'
import { visibleText } from '../support/suite-browser.ts'
import { createSuite } from '../support/suite.ts'
import { formOf, type Page } from '../support/user-agent.ts'

const suite = await createSuite(t)
const { issuer, addresses } = suite
const { client } = suite.clients
const request = {
  client_id: client.clientId,
  redirect_uri: addresses.callback,
  response_type: 'code',
  scope: 'openid',
  state: 'the state',
  nonce: 'the nonce',
}
const authorizeUrl = (changes: Record<string, string> = {}) =>
  `${issuer}/authorize?${encode({ ...request, ...changes }).toString()}`

const asPerson = { username: person.email, password: person.password }

/** Every page that a person may meet, as a browser that is led through them sees it. */
async function meetPages() {
  const { agent } = suite.begin(t, 'pages').browser
  const login = await agent.open(authorizeUrl())
  const consent = await agent.submit(login, asPerson)
  await agent.submit(consent, { decision: 'allow' })
  const formPost = await agent.open(authorizeUrl({ response_mode: 'form_post' }))
  const redirectUriError = await agent.open(authorizeUrl({ redirect_uri: 'https://other.example' }))
  const invalidRequest = await agent.open(authorizeUrl({ client_id: 'nobody' }))
  const logoutError = await agent.open(`${issuer}/logout?id_token_hint=nonsense`)
  const confirm = await agent.open(`${issuer}/logout`)
  const signedOut = await agent.submit(confirm, { decision: 'yes' })
  const errors = { redirectUriError, invalidRequest, logoutError }
  return { login, consent, formPost, ...errors, confirm, signedOut }
}

const pages = await meetPages()
const { login, consent, formPost, redirectUriError, invalidRequest } = pages
const { logoutError, confirm, signedOut } = pages

const ids = ({ html }: Page) =>
  [...html.matchAll(/<(?:input|button) [^>]*\bid="([^"]*)"/g)].map(([, id]) => id)
const addressOf = ({ url }: Page) => url.slice(issuer.length).replace(/\?.*/, '')

t.test('1. every page but the one that posts itself works without a script', async (t) => {
  for (const [name, { html }] of Object.entries(pages)) {
    t.notMatch(html, / on[a-z]+="/, name)
    if (name !== 'formPost') t.notMatch(html, /<script/, name)
  }
  for (const page of [login, consent, confirm]) {
    t.match(page, { html: /<form method="post" action="\// })
    t.match(page, { html: /<button [^>]*type="submit"/ })
  }
})

t.test('2. fields and buttons have ids that stay', async (t) => {
  t.strictSame(ids(login), ['username', 'password', 'submit', 'cancel'])
  t.strictSame(ids(consent), ['approve', 'deny'])
  t.strictSame(ids(confirm), ['logout-yes', 'logout-no'])
})

t.test('2. fapi2-security-profile-final-user-rejects-authentication: one click', async (t) => {
  const name = 'fapi2-security-profile-final-user-rejects-authentication'
  const { fields } = await suite.begin(t, name).authorize()
  t.equal(fields['error'], 'access_denied')

  const { agent } = suite.begin(t, 'pages').browser
  const asked = authorizeUrl({ prompt: 'consent' })
  const asking = await agent.submit(await agent.open(asked), asPerson)
  const refused = await agent.submit(asking, { decision: 'deny' })
  t.match(new URL(refused.url).search, /^\?error=access_denied&/)
})

t.test('3. each kind of page has an address of its own', async (t) => {
  t.strictSame(Object.values(pages).map(addressOf), [
    '/login',
    '/consent',
    '/authorize',
    '/authorize',
    '/authorize',
    '/logout',
    '/logout',
    '/logged-out',
  ])
})

t.test('4. each kind of page has words that tell it from the others', async (t) => {
  const words: [Page, RegExp][] = [
    [login, /Sign in/],
    [consent, /Allow access\?/],
    [redirectUriError, /Redirect URI error/],
    [invalidRequest, /Invalid request/],
    [logoutError, /Logout error/],
    [confirm, /Sign out\?/],
    [signedOut, /You are signed out/],
  ]
  for (const [page, word] of words)
    t.strictSame(
      words.filter(([other]) => word.test(visibleText(other))).map(([{ url }]) => url),
      [page.url],
      String(word),
    )
})

t.test('5. an error that nobody can be sent to is a page at the endpoint itself', async (t) => {
  for (const page of [redirectUriError, invalidRequest]) {
    t.equal(page.status, 400)
    t.match(page.headers.get('content-type'), /^text\/html/)
    t.equal(page.headers.get('location'), null)
  }
})

t.test('6. the page of form_post posts itself, in a script of old, or by a button', async (t) => {
  const { html } = formPost
  t.strictSame(html.match(/<script>(.*?)<\/script>/)?.[1], 'document.forms[0].submit()')
  t.match(html, /<noscript><button type="submit"[^>]*>/)
  t.equal(html.match(/<form/g)?.length, 1)
  const { action, fields } = formOf(formPost)
  t.equal(action, addresses.callback)
  t.match(fields, { code: String, state: 'the state', iss: issuer })
})

t.test('7. redirects are 302 or 303', async (t) => {
  const { agent } = suite.begin(t, 'pages').browser
  const signIn = await suite.fetch(authorizeUrl())
  t.equal(signIn.status, 303)
  t.match(signIn.headers.get('location'), /^\/login\?/)
  t.equal((await agent.open(authorizeUrl({ prompt: 'none' }))).status, 303)
})
