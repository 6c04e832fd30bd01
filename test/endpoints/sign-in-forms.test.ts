/** The forms of login, consent and logout: from our own page in this browser, or they do nothing. */
import t, { type Test } from 'tap'
import { authorizationUrl, encode, signIn } from '../support/flow.ts'
import {
  createTestProvider,
  password,
  redirectUri,
  type TestProvider,
} from '../support/provider.ts'
import { sendForm } from '../support/raw-http.ts'
import { checkPageRefusal } from '../support/refusals.ts'
import { tableContents } from '../support/table-contents.ts'
import { createUserAgent, formOf } from '../support/user-agent.ts'
import { cookieHeader } from './routes.ts'

const username = 'alice@example.com'

async function setUp(t: Test) {
  const provider = await createTestProvider(t)
  await provider.createUser()
  const client = await provider.createClient({ post_logout_redirect_uris: [redirectUri] })
  return { provider, client, open: () => openLogin(provider) }
}

/** A new browser on the login page, and what its form sends. */
async function openLogin({ issuer }: TestProvider) {
  const browser = createUserAgent(issuer)
  const { fields } = formOf(await browser.open(`${issuer}/login`))
  return { browser, fields, cookie: cookieHeader(browser) }
}

type Headers = Record<string, string>

const post = ({ issuer }: TestProvider, path: string, fields: object, headers: Headers) =>
  sendForm(issuer, path, encode({ ...fields }).toString(), headers)

const crossSite: [string, Headers][] = [
  ['another origin', { origin: 'https://evil.example' }],
  ['a hidden origin', { origin: 'null' }],
  ['our host by another scheme', { origin: 'https://127.0.0.1' }],
  ['a cross-site request', { 'sec-fetch-site': 'cross-site' }],
  ['a request from a sister site', { 'sec-fetch-site': 'same-site' }],
]

t.test('a login form that is not our own', async (t) => {
  const { provider, open } = await setUp(t)
  const { browser, fields, cookie } = await open()
  const stranger = await open()
  await signIn(provider, browser)
  const logout = formOf(await browser.open(`${provider.issuer}/logout`)).fields
  const entered = { ...fields, username, password }
  const forged: [string, object, Headers][] = [
    ['without its token', { ...entered, csrf: undefined }, { cookie }],
    ['with an empty token', { ...entered, csrf: '' }, { cookie }],
    ['with a made-up token', { ...entered, csrf: 'A'.repeat(43) }, { cookie }],
    ["with another browser's token", { ...entered, csrf: stranger.fields['csrf'] }, { cookie }],
    ["with another browser's cookie", entered, { cookie: stranger.cookie }],
    ['with the token of another form', { ...entered, csrf: logout['csrf'] }, { cookie }],
    ['without any cookie', entered, {}],
    ['with a malformed cookie', entered, { cookie: 'claviger-browser=%zz' }],
    ...crossSite.map(([name, headers]): [string, object, Headers] => [
      `from ${name}`,
      entered,
      { cookie, ...headers },
    ]),
  ]

  t.test('is 403, and shows the form again for another try', async (t) => {
    const before = await tableContents(provider.database)
    for (const [name, form, headers] of forged) {
      const answer = await post(provider, '/login', form, headers)
      t.equal(answer.status, 403, name)
      t.match(answer.body, /role="alert".*Please sign in again.*<form method="post"/, name)
      t.match(answer.body, `value="${username}"`, `${name}: what was typed is kept`)
      t.notMatch(answer.body, password, `${name}: but for the password`)
      const cookies = answer.headers.getSetCookie().join()
      t.notMatch(cookies, 'session', `${name}: nobody is signed in`)
    }
    t.strictSame(await tableContents(provider.database), before, 'nothing was written')
  })

  t.test('is followed by one that is', async (t) => {
    const answer = await post(provider, '/login', entered, {})
    const again = createUserAgent(provider.issuer)
    for (const line of answer.headers.getSetCookie()) {
      const [pair = ''] = line.split(';')
      again.cookies.set(pair.split('=')[0] ?? '', pair.split('=')[1] ?? '')
    }
    const page = {
      url: `${provider.issuer}/login`,
      html: answer.body,
      status: 403,
      headers: answer.headers,
    }
    t.equal((await again.submit(page, { username, password })).url, `${provider.issuer}/`)
    t.match([...again.cookies.keys()], ['claviger-browser', 'claviger-session'])
  })

  t.test('cannot bring a person into the account of another', async (t) => {
    const victim = await signIn(provider)
    const before = await tableContents(provider.database)
    const headers = { cookie: cookieHeader(victim), origin: 'https://evil.example' }
    t.equal((await post(provider, '/login', entered, headers)).status, 403)
    t.strictSame(await tableContents(provider.database), before)
  })
})

t.test('a consent form is for one request and one session', async (t) => {
  const { provider, client } = await setUp(t)
  await provider.createUser({ email: 'bob@example.com' })
  const openConsent = async (name: string) => {
    const browser = await signIn(provider, createUserAgent(provider.issuer), name)
    const open = async () => formOf(await browser.open(authorizationUrl(provider, client))).fields
    return { cookie: cookieHeader(browser), open, fields: await open() }
  }
  const alice = await openConsent(username)
  const bob = await openConsent('bob@example.com')
  const another = await alice.open()
  const allow = { ...alice.fields, decision: 'allow' }
  const { cookie } = alice
  const csrf = alice.fields['csrf']

  const before = await tableContents(provider.database)
  const forged: [string, object, Headers][] = [
    ['no token', { ...allow, csrf: undefined }, { cookie }],
    ['a token of another request', { ...allow, csrf: another['csrf'] }, { cookie }],
    ['a token for another request', { ...another, decision: 'allow', csrf }, { cookie }],
    ['a token of another session', { ...allow, csrf: bob.fields['csrf'] }, { cookie }],
    ['a token for another session', allow, { cookie: bob.cookie }],
    ...crossSite.map(([name, headers]): [string, object, Headers] => [
      name,
      allow,
      { cookie, ...headers },
    ]),
  ]
  for (const [name, form, headers] of forged) {
    const answer = await post(provider, '/consent', form, headers)
    checkPageRefusal(t, provider, answer, { status: 403, error: 'invalid_request' }, name)
    t.match(answer.body, 'try again', name)
  }
  const signedOut = await post(provider, '/consent', allow, {})
  t.match(signedOut.headers.get('location'), /^\/authorize\?/, 'without a session: sign in first')
  t.strictSame(await tableContents(provider.database), before, 'nothing was allowed')

  const answer = await post(provider, '/consent', allow, { cookie })
  t.match(answer.headers.get('location'), /^\/authorize\?/, 'the true form still counts')
  t.not((await tableContents(provider.database))['consents'], before['consents'])
})

t.test('a logout that the person has not confirmed is asked for', async (t) => {
  const { provider } = await setUp(t)
  const browser = await signIn(provider)
  const cookie = cookieHeader(browser)
  const { fields } = formOf(await browser.open(`${provider.issuer}/logout`))
  const before = await tableContents(provider.database)
  const yes = { ...fields, decision: 'yes' }
  for (const [name, form, headers] of [
    ['no token', { decision: 'yes' }, { cookie }],
    ['a made-up token', { ...yes, csrf: 'A'.repeat(43) }, { cookie }],
    ...crossSite.map(([name, headers]) => [name, yes, { cookie, ...headers }] as const),
  ] as const) {
    const answer = await post(provider, '/logout', form, headers)
    t.match(answer, { status: 200, body: /Sign out\?/ }, name)
  }
  t.strictSame(await tableContents(provider.database), before, 'the session goes on')
})
