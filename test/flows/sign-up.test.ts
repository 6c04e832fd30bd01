/** Accounts that people create themselves (Initiating User Registration via OpenID Connect 1.0), where CLAVIGER_SIGN_UP is on. */
import { decodeJwt } from 'jose'
import t from 'tap'
import { authorizationUrl, authorize, redeem, signIn, toTokens } from '../support/flow.ts'
import { createTestProvider, password } from '../support/provider.ts'
import { createUserAgent } from '../support/user-agent.ts'

t.test('where it is on', async (t) => {
  const provider = await createTestProvider(t, { CLAVIGER_SIGN_UP: 'on' })
  const { accounts, audit } = provider.services
  await provider.createUser()
  const client = await provider.createClient({ scope: 'openid profile email' })
  const url = authorizationUrl(provider, client, {
    prompt: 'create',
    scope: 'openid email',
    login_hint: 'carol@example.com',
  })

  t.test('discovery says so (§4.1)', async (t) => {
    const discovery = await fetch(`${provider.issuer}/.well-known/openid-configuration`)
    const { prompt_values_supported: prompts } = (await discovery.json()) as Record<string, unknown>
    t.strictSame(prompts, ['none', 'login', 'consent', 'select_account', 'create'])
  })

  t.test('prompt=create: an account, signed in, and back to the application', async (t) => {
    const browser = createUserAgent(provider.issuer)
    const page = await browser.open(url)
    t.match(page.url, '/create-account?request=')
    t.match(page.html, /<input id="email"[^>]* value="carol@example\.com"/)
    const consent = await browser.submit(page, {
      email: 'carol@example.com',
      name: 'Carol',
      password,
    })
    t.match(consent.url, '/consent?')
    const back = await browser.submit(consent, { decision: 'allow' })
    const code = new URL(back.url).searchParams.get('code') ?? undefined
    const { sub } = decodeJwt(toTokens(await redeem(provider, client, code)).id_token)
    const account = await accounts.find('carol@example.com')
    t.match(account, { sub: sub ?? '', emailVerified: false, claims: { name: 'Carol' } })
    t.strictSame(
      (await audit.listLatest({ action: 'users', limit: 9 })).map(({ action, subject, actor }) => ({
        action,
        subject,
        actor,
      })),
      [{ action: 'users.create', subject: sub, actor: `user:${sub}` }],
    )
    await signIn(provider, createUserAgent(provider.issuer), 'carol@example.com')
  })

  t.test('also of whom is signed in, and signing in instead is an answer as well', async (t) => {
    const browser = await signIn(provider)
    const page = await browser.open(url)
    t.match(page.url, '/create-account?')
    const path = /Have an account\? <a href="([^"]+)"/.exec(page.html)?.[1] ?? ''
    const login = await browser.open(provider.issuer + path)
    const after = await browser.submit(login, { username: 'alice@example.com', password })
    t.match(after.url, '/consent?')
  })

  t.test('the login page leads there, with its request and without', async (t) => {
    const browser = createUserAgent(provider.issuer)
    for (const from of [authorizationUrl(provider, client), `${provider.issuer}/login`]) {
      const page = await browser.open(from)
      const path = /<a href="(\/create-account[^"]*)"/.exec(page.html)?.[1] ?? ''
      t.equal(path.includes('request='), from.includes('authorize'))
      t.equal((await browser.open(provider.issuer + path)).status, 200)
    }
  })

  t.test('whoever came to connect a device goes on with that (RFC 8628 §3.3)', async (t) => {
    const browser = createUserAgent(provider.issuer)
    const login = await browser.open(`${provider.issuer}/device?user_code=BCDF-GHJK`)
    t.match(login.url, '/login?')
    const path = /<a href="(\/create-account[^"]*)"/.exec(login.html)?.[1] ?? ''
    const page = await browser.open(provider.issuer + path)
    const after = await browser.submit(page, { email: 'frank@example.com', password })
    t.match(after.url, '/device?user_code=BCDF-GHJK')
  })

  t.test('what was typed wrongly is said, kept, and stored nowhere', async (t) => {
    const browser = createUserAgent(provider.issuer)
    const page = await browser.open(`${provider.issuer}/create-account`)
    const rows: [entered: Record<string, string>, status: number, words: RegExp][] = [
      [{ email: 'dave', password }, 400, /must be an address/],
      [{ email: '', password }, 400, /must be an address/],
      [{ email: 'dave@example.com', password: 'short' }, 400, /fewer than 8/],
      [{ email: 'dave@example.com' }, 400, /fewer than 8/],
      [{ email: 'dave@example.com', password: 'password1' }, 400, /attackers try first/],
      [{ email: 'dave@example.com', password: 'dave@example.com' }, 400, /same as/],
      [{ email: 'dave@example.com', name: ' ', password }, 400, /name/],
      [{ email: 'Alice@example.com', password }, 409, /If it is yours/],
    ]
    for (const [entered, status, words] of rows) {
      const answer = await browser.submit(page, entered)
      t.equal(answer.status, status, JSON.stringify(entered))
      t.match(answer.html, words)
      t.match(answer.html, /<title>Error: /)
      t.notMatch(answer.html, password)
      t.notOk(browser.cookies.has('claviger-session'))
    }
    t.equal(await accounts.find('dave@example.com'), undefined)
    const stranger = createUserAgent(provider.issuer)
    const forged = await stranger.submit(page, { email: 'dave@example.com', password })
    t.equal(forged.status, 403, 'the form of another browser')
    t.match(forged.html, /expired/)
  })

  t.test('two at once for one address: one account', async (t) => {
    const browsers = [1, 2].map(() => createUserAgent(provider.issuer))
    const entered = { email: 'erin@example.com', password }
    const answers = await Promise.all(
      browsers.map(async (browser) =>
        browser.submit(await browser.open(`${provider.issuer}/create-account`), entered),
      ),
    )
    t.strictSame(new Set(answers.map(({ status }) => status)), new Set([200, 409]))
  })

  t.test('a network has so many tries, whatever comes of them', async (t) => {
    const browser = createUserAgent(provider.issuer)
    const page = await browser.open(`${provider.issuer}/create-account`)
    const entered = { email: 'alice@example.com', password }
    let answer = await browser.submit(page, entered)
    for (let tries = 0; tries < 20 && answer.status === 409; tries++)
      answer = await browser.submit(page, entered)
    t.equal(answer.status, 429)
    t.match(answer.headers.get('retry-after'), /^\d+$/)
    t.match(answer.html, /too many attempts/)
    const login = await browser.open(`${provider.issuer}/login`)
    t.equal(
      (await browser.submit(login, { username: 'alice@example.com', password })).status,
      200,
      'who has an account is not kept out',
    )
  })
})

t.test('where it is off, as by default, there is no such page and no such prompt', async (t) => {
  const provider = await createTestProvider(t)
  await provider.createUser()
  const client = await provider.createClient()
  const browser = createUserAgent(provider.issuer)
  t.match(await authorize(provider, browser, client, { prompt: 'create' }), {
    error: 'invalid_request',
    error_description: /create/,
    state: 'the state',
  })
  t.equal((await browser.open(`${provider.issuer}/create-account`)).status, 404)
  const login = await browser.open(authorizationUrl(provider, client))
  t.notMatch(login.html, /create-account/)
})
