/** Requests that wait for a person: a sign-in is made for one of them, and each gets one code. */
import t from 'tap'
import { authorizationUrl, signIn, type Fields } from '../support/flow.ts'
import { createTestProvider, password } from '../support/provider.ts'
import { createUserAgent, type Page, type UserAgent } from '../support/user-agent.ts'

const alice = { username: 'alice@example.com', password }

t.test('requests that wait for a person', async (t) => {
  const provider = await createTestProvider(t)
  await provider.createUser()
  await provider.createUser({ email: 'bob@example.com' })
  const client = await provider.createClient({ skip_consent: true })
  const asking = await provider.createClient()
  const open = (browser: UserAgent, changes: Fields, party = client) =>
    browser.open(authorizationUrl(provider, party, changes))
  /** What the login page leads to, for whoever does not use it. */
  const resumeUrl = ({ url }: Page, { clientId } = client) => {
    const reference = new URL(url).searchParams.get('request')
    const query = new URLSearchParams({
      client_id: clientId,
      request_uri: `urn:ietf:params:oauth:request_uri:${reference}`,
    })
    return `${provider.issuer}/authorize?${query.toString()}`
  }
  const codesIn = async () =>
    (await provider.database.query('select from authorization_codes')).length

  t.test('prompt=login wants a sign-in that is made for it (Core §3.1.2.1)', async (t) => {
    const asks: Fields[] = [{ prompt: 'login' }, { max_age: '0' }]
    for (const changes of asks) {
      const browser = await signIn(provider)
      provider.clock.advance(1)
      const login = await open(browser, changes)
      await signIn(provider, browser)
      provider.clock.advance(1)
      const about = JSON.stringify(changes)
      t.match((await browser.open(resumeUrl(login))).url, '/login?', `${about} and one elsewhere`)
      t.match((await browser.submit(login, alice)).url, /\?code=/, `${about} and its own`)
    }
  })

  t.test('of two tabs with prompt=login each needs its own sign-in', async (t) => {
    const browser = await signIn(provider)
    const [one, other] = [
      await open(browser, { prompt: 'login consent' }, asking),
      await open(browser, { prompt: 'login' }),
    ]
    const consent = await browser.submit(one, alice)
    t.match(consent.url, '/consent?')
    t.match((await browser.open(resumeUrl(other))).url, '/login?', 'the other tab still asks')
    t.match((await browser.submit(other, alice)).url, /\?code=/)
    const allowed = await browser.submit(consent, { decision: 'allow' })
    t.match(allowed.url, /\?code=/, 'the first goes on: the same person, in the same browser')
  })

  t.test('when another person signs in in between, the request asks again', async (t) => {
    const browser = createUserAgent(provider.issuer)
    const login = await open(browser, { prompt: 'login consent' }, asking)
    const consent = await browser.submit(login, alice)
    t.match(consent.url, '/consent?')
    await signIn(provider, browser, 'bob@example.com')
    t.match((await browser.open(resumeUrl(consent, asking))).url, '/login?')
  })

  t.test('a reference is of no use once its code was sent', async (t) => {
    const browser = createUserAgent(provider.issuer)
    const login = await open(browser, {})
    t.match((await browser.submit(login, alice)).url, /\?code=/)
    const codes = await codesIn()
    const isOver = (page: Page, about: string) =>
      t.match(page, { status: 400, html: /This sign-in has expired[^]*Go back to the app/ }, about)
    isOver(await browser.open(resumeUrl(login)), 'opened again')
    isOver(await browser.open(login.url), 'back to the login page')
    isOver(await browser.submit(login, alice), 'its form sent again')
    t.equal(await codesIn(), codes)
  })

  t.test('a button pressed twice at the same time gives one code', async (t) => {
    const browser = await signIn(provider)
    const consent = await open(browser, { prompt: 'consent' }, asking)
    const codes = await codesIn()
    const allow = () => browser.submit(consent, { decision: 'allow' })
    const pages = await Promise.all([allow(), allow(), allow()])
    t.equal(pages.filter(({ url }) => url.includes('?code=')).length, 1)
    t.equal(pages.filter(({ status }) => status === 400).length, 2)
    t.equal(await codesIn(), codes + 1)
  })
})
