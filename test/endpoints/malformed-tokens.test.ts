/** Malformed, forged and misplaced JWTs, wherever a token can be sent: worth nothing, and never a 500 (RFC 8725). */
import t, { type Test } from 'tap'
import { authorizationUrl, encode as encodeForm, post, type Fields } from '../support/flow.ts'
import { redirectUri } from '../support/provider.ts'
import { send, sendForm } from '../support/raw-http.ts'
import { checkJsonRefusal, checkPageRefusal, checkRedirectRefusal } from '../support/refusals.ts'
import { tableContents } from '../support/table-contents.ts'
import { accessTokenType, exchangeGrant, idTokenType } from '../support/token-exchange.ts'
import { forge, misissue, parts, shapeless } from './forged-tokens.ts'
import { cookieHeader, createWorld } from './routes.ts'

const { provider, client, tokens, browser } = await createWorld(t)
const { issuer, services, database, clock } = provider
const { access_token: accessToken, id_token: idToken, refresh_token: refreshToken } = tokens
const basic = Buffer.from(`${client.clientId}:${client.secret}`).toString('base64')
const authorization = `Basic ${basic}`
const challenge =
  /^Bearer realm="[^"]+", error="invalid_token", error_description="[^"]+", DPoP algs="[^"]+"$/
const invalidToken = { status: 401, error: 'invalid_token' }

const badAccessTokens = {
  ...shapeless,
  ...forge(accessToken, services),
  ...(await misissue(accessToken, services)),
  'an ID token': idToken,
  'a refresh token': refreshToken,
}
const badHints = {
  ...shapeless,
  ...forge(idToken, services),
  ...(await misissue(idToken, services)),
  'an access token': accessToken,
  'a refresh token': refreshToken,
}

async function leavesNoTrace(t: Test, work: () => Promise<void>): Promise<void> {
  const before = await tableContents(database)
  await work()
  t.strictSame(await tableContents(database), before, 'nothing was written')
}

const userinfo = (token: string) =>
  send(issuer, { path: '/userinfo', headers: { authorization: `Bearer ${token}` } })
const revocations = (token: string) =>
  send(issuer, { path: '/revocations', headers: { authorization: `Bearer ${token}` } })
const postUserinfo = (token: string) =>
  sendForm(issuer, '/userinfo', encodeForm({ access_token: token }).toString())
const postToken = (path: string, token: string) =>
  sendForm(issuer, path, encodeForm({ token }).toString(), { authorization })

t.test('the good tokens are good everywhere, so what follows proves something', async (t) => {
  t.equal((await userinfo(accessToken)).status, 200)
  t.equal((await postUserinfo(accessToken)).status, 200)
  for (const token of [accessToken, refreshToken])
    t.equal(JSON.parse((await postToken('/introspect', token)).body).active, true)
  const url = authorizationUrl(provider, client, { prompt: 'none', id_token_hint: idToken })
  t.match((await browser.open(url)).url, /[?]code=/)
})

t.test('as a bearer token: 401 invalid_token, with the challenge (RFC 6750 §3.1)', (t) =>
  leavesNoTrace(t, async () => {
    for (const [name, token] of Object.entries(badAccessTokens)) {
      const answers = [await postUserinfo(token)]
      // RFC 6750 §2.1
      if (/^[\w.~+/-]+=*$/.test(token))
        answers.push(await userinfo(token), await revocations(token))
      for (const answer of answers) {
        checkJsonRefusal(t, provider, answer, invalidToken, name)
        t.match(answer.headers.get('www-authenticate'), challenge, name)
      }
    }
  }),
)

t.test('as a token to introspect: not active, and nothing else told (RFC 7662 §2.2)', (t) =>
  leavesNoTrace(t, async () => {
    const { 'a refresh token': _, ...bad } = badAccessTokens
    for (const [name, token] of Object.entries(bad)) {
      const { status, body } = await postToken('/introspect', token)
      t.strictSame([status, body], [200, '{"active":false}'], name)
    }
  }),
)

t.test('as a token to revoke: 200, as it is worth nothing already (RFC 7009 §2.2)', (t) =>
  leavesNoTrace(t, async () => {
    const { 'a refresh token': _, ...bad } = badAccessTokens
    for (const [name, token] of Object.entries(bad)) {
      const { status, body } = await postToken('/revoke', token)
      t.strictSame([status, body], [200, ''], name)
    }
  }),
)

t.test('as a code or a refresh token: invalid_grant', (t) =>
  leavesNoTrace(t, async () => {
    const { 'a refresh token': _, ...bad } = badAccessTokens
    for (const [name, token] of Object.entries({ ...bad, 'an access token': accessToken }))
      for (const form of [
        { grant_type: 'refresh_token', refresh_token: token },
        { grant_type: 'authorization_code', code: token, redirect_uri: redirectUri },
      ]) {
        const answer = await sendForm(issuer, '/token', encodeForm(form).toString(), {
          authorization,
        })
        const expected = { status: 400, error: 'invalid_grant' }
        checkJsonRefusal(t, provider, answer, expected, `${name}, ${form.grant_type}`)
      }
  }),
)

t.test('as a subject or actor token: invalid_request (RFC 8693 §2.2.2)', (t) =>
  leavesNoTrace(t, async () => {
    const good = { subject_token: accessToken, subject_token_type: accessTokenType }
    const send = (fields: Fields) =>
      post(provider, '/token', client, { grant_type: exchangeGrant, ...good, ...fields })
    for (const [bad, type] of [
      [badAccessTokens, accessTokenType],
      [badHints, idTokenType],
    ] as const)
      for (const [name, token] of Object.entries(bad))
        for (const fields of [
          { subject_token: token, subject_token_type: type },
          { actor_token: token, actor_token_type: type },
        ])
          t.match(
            await send(token === '' ? { subject_token: token } : fields),
            { status: 400, body: { error: 'invalid_request' } },
            `${name}, ${Object.keys(fields).join()}`,
          )
    t.equal((await send({})).status, 200)
  }),
)

t.test('as id_token_hint of an authorization request: invalid_request at the client', (t) =>
  leavesNoTrace(t, async () => {
    for (const [name, hint] of Object.entries(badHints)) {
      const { pathname, search } = new URL(
        authorizationUrl(provider, client, { id_token_hint: hint }),
      )
      const headers = { cookie: cookieHeader(browser) }
      const answer = await send(issuer, { path: pathname + search, headers })
      const expected = { error: 'invalid_request', redirectUri, state: 'the state' }
      checkRedirectRefusal(t, provider, answer, expected, name)
    }
  }),
)

t.test('as id_token_hint of a logout: a page, and the session goes on', (t) =>
  leavesNoTrace(t, async () => {
    const headers = { cookie: cookieHeader(browser) }
    for (const [name, hint] of Object.entries(badHints)) {
      const text = encodeForm({
        id_token_hint: hint,
        post_logout_redirect_uri: redirectUri,
      }).toString()
      for (const answer of [
        await send(issuer, { path: `/logout?${text}`, headers }),
        await sendForm(issuer, '/logout', text, headers),
      ])
        checkPageRefusal(t, provider, answer, { status: 400, error: 'invalid_request' }, name)
    }
  }),
)

t.test('an ID token of another client is no hint for this one', async (t) => {
  const other = await provider.createClient({ post_logout_redirect_uris: [redirectUri] })
  const fields = { client_id: other.clientId, id_token_hint: idToken }
  const text = encodeForm({ ...fields, post_logout_redirect_uri: redirectUri }).toString()
  const headers = { cookie: cookieHeader(browser) }
  const answer = await send(issuer, { path: `/logout?${text}`, headers })
  checkPageRefusal(t, provider, answer, { status: 400, error: 'invalid_request' }, 'logout')
})

t.test('an access token for another audience is not for userinfo (RFC 9068 §4)', async (t) => {
  const { payload } = parts(accessToken)
  for (const aud of [
    'https://api.example',
    ['https://api.example'],
    `${issuer}/`,
    '',
    [],
    undefined,
  ]) {
    const token = await services.keyring.sign('RS256', 'at+jwt', { ...payload, aud })
    checkJsonRefusal(t, provider, await userinfo(token), invalidToken, JSON.stringify(aud))
  }
})

t.test('an expired access token is worth nothing', async (t) => {
  clock.advance(600)
  checkJsonRefusal(t, provider, await userinfo(accessToken), invalidToken, 'expired')
  t.equal((await postToken('/introspect', accessToken)).body, '{"active":false}')
  t.equal((await postToken('/revoke', accessToken)).status, 200)
})

t.test('no secret part of a refused token is in the log', async (t) => {
  const log = provider.logged.map((line) => JSON.stringify(line)).join('\n')
  for (const token of [accessToken, idToken, refreshToken])
    t.notMatch(log, token.split('.').at(-1) ?? token)
  t.strictSame(
    provider.logged.filter(({ level }) => Number(level) >= 50),
    [],
  )
})
