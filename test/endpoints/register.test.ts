/** The registration endpoint (RFC 7591) and each client's own (RFC 7592), as the conformance suite and the RFCs ask. */
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import {
  introspect,
  obtainTokens,
  post,
  refresh,
  register,
  sendRegistration,
  startSession,
  userinfo,
  type Answer,
} from '../support/flow.ts'
import { createTestProvider, redirectUri, type TestProvider } from '../support/provider.ts'
import { send } from '../support/raw-http.ts'
import { checkJsonRefusal } from '../support/refusals.ts'

const day = 86_400
const act = { actor: 'ada' }
const redirect_uris = [redirectUri]
const both = { redirect_uris, grant_types: ['authorization_code', 'refresh_token'] }

const open = await createTestProvider(t, { CLAVIGER_REGISTRATION: 'open' })
const { sub } = await open.createUser()

function toParty({ body }: Answer) {
  const { client_id, client_secret = '' } = body
  return { clientId: String(client_id), secret: String(client_secret) }
}

function accessOf({ body }: Answer) {
  return {
    url: String(body['registration_client_uri']),
    token: String(body['registration_access_token']),
  }
}

function manage(answer: Answer, method: string, metadata?: object): Promise<Answer> {
  const { url, token } = accessOf(answer)
  return sendRegistration(url, method, { token, ...(metadata && { metadata }) })
}

const isChallenged = (t: Test, { status, headers, body }: Answer, about: string) =>
  t.match(
    { status, challenge: headers.get('www-authenticate'), body },
    { status: 401, challenge: /^Bearer realm="claviger"/, body: { error: 'invalid_token' } },
    about,
  )

async function discover(issuer: string): Promise<Record<string, unknown>> {
  const response = await fetch(`${issuer}/.well-known/openid-configuration`)
  return (await response.json()) as Record<string, unknown>
}

function without(object: Answer['body'], ...members: string[]): Answer['body'] {
  return Object.fromEntries(Object.entries(object).filter(([member]) => !members.includes(member)))
}

const secretMembers = ['client_secret', 'client_secret_expires_at']

async function audited({ database }: TestProvider, subject: unknown) {
  return database.query<{ action: string; actor: string; details: object }>(
    'select action, actor, details from audit_events where subject = $1 order by id',
    [subject],
  )
}

t.test('oidcc dynamic variants: 201 and all that was registered (RFC 7591 §3.2.1)', async (t) => {
  const { publicKey } = await generateKeyPair('RS256')
  const jwks = { keys: [{ ...(await exportJWK(publicKey)), kid: 'of-the-suite', use: 'sig' }] }
  const wanted = {
    ...both,
    jwks,
    response_types: ['code'],
    contacts: ['certification@oidf.example'],
    client_name: 'Suite',
    token_endpoint_auth_method: 'client_secret_post',
    post_logout_redirect_uris: [redirectUri],
    backchannel_logout_uri: 'https://suite.example/backchannel_logout',
    initiate_login_uri: 'https://suite.example/initiate',
    logo_uri: 'https://suite.example/logo.png',
    policy_uri: 'https://suite.example/policy',
    tos_uri: 'https://suite.example/tos',
  }
  const answer = await register(open, wanted)
  t.equal(answer.status, 201)
  t.equal(answer.headers.get('cache-control'), 'no-store')
  t.match(answer.headers.get('content-type'), /^application\/json/)
  const { client_id, client_secret, registration_access_token, ...others } = answer.body
  t.strictSame(others, {
    ...wanted,
    client_secret_expires_at: 0,
    client_id_issued_at: Math.floor(open.clock.now().getTime() / 1000),
    application_type: 'web',
    scope: 'openid profile email address phone offline_access',
    id_token_signed_response_alg: 'RS256',
    require_auth_time: false,
    registration_client_uri: `${open.issuer}/register/${String(client_id)}`,
  })
  t.match(client_secret, /^[\w-]{43}$/)
  t.match(registration_access_token, /^[\w-]{43}$/)
  t.strictSame(await audited(open, client_id), [
    { action: 'clients.register', actor: `client:${String(client_id)}`, details: {} },
  ])
})

t.test('a public client gets no secret, and so no client_secret_expires_at', async (t) => {
  const { status, body } = await register(open, {
    redirect_uris,
    token_endpoint_auth_method: 'none',
  })
  t.equal(status, 201)
  t.notOk('client_secret' in body || 'client_secret_expires_at' in body)
})

t.test('the client that registered itself goes through the whole flow', async (t) => {
  const client = toParty(await register(open, both))
  const scope = 'openid profile address phone offline_access'
  const tokens = await obtainTokens(open, await startSession(open, sub), client, { scope })
  t.equal(tokens.scope, scope)
  t.match(await userinfo(open, tokens.access_token), { status: 200 })
  t.match(await refresh(open, client, tokens.refresh_token), { status: 200 })
})

t.test('one without the refresh_token grant gets none (RFC 7591 §2)', async (t) => {
  const client = toParty(await register(open, { redirect_uris }))
  const tokens = await obtainTokens(open, await startSession(open, sub), client)
  t.equal(tokens.refresh_token, undefined)
})

t.test('oidcc-redirect-uri-regfrag: a fragment is 400 invalid_redirect_uri', async (t) => {
  const answer = await register(open, { redirect_uris: [`${redirectUri}#fragment`] })
  t.match(answer, { status: 400, body: { error: 'invalid_redirect_uri' } })
  t.equal(
    answer.body['error_description'],
    "Mend the client's metadata. redirect_uris[0]: Leave out the fragment (RFC 6749 section 3.1.2).",
  )
})

t.test('what is no metadata is refused as JSON with words that help', async (t) => {
  const post = (body: string, type = 'application/json') =>
    send(open.issuer, {
      method: 'POST',
      path: '/register',
      headers: type === '' ? {} : { 'content-type': type },
      body,
    })
  const cases: [body: string, type: string | undefined, status: number, error: string][] = [
    ['', undefined, 400, 'invalid_request'],
    ['{', undefined, 400, 'invalid_request'],
    ['[]', undefined, 400, 'invalid_request'],
    ['null', undefined, 400, 'invalid_request'],
    ['{}', undefined, 400, 'invalid_redirect_uri'],
    ['{"redirect_uris": ["https://a.example/\\u0000"]}', undefined, 400, 'invalid_client_metadata'],
    ['{"redirect_uris": [7]}', undefined, 400, 'invalid_redirect_uri'],
    ['{"redirect_uris": {"__proto__": 1}}', undefined, 400, 'invalid_redirect_uri'],
    ['redirect_uris=x', 'application/x-www-form-urlencoded', 400, 'invalid_request'],
    ['{}', 'text/plain', 400, 'invalid_request'],
    ['{}', '', 400, 'invalid_request'],
    [`{"client_name": "${'a'.repeat(65_536)}"}`, undefined, 413, 'invalid_request'],
    [
      JSON.stringify({ redirect_uris, contacts: ['x'.repeat(60_000)] }),
      undefined,
      400,
      'invalid_client_metadata',
    ],
    [`{"jwks": ${'['.repeat(9000)}${']'.repeat(9000)}}`, undefined, 400, 'invalid_client_metadata'],
  ]
  const [before] = await open.database.query('select count(*)::int as clients from clients')
  for (const [body, type, status, error] of cases)
    checkJsonRefusal(t, open, await post(body, type), { status, error }, body.slice(0, 60))
  t.strictSame(await open.database.query('select count(*)::int as clients from clients'), [before])
})

t.test('many faults are told at once, and cut', async (t) => {
  const uris = Array.from({ length: 50 }, (_, index) => `https://a.example/${index}#`)
  const { body } = await register(open, { redirect_uris: uris, logo_uri: 'x' })
  t.equal(body['error'], 'invalid_redirect_uri')
  t.ok(String(body['error_description']).length < 310)
})

t.test('RFC 7592 §2.1: the client reads its registration', async (t) => {
  const answer = await register(open, both)
  const read = await manage(answer, 'GET')
  t.equal(read.status, 200)
  const registered = without(answer.body, ...secretMembers)
  t.strictSame(read.body, registered, 'all but the secret, which is stored as a hash')
  t.equal(read.headers.get('cache-control'), 'no-store')
})

t.test('RFC 7592 §2: without the right token 401, the same for an unknown client', async (t) => {
  const [one, other] = await Promise.all([register(open, both), register(open, both)])
  const { url, token } = accessOf(one)
  const bytes = Buffer.from(token, 'base64url')
  bytes[0]! ^= 1
  const wrong: [url: string, token: string | undefined, about: string][] = [
    [url, undefined, 'none'],
    [url, accessOf(other).token, "another client's"],
    [url, bytes.toString('base64url'), 'one bit is wrong'],
    [url, toParty(one).secret, "the client's secret"],
    [url, token.slice(0, -1), 'cut'],
    [`${open.issuer}/register/unknown`, token, 'an unknown client'],
    [`${open.issuer}/register/%00`, token, 'NUL'],
    [url.toUpperCase().replace(/^.*REGISTER/, `${open.issuer}/register`), token, 'upper case'],
  ]
  const administered = await open.createClient()
  wrong.push([`${open.issuer}/register/${administered.clientId}`, token, "an administrator's"])
  const texts = new Set<unknown>()
  for (const [at, presented, about] of wrong)
    for (const method of ['GET', 'PUT', 'DELETE']) {
      const metadata = { ...both, client_id: toParty(one).clientId }
      const answer = await sendRegistration(at, method, {
        token: presented,
        ...(method === 'PUT' && { metadata }),
      })
      isChallenged(t, answer, `${method}, ${about}`)
      if (presented !== undefined) texts.add(answer.body['error_description'])
    }
  t.equal(texts.size, 1, 'nobody learns what was wrong')
  t.match(await manage(one, 'GET'), { status: 200 }, 'nothing was deleted')
})

t.test('RFC 7592 §2.2: PUT replaces all; what is left out goes back to its default', async (t) => {
  const answer = await register(open, {
    ...both,
    client_name: 'Old',
    contacts: ['a@app.example'],
    scope: 'openid',
  })
  const client = toParty(answer)
  const metadata = { client_id: client.clientId, redirect_uris, client_name: 'New', tos_uri: null }
  const changed = await manage(answer, 'PUT', metadata)
  t.strictSame(changed.body, {
    ...without(answer.body, ...secretMembers, 'contacts'),
    client_name: 'New',
    grant_types: ['authorization_code'],
    scope: 'openid profile email address phone',
  })
  t.strictSame((await manage(answer, 'GET')).body, changed.body, 'with the same access token')
  t.match((await audited(open, client.clientId)).at(-1), {
    action: 'clients.update',
    actor: `client:${client.clientId}`,
    details: { changed: ['client_name', 'contacts', 'grant_types', 'scope'] },
  })
  const whole = { ...changed.body, client_secret: client.secret, client_id_issued_at: 1 }
  t.match(
    await manage(answer, 'PUT', whole),
    { status: 200 },
    'all that it was told, and its secret',
  )
  t.match(await post(open, '/introspect', client, { token: 'x.y' }), { status: 200 })
})

t.test('PUT needs its own client_id, and no other secret (RFC 7592 §2.2)', async (t) => {
  const answer = await register(open, both)
  const { clientId: client_id } = toParty(answer)
  const cases: [metadata: object, about: string][] = [
    [both, 'no client_id'],
    [{ ...both, client_id: 'other' }, 'another client_id'],
    [{ ...both, client_id, client_secret: 'guessed' }, 'another secret'],
    [{ ...both, client_id, client_secret: 7 }, 'no text'],
  ]
  for (const [metadata, about] of cases)
    t.match(
      await manage(answer, 'PUT', metadata),
      { status: 400, body: { error: 'invalid_client_metadata' } },
      about,
    )
  t.match(await manage(answer, 'PUT', { client_id, redirect_uris: ['x#y'] }), {
    status: 400,
    body: { error: 'invalid_redirect_uri' },
  })
})

t.test('PUT to another way of authenticating ends the secret, or makes one', async (t) => {
  const answer = await register(open, { ...both, token_endpoint_auth_method: 'none' })
  const { clientId: client_id } = toParty(answer)
  const confidential = await manage(answer, 'PUT', { ...both, client_id })
  t.match(confidential.body, { client_secret: /^[\w-]{43}$/, client_secret_expires_at: 0 })
  const party = toParty(confidential)
  t.match(await post(open, '/introspect', party, { token: 'x.y' }), { status: 200 })
  const back = await manage(answer, 'PUT', {
    ...both,
    client_id,
    token_endpoint_auth_method: 'none',
  })
  t.notOk('client_secret' in back.body)
  t.match(await post(open, '/introspect', party, { token: 'x.y' }), { status: 401 })
})

t.test(
  'what an administrator has set is not for the client to undo, nor shown to it',
  async (t) => {
    const answer = await register(open, both)
    const { clientId: client_id } = toParty(answer)
    await open.services.clients.update(client_id, { require_pkce: true })
    const metadata = { ...both, client_id, require_pkce: false, skip_consent: true }
    const { body } = await manage(answer, 'PUT', metadata)
    t.notOk('require_pkce' in body || 'skip_consent' in body)
    t.match(await open.services.clients.find(client_id), {
      metadata: { require_pkce: true, skip_consent: false },
    })
  },
)

t.test('RFC 7592 §2.3: DELETE is 204, and ends all that the client holds', async (t) => {
  const answer = await register(open, both)
  const client = toParty(answer)
  const scope = 'openid offline_access'
  const tokens = await obtainTokens(open, await startSession(open, sub), client, { scope })
  const observer = await open.createClient()
  t.match(await introspect(open, observer, tokens.access_token), { active: true })
  const { url, token } = accessOf(answer)
  const deleted = await send(open.issuer, {
    method: 'DELETE',
    path: new URL(url).pathname,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
  })
  t.match(deleted, { status: 204, body: '' })
  t.strictSame(await introspect(open, observer, tokens.access_token), { active: false })
  t.match(await userinfo(open, tokens.access_token), { status: 401 })
  t.match(await refresh(open, client, tokens.refresh_token), { status: 401 })
  isChallenged(t, await manage(answer, 'DELETE'), 'the second time')
  t.match((await audited(open, client.clientId)).at(-1), {
    action: 'clients.revoke',
    actor: `client:${client.clientId}`,
  })
})

t.test('a client that was revoked is for an administrator only', async (t) => {
  const answer = await register(open, both)
  await open.services.revocations.revokeClient(toParty(answer).clientId, act)
  for (const method of ['GET', 'DELETE']) isChallenged(t, await manage(answer, method), method)
})

t.test('a registration that is refused while the client goes writes nothing', async (t) => {
  const answer = await register(open, both)
  const { clientId: client_id } = toParty(answer)
  const [put, removed] = await Promise.all([
    manage(answer, 'PUT', { ...both, client_id }),
    manage(answer, 'DELETE'),
  ])
  t.equal(removed.status, 204)
  t.ok([200, 401].includes(put.status), `PUT: ${put.status}`)
  isChallenged(t, await manage(answer, 'GET'), 'afterwards')
})

t.test('off: there is no endpoint, and it says who can make clients', async (t) => {
  const off = await createTestProvider(t, {}, { beside: open })
  const answer = await register(open, both)
  const { token } = accessOf(answer)
  const { clientId } = toParty(answer)
  const own = `http://127.0.0.1:${off.config.port}`
  for (const [method, path] of [
    ['POST', '/register'],
    ['GET', `/register/${clientId}`],
    ['PUT', `/register/${clientId}`],
    ['DELETE', `/register/${clientId}`],
  ] as const) {
    const metadata = method === 'POST' || method === 'PUT' ? { metadata: both } : {}
    const { status, body } = await sendRegistration(own + path, method, { token, ...metadata })
    t.match(
      { status, ...body },
      { status: 404, error: 'not_found', error_description: /is off.*claviger clients create/ },
      method,
    )
  }
  const [hidden, shown] = await Promise.all([own, open.issuer].map(discover))
  t.equal(hidden?.['registration_endpoint'], undefined)
  t.equal(shown?.['registration_endpoint'], `${open.issuer}/register`)
})

t.test('token: only with an initial access token that counts (RFC 7591 §3)', async (t) => {
  const provider = await createTestProvider(t, { CLAVIGER_REGISTRATION: 'token' })
  const { initialAccessTokens } = provider.services
  const create = (wanted = {}) =>
    initialAccessTokens.create({ ttlSeconds: day, ...wanted }, { actor: 'ada' })
  isChallenged(t, await register(provider, both), 'none')
  isChallenged(t, await register(provider, both, 'made-up'), 'made up')

  const { secret, token } = await create({ maxUses: 2 })
  t.match(await register(provider, { redirect_uris: [] }, secret), { status: 400 })
  const service = { grant_types: ['client_credentials'], scope: 'openid' }
  const first = await register(provider, service, secret)
  t.match(first, { status: 201, body: { grant_types: ['client_credentials'] } }, 'still two uses')
  t.match(await register(provider, both, secret), { status: 201 })
  isChallenged(t, await register(provider, both, secret), 'used up')
  t.strictSame(await audited(provider, first.body['client_id']), [
    { action: 'clients.register', actor: `registration-token:${token.id}`, details: {} },
  ])

  const revoked = await create()
  await initialAccessTokens.revoke(revoked.token.id, act)
  isChallenged(t, await register(provider, both, revoked.secret), 'revoked')
  const expired = await create()
  provider.clock.advance(day)
  isChallenged(t, await register(provider, both, expired.secret), 'expired')
  t.match(await manage(first, 'GET'), { status: 200 }, 'clients outlive the token')
})

t.test('of parallel registrations no more win than the token has uses', async (t) => {
  const provider = await createTestProvider(t, { CLAVIGER_REGISTRATION: 'token' })
  const { secret } = await provider.services.initialAccessTokens.create(
    { ttlSeconds: day, maxUses: 3 },
    act,
  )
  const answers = await Promise.all(
    Array.from({ length: 12 }, () => register(provider, both, secret)),
  )
  const count = (wanted: number) => answers.filter(({ status }) => status === wanted).length
  t.strictSame([count(201), count(401)], [3, 9])
  t.equal((await provider.services.clients.list()).length, 3)
  t.match(await provider.services.initialAccessTokens.list(), [{ uses: 3 }])
})

t.test('open: an initial access token is not needed, but one that is sent counts', async (t) => {
  const { secret, token } = await open.services.initialAccessTokens.create({ ttlSeconds: day }, act)
  isChallenged(t, await register(open, both, 'made-up'), 'made up')
  t.match(await register(open, { grant_types: ['client_credentials'] }, secret), { status: 201 })
  t.match(await open.services.initialAccessTokens.list(), [{ id: token.id, uses: 1 }])
})

t.test('open: a network registers a hundred clients an hour, then waits', async (t) => {
  const provider = await createTestProvider(t, { CLAVIGER_REGISTRATION: 'open' })
  for (let count = 1; count <= 100; count++) await provider.services.rateLimits.registration('::1')
  const elsewhere = await register(provider, both)
  t.equal(elsewhere.status, 201)
  for (let count = 2; count <= 100; count++)
    await provider.services.rateLimits.registration('127.0.0.1')
  const { status, headers, body } = await register(provider, both)
  t.match({ status, body }, { status: 429, body: { error: 'temporarily_unavailable' } })
  t.ok(Number(headers.get('retry-after')) > 0)
})

t.test('a client stays from its first token on, and goes when it never gets one', async (t) => {
  const expiresAt = async ({ clientId }: { clientId: string }) => {
    const [row] = await open.database.query<{ expires_at: Date | null }>(
      'select expires_at from client_registrations where client_id = $1',
      [clientId],
    )
    return row?.expires_at
  }
  const client = toParty(await register(open, both))
  const week = new Date(open.clock.now().getTime() + 7 * day * 1000)
  t.strictSame(await expiresAt(client), week)
  t.match(await post(open, '/token', client, { grant_type: 'authorization_code', code: 'x' }), {
    status: 400,
  })
  t.strictSame(await expiresAt(client), week, 'a refusal is no use')
  const scope = 'openid offline_access'
  const tokens = await obtainTokens(open, await startSession(open, sub), client, { scope })
  t.equal(await expiresAt(client), null)
  const { roundTrips } = open.database
  await refresh(open, client, tokens.refresh_token)
  const again = await obtainTokens(open, await startSession(open, sub), client, { scope })
  t.equal(
    await roundTrips(() => refresh(open, client, again.refresh_token)),
    1,
    'and costs no more',
  )
})

t.test('software statements: what is signed goes before what is sent (§2.3)', async (t) => {
  const issuer = 'https://vendor.example'
  const { publicKey, privateKey } = await generateKeyPair('ES256')
  const file = join(t.testdir({}), 'issuers.json')
  await writeFile(file, JSON.stringify([{ issuer, jwks: { keys: [await exportJWK(publicKey)] } }]))
  const provider = await createTestProvider(t, {
    CLAVIGER_REGISTRATION: 'open',
    CLAVIGER_SOFTWARE_STATEMENT_ISSUERS_FILE: file,
  })
  const sign = (claims: object) =>
    new SignJWT({ iss: issuer, ...claims }).setProtectedHeader({ alg: 'ES256' }).sign(privateKey)
  const software_statement = await sign({ client_name: 'Signed', skip_consent: true })
  const sent = { ...both, client_name: 'Sent', software_statement }
  const answer = await register(provider, sent)
  t.match(answer, { status: 201, body: { client_name: 'Signed', software_statement } })
  t.strictSame((await manage(answer, 'GET')).body['software_statement'], software_statement)
  const { clientId: client_id } = toParty(answer)
  t.match(await provider.services.clients.find(client_id), { metadata: { skip_consent: false } })

  const faulty = await register(provider, {
    ...both,
    software_statement: await sign({ redirect_uris: ['http://a.example/'] }),
  })
  t.match(faulty, { status: 400, body: { error: 'invalid_redirect_uri' } })
  t.match(await register(provider, { ...both, software_statement: { iss: 'x' } }), {
    status: 400,
    body: { error: 'invalid_software_statement' },
  })
  t.match(await register(open, sent), {
    status: 400,
    body: { error: 'unapproved_software_statement' },
  })
  const bare = await manage(answer, 'PUT', { ...both, client_id })
  t.notOk('software_statement' in bare.body || 'client_name' in bare.body)
})

t.test('no log line has a secret in it, and none is an error', async (t) => {
  const answer = await register(open, both)
  await manage(answer, 'GET')
  const log = JSON.stringify(open.logged)
  t.notMatch(log, toParty(answer).secret)
  t.notMatch(log, accessOf(answer).token)
  t.strictSame(
    open.logged.filter(({ level }) => Number(level) >= 50),
    [],
  )
})
