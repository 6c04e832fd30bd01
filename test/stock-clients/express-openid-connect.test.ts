/** express-openid-connect, unmodified: a web app that signs people in and out, and hears of a logout by itself. */
import { once } from 'node:events'
import express from 'express'
import openid, { type SessionStore } from 'express-openid-connect'
import t from 'tap'
import { openBrowser } from '../support/browser.ts'
import { createDeliveringNode } from '../support/logout-receiver.ts'
import { createTestProvider, freePort, password } from '../support/provider.ts'

const { auth, requiresAuth } = openid

/** Sessions of the app, in memory. */
function createStore(): SessionStore {
  const sessions = new Map<string, never>()
  return {
    get: (id, done) => done(null, sessions.get(id)),
    set: (id, session, done) => {
      sessions.set(id, session as never)
      done?.(null)
    },
    destroy: (id, done) => {
      sessions.delete(id)
      done?.(null)
    },
  }
}

t.test('a person signs in to an express app, and out of both', async (t) => {
  const provider = await createTestProvider(t)
  await provider.createUser({ name: 'Alice' })
  const port = await freePort()
  const baseURL = `http://localhost:${port}`
  const { clientId, secret } = await provider.createClient({
    redirect_uris: [`${baseURL}/callback`],
    post_logout_redirect_uris: [baseURL],
    backchannel_logout_uri: `${baseURL}/backchannel-logout`,
  })
  const app = express()
  app.use(
    auth({
      issuerBaseURL: provider.issuer,
      baseURL,
      clientID: clientId,
      clientSecret: secret,
      secret: 'a secret for the cookies of the app alone',
      authRequired: false,
      idpLogout: true,
      backchannelLogout: true,
      session: { store: createStore() },
      authorizationParams: { response_type: 'code', scope: 'openid profile offline_access' },
    }),
  )
  app.get('/', (request, response) => {
    response.send(request.oidc.isAuthenticated() ? 'signed in' : 'signed out')
  })
  app.get('/me', requiresAuth(), async (request, response) => {
    const { name } = await request.oidc.fetchUserInfo()
    response.send(`I am ${String(name)}`)
  })
  app.get('/refresh', requiresAuth(), async (request, response) => {
    const { access_token: renewed } = await request.oidc.accessToken!.refresh()
    response.send(renewed === undefined ? 'no token' : 'renewed')
  })
  const server = app.listen(port, 'localhost')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })

  const page = await (await openBrowser(t)).newPage()
  async function signIn() {
    await page.getByLabel('Username or email').fill('alice@example.com')
    await page.getByLabel('Password').fill(password)
    await page.getByRole('button', { name: 'Sign in' }).click()
  }
  await page.goto(`${baseURL}/me`)
  await signIn()
  await page.getByRole('button', { name: 'Allow' }).click()
  await page.getByText('I am Alice').waitFor()
  await page.goto(`${baseURL}/refresh`)
  await page.getByText('renewed').waitFor()

  await page.goto(`${baseURL}/logout`)
  await page.getByText('signed out').waitFor()
  t.equal(page.url(), `${baseURL}/`)
  await page.goto(`${baseURL}/me`)
  await signIn()
  await page.getByText('I am Alice').waitFor()

  // Signed out here, the person is signed out there as well (Back-Channel Logout 1.0).
  await page.goto(provider.issuer)
  await page.getByRole('button', { name: 'Sign out' }).click()
  await page.getByRole('heading', { name: 'You are signed out' }).waitFor()
  await createDeliveringNode(provider, provider.services).run()
  await page.goto(baseURL)
  await page.getByText('signed out').waitFor()
})
