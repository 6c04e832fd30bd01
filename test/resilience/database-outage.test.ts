/** Postgres goes away under a running server: 503 with Retry-After, documents from memory, recovery by itself. */
import t from 'tap'
import {
  authorizationUrl,
  encode,
  obtainTokens,
  redeem,
  signIn,
  userinfo,
  type Fields,
} from '../support/flow.ts'
import { toDatabaseUrl } from '../cli/run-cli.ts'
import { administrate, createOutage } from '../support/outage.ts'
import { createTestProvider, password } from '../support/provider.ts'
import { send, sendForm, type Answer } from '../support/raw-http.ts'
import { checkJsonRefusal, checkPageRefusal } from '../support/refusals.ts'
import { keyEncryptionKey, startServer } from '../support/server-process.ts'
import { createUserAgent, formOf, type Page } from '../support/user-agent.ts'
import { cookieHeader } from '../endpoints/routes.ts'

const setup = await createTestProvider(t, { CLAVIGER_KEY_ENCRYPTION_KEY: keyEncryptionKey })
const { database } = setup
await setup.createUser()
const client = await setup.createClient({
  redirect_uris: ['http://127.0.0.1:9999/callback', 'http://localhost:9999/callback'],
})
const server = await startServer(t, database)
const provider = { ...setup, issuer: server.issuer, logged: server.logged }
const { issuer } = server

const setReachable = createOutage(t, database)

const documents = [
  '/.well-known/openid-configuration',
  '/.well-known/oauth-authorization-server',
  '/.well-known/jwks.json',
]
/** The server's log comes through a pipe, in order: with the line of a later answer all earlier ones are there. */
async function untilLogged(): Promise<void> {
  const { headers } = await send(issuer, { path: '/logged-out' })
  await server.said({ msg: 'answered', reqId: headers.get('x-request-id') })
}

const essence = ({ status, headers, body }: Answer) => [status, headers.get('etag'), body]
const unavailable = { status: 503, error: 'temporarily_unavailable' }
const ready = () => send(issuer, { path: '/health/ready' })
const readDocuments = () => Promise.all(documents.map((path) => send(issuer, { path })))

const browser = await signIn(provider)
const tokens = await obtainTokens(provider, browser, client, { scope: 'openid offline_access' })
const stranger = createUserAgent(issuer)
const login = formOf(await stranger.open(authorizationUrl(provider, client))).fields
const basic = Buffer.from(`${client.clientId}:${client.secret}`).toString('base64')
const before = await readDocuments()
const pathOf = (url: string) => url.slice(issuer.length)

t.test('while Postgres cannot be reached', async (t) => {
  t.equal((await ready()).status, 200)
  await setReachable(false)
  t.teardown(() => setReachable(true))

  t.test('the process lives, and says that it is not ready', async (t) => {
    t.equal((await send(issuer, { path: '/health/live' })).status, 200)
    const answer = await ready()
    await untilLogged()
    checkJsonRefusal(t, provider, answer, unavailable, 'ready')
  })

  t.test('JWKS and discovery are answered from memory', async (t) => {
    t.strictSame((await readDocuments()).map(essence), before.map(essence))
  })

  t.test('endpoints answer 503 with Retry-After in JSON, and never a verdict', async (t) => {
    const { access_token, refresh_token } = tokens
    const asClient = { authorization: `Basic ${basic}` }
    const fromBrowser = { ...asClient, origin: 'https://spa.example' }
    const requests: [path: string, fields: Fields, headers: Record<string, string>][] = [
      ['/token', { grant_type: 'refresh_token', refresh_token }, asClient],
      ['/token', { grant_type: 'authorization_code', code: 'x' }, asClient],
      ['/token', {}, fromBrowser],
      ['/introspect', { token: access_token }, asClient],
      ['/introspect', { token: refresh_token }, asClient],
      ['/revoke', { token: access_token }, asClient],
      ['/revoke', { token: refresh_token }, asClient],
      ['/userinfo', {}, { authorization: `Bearer ${access_token}` }],
    ]
    for (const [path, fields, headers] of requests) {
      const answer = await sendForm(issuer, path, encode(fields).toString(), headers)
      await untilLogged()
      const about = `${path} ${Object.keys({ ...fields, ...headers }).join(' ')}`
      checkJsonRefusal(t, provider, answer, unavailable, about)
      t.match(answer.headers.get('retry-after'), /^[1-9]\d*$/, about)
    }
  })

  t.test('people get a page that says so, with Retry-After', async (t) => {
    const cookie = cookieHeader(browser)
    const entered = { ...login, username: 'alice@example.com', password }
    const answers = {
      '/': await send(issuer, { path: '/', headers: { cookie } }),
      '/authorize': await send(issuer, {
        path: pathOf(authorizationUrl(provider, client)),
        headers: { cookie },
      }),
      '/login': await send(issuer, { path: `/login?request=${login['request']}` }),
      'POST /login': await sendForm(issuer, '/login', encode(entered).toString(), {
        cookie: cookieHeader(stranger),
      }),
      '/consent': await send(issuer, {
        path: `/consent?request=${login['request']}`,
        headers: { cookie },
      }),
      '/logout': await send(issuer, { path: '/logout', headers: { cookie } }),
    }
    for (const [path, answer] of Object.entries(answers)) {
      await untilLogged()
      checkPageRefusal(t, provider, answer, unavailable, path)
      t.match(answer.headers.get('retry-after'), /^[1-9]\d*$/, path)
      t.match(answer.body, /We are not available right now/, path)
      t.strictSame(answer.headers.getSetCookie(), [], `${path}: the session is kept`)
    }
  })
})

t.test('when Postgres is back, the server recovers by itself', async (t) => {
  let answer = await ready()
  while (answer.status !== 200) answer = await ready()

  t.equal((await userinfo(provider, tokens.access_token)).status, 200, 'tokens still count')
  const page = await browser.open(`${issuer}/`)
  t.match(page.html, 'alice@example.com', 'and so does the session')
  const again = await obtainTokens(provider, browser, client, { prompt: 'login' })
  t.ok(again.id_token, 'a whole flow')
  t.match(await redeem(provider, client, 'x'), { body: { error: 'invalid_grant' } })
})

t.test('Postgres refusing the login or the connection is an outage too (503)', async (t) => {
  const { name, administration } = administrate(t, database)
  const role = `claviger_${name}`
  const { username: owner } = new URL(toDatabaseUrl(database))
  await administration.query(`create role ${role} login in role ${owner}`)
  t.teardown(() => administration.query(`drop role ${role}`))
  const refused = await startServer(t, {
    url: database.url.replace(`//${owner}@`, `//${role}@`),
  })
  t.teardown(async () => {
    refused.kill('SIGTERM')
    await refused.ended
  })
  const refusals: [code: string, change: string, remedy: RegExp][] = [
    ['28000', 'nologin', /Check the user and the password of DATABASE_URL/],
    ['53300', 'login connection limit 0', /Raise max_connections/],
  ]
  for (const [code, change, remedy] of refusals) {
    await administration.query(`alter role ${role} ${change}`)
    await administration.query(
      'select pg_terminate_backend(pid) from pg_stat_activity where usename = $1',
      [role],
    )
    const form = 'grant_type=authorization_code&code=x'
    const headers = { authorization: `Basic ${basic}` }
    let said = ''
    // The first answers may be about connections that broke.
    for (let tries = 0; !remedy.test(said) && tries < 20; tries += 1) {
      const asked = await sendForm(refused.issuer, '/token', form, headers)
      t.match(asked, { status: 503, body: '"error":"temporarily_unavailable"' }, code)
      t.match(asked.headers.get('retry-after'), /^[1-9]\d*$/, code)
      const reqId = asked.headers.get('x-request-id')
      await refused.said({ msg: 'refused', level: 50, reqId })
      const line = refused.logged.find((one) => one['reqId'] === reqId && one['level'] === 50)
      said = JSON.stringify(line?.['err'])
    }
    t.match(said, remedy, code)
  }
  await administration.query(`alter role ${role} connection limit -1`)
  let status: number
  do status = (await send(refused.issuer, { path: '/health/ready' })).status
  while (status === 503)
  t.equal(status, 200, 'it recovers by itself')
})

t.test('changes made elsewhere are heard of again', async (t) => {
  await setup.services.clients.update(client.clientId, { client_name: 'Renamed during the night' })
  let page: Page
  do page = await stranger.open(authorizationUrl(provider, client))
  while (!page.html.includes('Renamed during the night'))
  t.equal(page.status, 200)
})
