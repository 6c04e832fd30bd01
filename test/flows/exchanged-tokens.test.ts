/** What was exchanged is revoked with whatever it was exchanged for, however long the chain (RFC 8693, ARCHITECTURE §3.4). */
import { decodeJwt, decodeProtectedHeader } from 'jose'
import t from 'tap'
import {
  introspect,
  obtainTokens,
  post,
  startSession,
  toTokens,
  type Party,
} from '../support/flow.ts'
import { originOf } from '../../src/tokens/own-tokens.ts'
import { createTestProvider } from '../support/provider.ts'
import { accessTokenType, exchange, exchangeGrant, idTokenType } from '../support/token-exchange.ts'

const stock = 'https://stock.example'
const act = { actor: 'ada' }

interface Scene {
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

const provider = await createTestProvider(t)
await provider.services.resources.create({
  resource: stock,
  name: 'Stock',
  access_token_signed_response_alg: 'ES256',
})
let scenes = 0

/** With people and clients of its own, later than whatever was revoked before. */
async function setUp(): Promise<Scene> {
  provider.clock.advance(2)
  scenes += 1
  const { sub } = await provider.services.accounts.create({ email: `user${scenes}@example.com` })
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
  return { sub, app, first, second, original, middle, last, actor }
}

const jtiOf = (token: string) => String(decodeJwt(token).jti)

const causes: Record<string, (scene: Scene) => Promise<unknown>> = {
  'its user': ({ sub }) => provider.services.revocations.revokeUser(sub, act),
  'its user, disabled': ({ sub }) => provider.services.accounts.disable(sub),
  'its session': ({ original }) => {
    const { sid } = decodeJwt<{ sid: string }>(original)
    return provider.services.revocations.revokeSession({ sid }, act)
  },
  'its grant': ({ original }) => {
    const { grant_id: grantId } = decodeJwt<{ grant_id: string }>(original)
    return provider.services.revocations.revokeGrant(grantId, act)
  },
  everything: () => provider.services.revocations.revokeEverything(act),
  'the original client': ({ app }) => provider.services.revocations.revokeClient(app.clientId, act),
  'the original client, deleted': ({ app }) =>
    provider.services.clientActs.delete(app.clientId, act),
  'the client in between': ({ first }) =>
    provider.services.revocations.revokeClient(first.clientId, act),
  'its own client': ({ second }) =>
    provider.services.revocations.revokeClient(second.clientId, act),
  'the original token': ({ app, original }) => post(provider, '/revoke', app, { token: original }),
  'the token in between': ({ first, middle }) =>
    post(provider, '/revoke', first, { token: middle }),
  "the actor's token": ({ actor }) => provider.services.revocations.revokeToken(jtiOf(actor), act),
  'itself alone': ({ last }) => provider.services.revocations.revokeToken(jtiOf(last), act),
  async 'the key of the original token'({ original, last }) {
    const { kid } = decodeProtectedHeader(original)
    if (decodeProtectedHeader(last).kid === kid) throw new Error('the same key')
    await provider.services.revokeKey(String(kid), act)
    await provider.services.keyring.load()
  },
}

t.test('an exchanged token is refused after the revocation of', async (t) => {
  for (const [name, revoke] of Object.entries(causes))
    t.test(name, async (t) => {
      const scene = await setUp()
      const { second, last } = scene
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

t.test(
  'whoever exchanges at the moment of a revocation gets nothing that outlives it',
  async (t) => {
    const { sub, app, first } = await setUp()
    const { revocations } = provider.services
    for (const kind of ['user', 'session', 'grant', 'client', 'token'] as const)
      for (let round = 0; round < 4; round += 1) {
        const browser = await startSession(provider, sub)
        const { access_token: subject } = await obtainTokens(provider, browser, app)
        const { sid, grant_id, jti } = decodeJwt<{ sid: string; grant_id: string }>(subject)
        const revoke = {
          user: () => revocations.revokeUser(sub, act),
          session: () => revocations.revokeSession({ sid }, act),
          grant: () => revocations.revokeGrant(grant_id, act),
          client: () => revocations.revokeClient(app.clientId, act),
          token: () => revocations.revokeToken(String(jti), act),
        }[kind]
        const [{ body }] = await Promise.all([
          exchange(provider, first, { subject_token: subject }),
          revoke(),
        ])
        const { access_token: token = 'none' } = body
        t.strictSame(await introspect(provider, first, String(token)), { active: false }, kind)
        provider.clock.advance(2)
      }
  },
)

t.test('what nothing was revoked of lives on', async (t) => {
  const { app, second, last, original, middle } = await setUp()
  const stranger = await provider.createClient()
  await provider.services.revocations.revokeClient(stranger.clientId, act)
  await provider.services.revocations.revokeToken(jtiOf(last), act)
  for (const token of [original, middle])
    t.match(await introspect(provider, second, token), { active: true })
  t.strictSame(await introspect(provider, app, last), { active: false })
})

t.test('a token exchanged for an ID token dies with its user and session', async (t) => {
  for (const kind of ['user', 'disabled', 'session', 'client'] as const) {
    const { sub, app, first } = await setUp()
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
  const { sub, app, first } = await setUp()
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
