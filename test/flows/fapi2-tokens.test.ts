/** What FAPI 2.0 §5.3.2.1 asks of the tokens of a client with the profile fapi2, whichever grant they come from. */
import { randomUUID } from 'node:crypto'
import t from 'tap'
import { grantTypeNames } from '../../src/grants/index.ts'
import { deviceCodeGrant, jwtBearerGrant } from '../../src/protocol/grant-types.ts'
import { createDpopKey } from '../support/dpop.ts'
import { answerDevice } from '../support/device.ts'
import { callback, createFapi2Client } from '../support/fapi2-client.ts'
import { startSession, toTokens, verifier, type Answer, type Fields } from '../support/flow.ts'
import { createTestProvider } from '../support/provider.ts'
import { accessTokenType, exchangeGrant } from '../support/token-exchange.ts'

const provider = await createTestProvider(t, {
  CLAVIGER_AUTHORIZATION_CODE_TTL_SECONDS: '600',
  CLAVIGER_CLOCK_SKEW_SECONDS: '300',
})
const { issuer, clock, services } = provider
const { sub } = await provider.createUser()
const plain = await createFapi2Client(provider)
const partner = await services.clients.find(plain.clientId)
const scope = 'openid offline_access'
const client = await createFapi2Client(provider, {
  grant_types: grantTypeNames,
  scope,
  token_exchange: { audiences: [issuer], delegation: 'none' },
  assertion_issuers: [
    { issuer: 'https://partner.example', jwks: partner?.metadata.jwks, subject: 'sub' },
  ],
})
const key = await createDpopKey(provider)

const ask = async (fields: Fields, dpop?: string): Promise<Answer> =>
  client.send(fields, { path: '/token', ...(dpop !== undefined && { dpop }) })
const askWithKey = async (fields: Fields) => ask(fields, await key.prove('POST /token'))

async function obtainCode(): Promise<Fields> {
  const browser = await startSession(provider, sub)
  const { url } = await browser.open(
    client.frontChannel(await client.requestUri(client.push({ scope }))),
  )
  return {
    grant_type: 'authorization_code',
    code: new URL(url).searchParams.get('code') ?? '',
    redirect_uri: callback,
    code_verifier: verifier,
  }
}

/** What the profile sets, one by one. */
const unprofiled = {
  token_endpoint_auth_method: 'private_key_jwt',
  dpop_bound_access_tokens: true,
  require_pushed_authorization_requests: true,
}

const refreshing = (refresh_token: string) => ({ grant_type: 'refresh_token', refresh_token })

async function obtainDeviceCode(): Promise<Fields> {
  const { body } = await client.send({ scope }, { path: '/device_authorization' })
  const browser = await startSession(provider, sub)
  await answerDevice(provider, browser, { user_code: String(body['user_code']) })
  return { grant_type: deviceCodeGrant, device_code: String(body['device_code']) }
}

async function makeAssertion(): Promise<Fields> {
  const claims = { iss: 'https://partner.example', sub, aud: issuer, jti: randomUUID() }
  const times = { iat: client.seconds(), exp: client.seconds(60) }
  return {
    grant_type: jwtBearerGrant,
    assertion: await plain.sign({ ...claims, ...times }),
  }
}

t.test('every grant binds its tokens to a key, and gives none without', async (t) => {
  const { access_token, refresh_token } = toTokens(await askWithKey(await obtainCode()))
  const requests: Fields[] = [
    await obtainCode(),
    refreshing(refresh_token),
    { grant_type: 'client_credentials' },
    await obtainDeviceCode(),
    await makeAssertion(),
    { grant_type: exchangeGrant, subject_token: access_token, subject_token_type: accessTokenType },
  ]
  for (const request of requests) {
    const name = String(request['grant_type'])
    const refused = await ask(request)
    t.match(refused, { status: 400, body: { error: 'invalid_dpop_proof' } }, name)
    const { status, body } = await askWithKey(request)
    t.strictSame([status, body['token_type']], [200, 'DPoP'], name)
  }
})

t.test('refresh tokens are not rotated, and so are never reused', async (t) => {
  const { refresh_token: token } = toTokens(await askWithKey(await obtainCode()))
  for (const seconds of [0, 20, 86_400]) {
    clock.advance(seconds)
    const answers = await Promise.all([1, 2].map(() => askWithKey(refreshing(token))))
    for (const answer of answers) t.equal(toTokens(answer).refresh_token, token)
  }
  clock.advance(31 * 86_400)
  t.match(await askWithKey(refreshing(token)), { status: 400, body: { error: 'invalid_grant' } })
})

t.test(
  'those of before the profile may come again for a while, and are not used for ever',
  async (t) => {
    const { refresh_token: first } = toTokens(await askWithKey(await obtainCode()))
    await services.clients.update(client.clientId, { profile: null, ...unprofiled })
    const { refresh_token: second } = toTokens(await askWithKey(refreshing(first)))
    t.not(second, first)
    await services.clients.update(client.clientId, { profile: 'fapi2' })
    t.equal(toTokens(await askWithKey(refreshing(first))).refresh_token, second)
    clock.advance(20)
    t.equal(toTokens(await askWithKey(refreshing(second))).refresh_token, second)
    clock.advance(20)
    t.match(await askWithKey(refreshing(first)), { status: 400, body: { error: 'invalid_grant' } })
  },
)

t.test('a code lives for 60 seconds, whatever the setting', async (t) => {
  const code = await obtainCode()
  clock.advance(61)
  t.match(await askWithKey(code), { status: 400, body: { error: 'invalid_grant' } })
})

t.test('an assertion may be up to 60 seconds ahead, whatever the setting', async (t) => {
  const from = (ahead: number) => {
    const at = client.seconds(ahead)
    return client.assertion({ iat: at, nbf: at, exp: at + 60 })
  }
  t.equal((await client.push({}, { assertion: await from(59) })).status, 201)
  t.match(await client.push({}, { assertion: await from(62) }), {
    status: 401,
    body: { error: 'invalid_client' },
  })
})
