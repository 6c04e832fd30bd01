/** What the log, events and metrics must never hold, even at level trace: passwords, codes, tokens, client secrets, cookies. */
import { decodeJwt, exportJWK, generateKeyPair, SignJWT } from 'jose'
import t from 'tap'
import {
  authorizationUrl,
  encode,
  introspect,
  post,
  proceed,
  redeem,
  refresh,
  register,
  sendRegistration,
  toTokens,
  userinfo,
  verifier,
  type Fields,
} from '../support/flow.ts'
import { jwtBearerGrant } from '../../src/protocol/grant-types.ts'
import { deviceClient, enterCode, poll, startDevice } from '../support/device.ts'
import { createDpopKey } from '../support/dpop.ts'
import { recordedEvents } from '../support/events.ts'
import { createTestProvider, password, redirectUri } from '../support/provider.ts'
import { createUserAgent, formOf } from '../support/user-agent.ts'

const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

t.test('no secret of a whole flow, faults included, is in log, events or metrics', async (t) => {
  const provider = await createTestProvider(t, {
    LOG_LEVEL: 'trace',
    CLAVIGER_REGISTRATION: 'token',
    CLAVIGER_SIGN_UP: 'on',
  })
  const { issuer } = provider
  const secrets = new Set<string>()
  const keep = (name: string, value: string | undefined) => {
    if (value === undefined || value.length < 8) throw new Error(`${name} is no secret: ${value}`)
    secrets.add(value)
    return value
  }
  keep('password', password)
  keep('code verifier', verifier)
  const browser = createUserAgent(issuer)
  const keepCookies = () => {
    for (const [name, value] of browser.cookies) keep(name, value)
  }

  await provider.createUser()
  const client = await provider.createClient({ client_secret: keep('secret', 's3cret'.repeat(8)) })
  keep('basic', Buffer.from(`${client.clientId}:${client.secret}`).toString('base64'))

  // A person signs in, at the second try, and allows.
  const page = await browser.open(authorizationUrl(provider, client, { login_hint: 'my-hint-x' }))
  keepCookies()
  const { fields } = formOf(page)
  keep('form token', fields['csrf'])
  keep('request', fields['request'])
  const wrongPassword = keep('wrong password', 'a wrong but long password')
  await browser.submit(page, { username: 'alice@example.com', password: wrongPassword })
  await browser.submit(page, { username: keep('password as name', 'hunter2-hunter2'), password })
  const back = await proceed(browser, page)
  keepCookies()
  const code = keep('code', new URL(back.url).searchParams.get('code') ?? undefined)

  // Tokens are got and used, rightly and wrongly.
  const keepTokens = (answer: Parameters<typeof toTokens>[0]) => {
    const tokens = toTokens(answer)
    for (const name of ['access_token', 'id_token', 'refresh_token'] as const)
      if (name in tokens) keep(name, tokens[name])
    return tokens
  }
  await redeem(provider, client, code, { code_verifier: keep('wrong verifier', 'w'.repeat(50)) })
  const first = keepTokens(await redeem(provider, client, code))
  t.notOk('refresh_token' in first)
  await redeem(provider, client, code)
  const offline = { scope: 'openid email offline_access' }
  const again = await proceed(
    browser,
    await browser.open(authorizationUrl(provider, client, offline)),
  )
  const second = keep('code', new URL(again.url).searchParams.get('code') ?? undefined)
  const tokens = keepTokens(await redeem(provider, client, second))
  await userinfo(provider, tokens.access_token)
  await userinfo(provider, keep('altered token', `${tokens.access_token.slice(0, -9)}AAAAAAAAA`))
  await fetch(`${issuer}/userinfo`, {
    method: 'POST',
    body: encode({ access_token: tokens.access_token }),
  })
  await fetch(`${issuer}/userinfo`, { headers: { authorization: `Bearer ${second} ${second}` } })
  const next = keepTokens(await refresh(provider, client, tokens.refresh_token))
  for (const token of Object.values(next).filter((value) => typeof value === 'string'))
    await introspect(provider, client, token)
  await refresh(provider, client, keep('altered token', `${next.refresh_token.slice(1)}x`))
  keepTokens(await refresh(provider, client, next.refresh_token))
  await refresh(provider, client, tokens.refresh_token)

  // A device is allowed, at the second try.
  const tv = await provider.createClient({
    ...deviceClient,
    grant_types: [...deviceClient.grant_types, jwtBearerGrant],
    assertion_issuers: [
      { issuer, jwks: JSON.parse(provider.services.keyring.jwks().body), subject: 'sub' },
    ],
    token_endpoint_auth_method: 'client_secret_post',
    client_secret: client.secret,
  })
  const { secret: tvSecret } = tv
  const asTv = { clientId: tv.clientId, secret: '' }
  const withSecret = { client_secret: tvSecret }
  const device = await startDevice(provider, asTv, { scope: 'openid', ...withSecret })
  keep('device code', device.device_code)
  keep('user code', device.user_code)
  keep('user code as typed', device.user_code.replace('-', ''))
  await browser.open(device.verification_uri_complete)
  await enterCode(provider, browser, keep('wrong user code', 'BCDF-GHJK'))
  const confirmation = await enterCode(provider, browser, device.user_code)
  keep('form token', formOf(confirmation).fields['csrf'])
  await browser.submit(confirmation, { decision: 'allow' })
  await poll(provider, asTv, { device_code: keep('wrong device code', 'wrong-wrong') }, withSecret)
  keepTokens(await poll(provider, asTv, device, withSecret))
  await poll(provider, asTv, device, withSecret)
  const assertion = { grant_type: jwtBearerGrant, assertion: tokens.access_token }
  await post(provider, '/token', asTv, { ...assertion, ...withSecret })

  // A client registers itself, rightly and wrongly.
  const { secret: initialToken } = await provider.services.initialAccessTokens.create(
    { ttlSeconds: 3600 },
    { actor: 'test' },
  )
  const metadata = { redirect_uris: [redirectUri] }
  const { body: registered } = await register(
    provider,
    metadata,
    keep('initial access token', initialToken),
  )
  const own = (name: string) => keep(name, String(registered[name]))
  own('client_secret')
  const ownAddress = String(registered['registration_client_uri'])
  const ownToken = own('registration_access_token')
  const vendor = await generateKeyPair('ES256')
  const statement = await new SignJWT({ iss: 'https://vendor.example' })
    .setProtectedHeader({ alg: 'ES256' })
    .sign(vendor.privateKey)
  const badStatement = { ...metadata, software_statement: keep('software statement', statement) }
  await register(provider, badStatement, initialToken)
  await register(provider, metadata, keep('wrong initial access token', 'wrong-initial-token'))
  await sendRegistration(ownAddress, 'PUT', { metadata: badStatement, token: ownToken })
  await sendRegistration(ownAddress, 'GET', { token: keep('wrong token', 'wrong-access-token') })
  await sendRegistration(`${ownAddress}?token=${ownToken}`, 'GET', { token: ownToken })

  // Requests are signed and pushed, and so are the answers; tokens are bound to a key.
  const signing = await generateKeyPair('ES256', { extractable: true })
  const signer = await provider.createClient({
    jwks: { keys: [await exportJWK(signing.publicKey)] },
    dpop_bound_access_tokens: true,
  })
  const asked = Object.fromEntries(
    new URL(authorizationUrl(provider, signer, { response_mode: 'jwt' })).searchParams,
  )
  for (const { privateKey: signedBy } of [vendor, signing]) {
    const object = await new SignJWT(asked).setProtectedHeader({ alg: 'ES256' }).sign(signedBy)
    const request = { client_id: signer.clientId, request: keep('request object', object) }
    await browser.open(`${issuer}/authorize?${encode(request).toString()}`)
    const { body } = await post(provider, '/par', signer, request)
    const { request_uri: uri } = body
    if (typeof uri !== 'string') continue
    keep('request_uri', uri)
    keep('reference', uri.split(':').at(-1))
    const wrong = `${issuer}/authorize?${encode({ client_id: 'x', request_uri: uri }).toString()}`
    await browser.open(wrong)
    const pushed = wrong.replace('client_id=x', `client_id=${signer.clientId}`)
    const answered = await proceed(browser, await browser.open(pushed))
    const response = keep('response', new URL(answered.url).searchParams.get('response') ?? '')
    const signedCode = keep('code', String(decodeJwt(response)['code']))
    await browser.open(pushed)
    const key = await createDpopKey(provider)
    const proof = keep('proof', await key.prove('POST /token'))
    await redeem(provider, signer, signedCode, {}, { dpop: `${proof}x` })
    const bound = keepTokens(await redeem(provider, signer, signedCode, {}, { dpop: proof }))
    await redeem(provider, signer, signedCode, {}, { dpop: proof })
    const use = keep('proof', await key.prove('GET /userinfo', { token: bound.access_token }))
    for (const scheme of ['DPoP', 'DPoP', 'Bearer'])
      await fetch(`${issuer}/userinfo`, {
        headers: { authorization: `${scheme} ${bound.access_token}`, dpop: use },
      })
  }

  // Somebody signs up, at the second try.
  const newcomer = createUserAgent(issuer)
  const form = await newcomer.open(`${issuer}/create-account`)
  const name = 'Bob the Newcomer'
  for (const chosen of ['short-1', keep('new password', 'another long passphrase')])
    await newcomer.submit(form, { email: 'bob-new@example.com', name, password: chosen })
  t.ok(newcomer.cookies.size > 1)
  for (const [cookie, value] of newcomer.cookies) keep(cookie, value)

  // Clients authenticate in wrong ways.
  const fault = (fieldsSent: Fields, headers: Record<string, string> = {}) =>
    fetch(`${issuer}/token`, { method: 'POST', headers, body: encode(fieldsSent) })
  const badSecret = keep('bad secret', 'bad-secret-bad-secret')
  await post(provider, '/token', { ...client, secret: badSecret }, { grant_type: 'x' })
  await fault({ client_id: client.clientId, client_secret: badSecret })
  await fault({ client_secret: [badSecret, badSecret] })
  for (const scheme of ['Basic', 'Bearer', 'Digest'])
    await fault({}, { authorization: `${scheme} ${badSecret}` })
  const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true })
  const machine = await provider.createClient({
    token_endpoint_auth_method: 'private_key_jwt',
    jwks: { keys: [await exportJWK(publicKey)] },
  })
  for (const key of [privateKey, (await generateKeyPair('ES256')).privateKey]) {
    const claim = new SignJWT({ sub: machine.clientId, jti: keep('jti', 'jti-jti-jti-jti') })
    const signed = await claim.setProtectedHeader({ alg: 'ES256' }).sign(key)
    keep('assertion', signed)
    await fault({ client_assertion_type: assertionType, client_assertion: signed })
    await fault({ client_assertion_type: assertionType, client_assertion: `${signed}.` })
  }

  // Secrets where they do not belong: in URLs, in headers, in bodies that cannot be read.
  for (const path of ['/token', '/userinfo', '/login', '/logout', '/revoke', '/nowhere', '/%zz'])
    await browser.open(`${issuer}${path}?code=${code}&access_token=${tokens.access_token}&%zz`)
  await fetch(`${issuer}/token`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ password }),
  })
  await fetch(`${issuer}/token`, { method: 'POST', body: encode({ code: code.repeat(2000) }) })
  await fetch(`${issuer}/token`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: `code=${code}%00&refresh_token=${tokens.refresh_token}%ff`,
  })

  // The database goes away in the middle, and the person leaves.
  const hint = { id_token_hint: tokens.id_token }
  await browser.open(`${issuer}/logout?${encode(hint).toString()}`)
  const events = (await recordedEvents(provider)).map((event) => JSON.stringify(event))
  await provider.database.close()
  await redeem(provider, client, code)
  await browser.submit(page, { username: 'alice@example.com', password })
  await introspect(provider, client, tokens.access_token)
  await refresh(provider, client, next.refresh_token)

  const logged = provider.logged.map((line) => JSON.stringify(line))
  t.ok(logged.length > 50, 'there was something to log')
  t.ok(events.length > 20, 'and to record')
  const metrics = (await provider.services.metrics.text()).split('\n')
  const lines = [...logged, ...events, ...metrics]
  const personal = ['alice@example.com', 'my-hint-x', 'bob-new@example.com', 'the Newcomer']
  const forms = [...secrets, ...personal].flatMap((secret) => [
    secret,
    encodeURIComponent(secret),
    JSON.stringify(secret).slice(1, -1),
  ])
  t.strictSame(
    lines.filter((line) => forms.some((form) => line.includes(form))),
    [],
  )
})
