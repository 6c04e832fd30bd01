/** A sign-in that the provider starts (OpenID Connect Core §4): a link on the start page leads to the client, and back. */
import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import { createRemoteJWKSet, jwtVerify, type JWTPayload } from 'jose'
import t, { type Test } from 'tap'
import { proceed, redeem, signIn, startSession, toTokens } from '../support/flow.ts'
import { createTestProvider, type TestProvider } from '../support/provider.ts'
import { createUserAgent } from '../support/user-agent.ts'

const random = () => randomBytes(32).toString('base64url')

/** A client of its own origin, that starts a sign-in at whichever issuer it is told of and knows. */
async function startClient(t: Test, provider: TestProvider) {
  const server: Server = createServer((request, response) => {
    answer(new URL(request.url ?? '', origin)).then(
      ([status, headers, body]) => response.writeHead(status, headers).end(body),
      (error: unknown) => response.writeHead(500).end(String(error)),
    )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => server.close())
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  const origin = `http://127.0.0.1:${address.port}`
  const redirectUri = `${origin}/callback`
  const client = await provider.createClient({
    client_name: 'Expenses',
    redirect_uris: [redirectUri],
    initiate_login_uri: `${origin}/login?tenant=a%20b`,
  })
  const started = new Map<string, { verifier: string; nonce: string }>()

  async function answer(url: URL): Promise<[number, Record<string, string>, string?]> {
    if (url.pathname === '/login') return [303, { location: await start(url.searchParams) }]
    const claims = await finish(url.searchParams)
    return [200, { 'content-type': 'application/json' }, JSON.stringify(claims)]
  }

  async function start(params: URLSearchParams): Promise<string> {
    if (params.get('iss') !== provider.issuer) throw new Error('an unknown issuer')
    if (params.get('tenant') !== 'a b') throw new Error('its own query is gone')
    const [state, verifier, nonce] = [random(), random(), random()]
    started.set(state, { verifier, nonce })
    const query = new URLSearchParams({
      response_type: 'code',
      client_id: client.clientId,
      redirect_uri: redirectUri,
      scope: 'openid',
      state,
      nonce,
      code_challenge: createHash('sha256').update(verifier).digest('base64url'),
      code_challenge_method: 'S256',
    })
    return `${provider.issuer}/authorize?${query.toString()}`
  }

  async function finish(params: URLSearchParams): Promise<JWTPayload> {
    const { verifier, nonce } = started.get(params.get('state') ?? '') ?? {}
    const code = params.get('code') ?? ''
    const changes = { redirect_uri: redirectUri, code_verifier: verifier }
    const { id_token } = toTokens(await redeem(provider, client, code, changes))
    const jwks = createRemoteJWKSet(new URL(`${provider.issuer}/.well-known/jwks.json`))
    const { payload } = await jwtVerify(id_token, jwks, {
      issuer: provider.issuer,
      audience: client.clientId,
      currentDate: provider.clock.now(),
    })
    if (payload['nonce'] !== nonce) throw new Error('another nonce')
    return payload
  }

  return { origin, client }
}

/** The links under "Your applications": name and address. */
function applicationsOf(html: string): [name: string, url: string][] {
  const [, list = ''] = /<nav class="applications"[^>]*>(.*?)<\/nav>/s.exec(html) ?? []
  const links = list.matchAll(/<a href="([^"]*)"[^>]*>.*?<bdi>(.*?)<\/bdi><\/a>/gs)
  return [...links].map(([, url = '', name = '']) => [name, url.replaceAll('&amp;', '&')])
}

t.test(
  'oidcc-3rd-party-init-login: the link of an application signs in to it (Core §4)',
  async (t) => {
    const provider = await createTestProvider(t)
    const user = await provider.createUser()
    const { origin } = await startClient(t, provider)
    const browser = await signIn(provider)
    const home = await browser.open(`${provider.issuer}/`)
    const [[name, url] = ['', '']] = applicationsOf(home.html)
    t.equal(name, 'Expenses')
    t.equal(url, `${origin}/login?tenant=a%20b&iss=${encodeURIComponent(provider.issuer)}`)

    const page = await proceed(browser, await browser.open(url))
    t.equal(new URL(page.url).pathname, '/callback')
    const response = await fetch(page.url)
    t.equal(response.status, 200)
    t.match(await response.json(), { sub: user.sub })
  },
)

t.test(
  'applications are listed by name, to whom is signed in, until they are revoked',
  async (t) => {
    const provider = await createTestProvider(t)
    const user = await provider.createUser()
    const create = (client_name: string | null, initiate_login_uri: string, more: object = {}) =>
      provider.createClient({ client_name, initiate_login_uri, ...more })
    await create('zebra', 'https://zebra.example/start#top')
    await create('Yak', 'https://yak.example')
    await create(null, 'https://nameless.example/', { client_id: 'yeti' })
    const gone = await create('Aardvark', 'https://aardvark.example/')
    await provider.createClient({ client_name: 'without an address' })
    await provider.services.clients.disable(gone.clientId)

    const home = `${provider.issuer}/`
    t.same(applicationsOf((await createUserAgent(provider.issuer).open(home)).html), [])
    const browser = await startSession(provider, user.sub)
    const iss = `iss=${encodeURIComponent(provider.issuer)}`
    t.strictSame(applicationsOf((await browser.open(home)).html), [
      ['Yak', `https://yak.example/?${iss}`],
      ['yeti', `https://nameless.example/?${iss}`],
      ['zebra', `https://zebra.example/start?${iss}#top`],
    ])
  },
)

t.test('an application that nobody vouches for is listed to whom it is known', async (t) => {
  const provider = await createTestProvider(t)
  const user = await provider.createUser()
  const client_name = 'Your Bank'
  const own = await provider.createClient({ client_name, initiate_login_uri: 'https://x.example/' })
  const register = (tokenId: string | null) =>
    provider.database.query(
      `insert into client_registrations
         (client_id, access_token_hash, registration_token_id, registered_at)
       values ($1, '', $2, now())
       on conflict (client_id) do update set registration_token_id = $2`,
      [own.clientId, tokenId],
    )
  const browser = await startSession(provider, user.sub)
  const names = async () =>
    applicationsOf((await browser.open(`${provider.issuer}/`)).html).map(([name]) => name)

  await register(null)
  t.strictSame(await names(), [])
  await register(randomUUID())
  t.strictSame(await names(), [client_name], 'whoever gave it an initial access token does')
  await register(null)
  await provider.services.consents.grant(user.sub, own.clientId, {
    scope: [],
    resources: [],
    claims: [],
  })
  t.strictSame(await names(), [client_name])
  t.strictSame(await provider.services.clients.listStartable('another'), [])
})

t.test('of very many applications a hundred are listed', async (t) => {
  const provider = await createTestProvider(t)
  await provider.database.query(
    `insert into clients (client_id, metadata, allowed_origins, created_at, updated_at)
     select 'app' || n, '{"initiate_login_uri": "https://app.example/"}', '{}', now(), now()
     from generate_series(1, 150) n`,
  )
  t.equal((await provider.services.clients.listStartable('nobody')).length, 100)
})

t.test(
  'only https can be where a sign-in starts, and http on loopback for an issuer there',
  async (t) => {
    const here = await createTestProvider(t)
    const elsewhere = await createTestProvider(t, { ISSUER: 'https://op.example' })
    const addresses = ['http://app.example/', 'javascript:alert(1)', '/login']
    const onLoopback = 'http://localhost:8080/login'
    for (const provider of [here, elsewhere])
      for (const initiate_login_uri of addresses)
        await t.rejects(provider.createClient({ initiate_login_uri }), {
          message: /^initiate_login_uri: /,
        })
    await t.resolves(here.createClient({ initiate_login_uri: onLoopback }))
    await t.rejects(elsewhere.createClient({ initiate_login_uri: onLoopback }), {
      message: 'initiate_login_uri: Use https.',
    })
  },
)
