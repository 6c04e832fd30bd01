/** What was exchanged is revoked with whatever it was exchanged for, however long the chain (RFC 8693, ARCHITECTURE §3.4). */
import { decodeJwt, decodeProtectedHeader } from 'jose'
import t, { type Test } from 'tap'
import {
  introspect,
  obtainTokens,
  post,
  startSession,
  toTokens,
  type Party,
} from '../support/flow.ts'
import { originOf } from '../../src/tokens/own-tokens.ts'
import { createTestProvider, type TestProvider } from '../support/provider.ts'
import { accessTokenType, exchange, exchangeGrant, idTokenType } from '../support/token-exchange.ts'

const stock = 'https://stock.example'
const act = { actor: 'ada' }

interface Scene {
  provider: TestProvider
  sub: string
  app: Party
  first: Party
  second: Party
  /** The subject token, the token of the first exchange, and that of the second with its actor's. */
  original: string
  middle: string
  last: string
  actor: string
}

async function setUp(t: Test): Promise<Scene> {
  const provider = await createTestProvider(t)
  const { sub } = await provider.createUser()
  await provider.services.resources.create({
    resource: stock,
    name: 'Stock',
    access_token_signed_response_alg: 'ES256',
  })
  const app = await provider.createClient({ skip_consent: true })
  const createApi = (subjectClient: string) =>
    provider.createClient({
      redirect_uris: [],
      grant_types: ['client_credentials', exchangeGrant],
      id_token_signed_response_alg: 'ES256',
      token_exchange: {
        audiences: [stock],
        delegation: 'allowed',
        subject_clients: [subjectClient],
      },
    })
  const first = await createApi(app.clientId)
  const second = await createApi(first.clientId)
  const browser = await startSession(provider, sub)
  const { access_token: original } = await obtainTokens(provider, browser, app)
  const { access_token: actor } = toTokens(
    await post(provider, '/token', second, { grant_type: 'client_credentials' }),
  )
  const middle = toTokens(await exchange(provider, first, { subject_token: original })).access_token
  const last = toTokens(
    await exchange(provider, second, {
      subject_token: middle,
      actor_token: actor,
      actor_token_type: accessTokenType,
    }),
  ).access_token
  return { provider, sub, app, first, second, original, middle, last, actor }
}

const jtiOf = (token: string) => String(decodeJwt(token).jti)

const causes: Record<string, (scene: Scene) => Promise<unknown>> = {
  'its user': ({ provider, sub }) => provider.services.revocations.revokeUser(sub, act),
  'its user, disabled': ({ provider, sub }) => provider.services.accounts.disable(sub),
  'its session': ({ provider, original }) => {
    const { sid } = decodeJwt<{ sid: string }>(original)
    return provider.services.revocations.revokeSession({ sid }, act)
  },
  'its grant': ({ provider, original }) => {
    const { grant_id: grantId } = decodeJwt<{ grant_id: string }>(original)
    return provider.services.revocations.revokeGrant(grantId, act)
  },
  everything: ({ provider }) => provider.services.revocations.revokeEverything(act),
  'the original client': ({ provider, app }) =>
    provider.services.revocations.revokeClient(app.clientId, act),
  'the original client, deleted': ({ provider, app }) =>
    provider.services.clientActs.delete(app.clientId, act),
  'the client in between': ({ provider, first }) =>
    provider.services.revocations.revokeClient(first.clientId, act),
  'its own client': ({ provider, second }) =>
    provider.services.revocations.revokeClient(second.clientId, act),
  'the original token': ({ provider, app, original }) =>
    post(provider, '/revoke', app, { token: original }),
  'the token in between': ({ provider, first, middle }) =>
    post(provider, '/revoke', first, { token: middle }),
  "the actor's token": ({ provider, actor }) =>
    provider.services.revocations.revokeToken(jtiOf(actor), act),
  'itself alone': ({ provider, last }) =>
    provider.services.revocations.revokeToken(jtiOf(last), act),
  async 'the key of the original token'({ provider, original, last }) {
    const { kid } = decodeProtectedHeader(original)
    if (decodeProtectedHeader(last).kid === kid) throw new Error('the same key')
    await provider.services.revokeKey(String(kid), act)
    await provider.services.keyring.load()
  },
}

t.test('an exchanged token is refused after the revocation of', async (t) => {
  for (const [name, revoke] of Object.entries(causes))
    t.test(name, async (t) => {
      const scene = await setUp(t)
      const { provider, second, last } = scene
      t.match(await introspect(provider, second, last), { active: true })
      await revoke(scene)
      t.strictSame(await introspect(provider, second, last), { active: false })
      t.match(await exchange(provider, second, { subject_token: last }), { status: 400 })
      await provider.services.revocationFeed.load()
      const { claims, header } = { claims: decodeJwt(last), header: decodeProtectedHeader(last) }
      if (name !== 'its user, disabled')
        // for verifiers a disabled user is revoked by `users disable`
        t.equal(
          provider.services.revocationFeed.isRevoked(originOf(header, claims)),
          true,
          'the feed tells verifiers as much',
        )
    })
})

t.test('what nothing was revoked of lives on', async (t) => {
  const { provider, app, second, last, original, middle } = await setUp(t)
  const stranger = await provider.createClient()
  await provider.services.revocations.revokeClient(stranger.clientId, act)
  await provider.services.revocations.revokeToken(jtiOf(last), act)
  for (const token of [original, middle])
    t.match(await introspect(provider, second, token), { active: true })
  t.strictSame(await introspect(provider, app, last), { active: false })
})

t.test('a token exchanged for an ID token dies with its user and session', async (t) => {
  for (const kind of ['user', 'disabled', 'session', 'client'] as const) {
    const { provider, sub, app, first } = await setUp(t)
    const { services } = provider
    const { id_token: idToken } = await obtainTokens(
      provider,
      await startSession(provider, sub),
      app,
    )
    const { sid } = decodeJwt<{ sid: string }>(idToken)
    const ask = () =>
      exchange(provider, first, { subject_token: idToken, subject_token_type: idTokenType })
    const { access_token: token } = toTokens(await ask())
    t.match(await introspect(provider, first, token), { active: true, sub })
    const acts = {
      user: () => services.revocations.revokeUser(sub, act),
      disabled: () => services.accounts.disable(sub),
      session: () => services.revocations.revokeSession({ sid }, act),
      client: () => services.revocations.revokeClient(app.clientId, act),
    }
    await acts[kind]()
    t.strictSame(await introspect(provider, first, token), { active: false }, kind)
    t.match(await ask(), { status: 400, body: { error: 'invalid_request' } }, kind)
  }
})

t.test('a token from an ID token stands for a person, wherever that matters', async (t) => {
  const { provider, sub, app, first } = await setUp(t)
  const { id_token: idToken } = await obtainTokens(provider, await startSession(provider, sub), app)
  const { access_token: token } = toTokens(
    await exchange(provider, first, { subject_token: idToken, subject_token_type: idTokenType }),
  )
  const { aud: _, ...claims } = decodeJwt(token)
  const forIssuer = { ...claims, aud: provider.issuer, scope: 'revocations' }
  const presented = await provider.services.keyring.sign('ES256', 'at+jwt', forIssuer)
  const response = await fetch(`${provider.issuer}/revocations`, {
    headers: { authorization: `Bearer ${presented}` },
  })
  t.equal(response.status, 403)
})
