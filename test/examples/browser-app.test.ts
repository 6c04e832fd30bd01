import t from 'tap'
import { openBrowser } from '../support/browser.ts'
import { freePort, password } from '../support/provider.ts'
import { runExample, secret, startProvider } from './running.ts'

t.test('the browser app signs in, reads orders and never sees a token', async (t) => {
  const { issuer, admin } = await startProvider(t)
  const claims = { name: 'Alice' }
  const { sub } = await admin.accounts.create({ email: 'alice@example.com', password, claims })
  const api = await runExample(t, 'express-api.mjs', { ISSUER: issuer })
  const port = await freePort()
  await admin.clients.create({
    client_id: 'browser-app',
    client_name: 'Orders',
    client_secret: secret,
    redirect_uris: [`http://localhost:${port}/callback`],
    post_logout_redirect_uris: [`http://localhost:${port}/`],
    grant_types: ['authorization_code', 'refresh_token'],
    scope: 'openid profile offline_access orders:read',
  })
  const app = await runExample(t, 'browser-app/server.mjs', {
    ISSUER: issuer,
    API: api.origin,
    PORT: String(port),
  })

  const page = await (await openBrowser(t)).newPage()
  const answers: string[] = []
  page.on('response', (response) => {
    if (response.url().startsWith(app.origin) && response.status() === 200)
      response.text().then(
        (text) => answers.push(text),
        () => {}, // the page was left before
      )
  })
  await page.goto(app.href)
  await page.getByText('Signed out').waitFor()
  await page.getByRole('link', { name: 'Sign in' }).click()
  await page.getByLabel('Username or email').fill('alice@example.com')
  await page.getByLabel('Password').fill(password)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByRole('button', { name: 'Allow' }).click()
  await page.getByText('Signed in as Alice').waitFor()
  await page.getByText('a bunch of keys').waitFor()

  const seen = await page.evaluate(
    'JSON.stringify([document.cookie, { ...localStorage }, { ...sessionStorage }])',
  )
  t.equal(seen, '["",{},{}]')
  t.notMatch(answers.join(), /eyJ/, 'no answer has a JWT in it')
  const cookies = await page.context().cookies(app.origin)
  t.ok(cookies.length > 0)
  t.ok(cookies.every(({ httpOnly, sameSite }) => httpOnly && sameSite === 'Lax'))

  await admin.revocations.revokeUser(sub, { actor: 'test' })
  const orders = () =>
    page.evaluate(
      `fetch('/api/orders', { headers: { 'x-requested-by': 'browser-app' } }).then((answer) => answer.status)`,
    )
  while ((await orders()) === 200);
  t.equal(await orders(), 401)

  const forged = await fetch(`${app.origin}/api/me`)
  t.equal(forged.status, 403, 'another site cannot ask in the name of the person')
})
