/** The page where a person enters a device's code (RFC 8628 §3.3, §5.1, §5.4), as a browser without JavaScript sees it. */
import t from 'tap'
import { answerDevice, deviceClient, enterCode, poll, startDevice } from '../support/device.ts'
import { startSession } from '../support/flow.ts'
import { createTestProvider, password } from '../support/provider.ts'
import { createUserAgent, formOf } from '../support/user-agent.ts'

const provider = await createTestProvider(t)
const { sub } = await provider.createUser()
const client = await provider.createClient({ ...deviceClient, client_name: 'Living Room TV' })
const credentials = { username: 'alice@example.com', password }
const unknown = 'That code is not right'

t.test(
  'the link of the device leads by the login page to its code, which is to be confirmed',
  async (t) => {
    const device = await startDevice(provider, client)
    const browser = createUserAgent(provider.issuer)
    const login = await browser.open(device.verification_uri_complete)
    t.match(login.url, '/login?')

    const rejected = await browser.submit(login, { ...credentials, password: 'wrong' })
    t.equal(rejected.status, 401)
    const page = await browser.submit(rejected, credentials)
    t.equal(page.url, device.verification_uri_complete)
    t.match(page.html, 'Check that this is the code that your device shows.')
    t.match(page.html, `value="${device.user_code}"`)

    const confirmation = await browser.submit(page, { user_code: device.user_code })
    for (const words of [
      'Living Room TV',
      device.user_code,
      'Did you start this on a device that you hold?',
      'Signed in as',
      'alice@example.com',
      'Recognise you',
      'Keep this access',
      'id="approve" type="submit" name="decision" value="allow"',
      'id="deny" type="submit" name="decision" value="deny"',
    ])
      t.ok(confirmation.html.includes(words), words)
    t.match(await poll(provider, client, device), { body: { error: 'authorization_pending' } })

    const done = await browser.submit(confirmation, { decision: 'allow' })
    t.match(done.html, 'You can go back to your device.')
    t.equal((await poll(provider, client, device)).status, 200)
  },
)

t.test('without a code the way leads through the login page as well', async (t) => {
  const device = await startDevice(provider, client)
  const browser = createUserAgent(provider.issuer)
  const page = await browser.submit(await browser.open(device.verification_uri), credentials)
  t.equal(page.url, device.verification_uri)
  const typed = ` ${device.user_code.toLowerCase().replace('-', ' ')}`
  t.match((await browser.submit(page, { user_code: typed })).html, device.user_code)
})

t.test('after the login nobody is led anywhere else', async (t) => {
  for (const request of ['device:', 'device:https://evil.example', 'device://evil.example/?']) {
    const browser = createUserAgent(provider.issuer)
    const query = new URLSearchParams({ request }).toString()
    const login = await browser.open(`${provider.issuer}/login?${query}`)
    t.equal((await browser.submit(login, credentials)).url, `${provider.issuer}/device`)
  }
})

t.test('a code that does not count is told, and asked for again', async (t) => {
  const browser = await startSession(provider, sub)
  const used = await startDevice(provider, client)
  await answerDevice(provider, browser, used)
  const old = await startDevice(provider, client)
  provider.clock.advance(600)
  for (const code of ['BCDF-GHJK', 'nonsense', '', used.user_code, old.user_code])
    t.match(await enterCode(provider, browser, code), { status: 400, html: unknown }, code)
})

t.test('an answer that comes too late, or a second one, changes nothing', async (t) => {
  const browser = await startSession(provider, sub)
  const device = await startDevice(provider, client)
  const page = await enterCode(provider, browser, device.user_code)
  await browser.submit(page, { decision: 'deny' })
  t.match(await browser.submit(page, { decision: 'allow' }), { status: 400, html: unknown })
  t.match(await poll(provider, client, device), { body: { error: 'access_denied' } })

  const late = await startDevice(provider, client)
  const open = await enterCode(provider, browser, late.user_code)
  provider.clock.advance(600)
  t.match(await browser.submit(open, { decision: 'allow' }), { status: 400, html: unknown })
})

t.test("another site's form, and another person's, count for nothing", async (t) => {
  const [mine, theirs] = [await startDevice(provider, client), await startDevice(provider, client)]
  const browser = await startSession(provider, sub)
  const page = await enterCode(provider, browser, mine.user_code)
  const forged = await browser.submit(page, { user_code: theirs.user_code, decision: 'allow' })
  t.equal(forged.status, 403)

  const { csrf = '' } = formOf(await browser.open(`${provider.issuer}/device`)).fields
  const skipped = await browser.submit(page, { csrf, decision: 'allow' })
  t.equal(skipped.status, 403, 'with the token of the page before')
  t.equal((await browser.submit(page, { csrf: 'x', decision: 'allow' })).status, 403)

  await provider.createUser({ email: 'bob@example.com' })
  const login = await browser.open(`${provider.issuer}/login`)
  await browser.submit(login, { username: 'bob@example.com', password })
  t.equal((await browser.submit(page, { decision: 'allow' })).status, 403, 'bob in her browser')
  t.match(await poll(provider, client, mine), { body: { error: 'authorization_pending' } })
  t.match(await poll(provider, client, theirs), { body: { error: 'authorization_pending' } })
})

t.test('who is signed out meanwhile signs in again, and answers then', async (t) => {
  const device = await startDevice(provider, client)
  const browser = await startSession(provider, sub)
  const page = await enterCode(provider, browser, device.user_code)
  browser.cookies.delete('claviger-session')
  const login = await browser.submit(page, { decision: 'allow' })
  t.match(login.url, '/login?')
  const again = await browser.submit(login, credentials)
  t.equal(again.url, device.verification_uri_complete)
  t.match(await poll(provider, client, device), { body: { error: 'authorization_pending' } })
})

t.test('thirty wrong codes from one network, then it must wait (RFC 8628 §5.1)', async (t) => {
  const provider = await createTestProvider(t)
  const { sub } = await provider.services.accounts.create({ email: 'alice@example.com' })
  const browser = await startSession(provider, sub)
  const device = await startDevice(provider, await provider.createClient(deviceClient))
  const form = await browser.open(device.verification_uri)
  const enter = (user_code: string) => browser.submit(form, { user_code })
  const startedAt = Date.now() // attempts are counted by the real clock
  for (let right = 1; right <= 31; right++)
    t.equal((await enter(device.user_code)).status, 200, 'who enters the right one is not charged')
  for (let wrong = 1; wrong <= 30; wrong++) t.equal((await enter('BCDF-GHJK')).status, 400)
  const limited = await enter(device.user_code)
  t.equal(limited.status, 429)
  t.match(limited.html, 'There were too many attempts')
  const retryAfterSeconds = Number(limited.headers.get('retry-after'))
  t.ok(retryAfterSeconds <= 15 * 60)
  t.ok(retryAfterSeconds >= 15 * 60 - (Date.now() - startedAt) / 1000)
})
