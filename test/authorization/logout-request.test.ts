import t from 'tap'
import { Params } from '../../src/protocol/params.ts'
import { parseLogoutRequest } from '../../src/authorization/logout-request.ts'
import { createRevocationStore } from '../../src/revocation/store.ts'
import { createIdTokenHints } from '../../src/tokens/id-token-hints.ts'
import { createTokenIssuer } from '../../src/tokens/issuer.ts'
import { createOwnTokens } from '../../src/tokens/own-tokens.ts'
import { createTestKeys } from '../keys/setup.ts'
import { createNode } from '../tokens/setup.ts'
import { registryOf, toClient } from './clients.ts'

const issuer = 'https://issuer.example'
const uri = 'https://app.example/bye'
const metadata = {
  id_token_signed_response_alg: 'ES256',
  post_logout_redirect_uris: [uri, `${uri}?a=1`],
}
const [one, other] = [toClient(metadata, 'one'), toClient(metadata, 'other')]
const document = { fetchedAt: one.createdAt, freshUntil: one.createdAt }
const stranger = { ...toClient(metadata, 'https://app.example/client'), document }

async function setUp(t: Parameters<typeof createTestKeys>[0]) {
  const { database, clock, rotation, keyring } = await createTestKeys(t, { algorithms: ['ES256'] })
  const { accounts, revocations } = createNode(database, clock)
  await rotation.ensureKeys()
  await keyring.load()
  const tokens = createTokenIssuer({ keyring, issuer, idTokenTtlSeconds: 600 })
  const grant = {
    grantId: 'g',
    clientId: 'one',
    sub: 'alice',
    sid: 'the sid',
    scope: [],
    resources: [],
    authTime: clock.now(),
    amr: [],
  }
  const account = {
    sub: 'alice',
    emailVerified: false,
    claims: {},
    createdAt: clock.now(),
    updatedAt: clock.now(),
    hasPassword: false,
  }
  const hint = await tokens.idToken({
    client: one,
    grant,
    account,
    nonce: undefined,
    issuedAt: clock.now(),
  })
  const clients = registryOf(one, other, stranger)
  const ownTokens = createOwnTokens({ keyring, revocations, issuer, clock })
  const idTokenHints = createIdTokenHints({ ownTokens, accounts })
  const parse = (params: Record<string, string>) =>
    parseLogoutRequest(new Params(Object.entries(params)), { clients, idTokenHints })
  return { hint, parse, clock, database }
}

t.test('without parameters there is nothing to know', async (t) => {
  const { parse } = await setUp(t)
  t.strictSame(await parse({}), { client: undefined, hint: undefined, returnTo: undefined })
})

t.test(
  'an ID token names the session and the client, expired or not (RP-Initiated Logout §2)',
  async (t) => {
    const { parse, hint, clock } = await setUp(t)
    for (const seconds of [0, 86_400]) {
      clock.advance(seconds)
      const request = await parse({ id_token_hint: hint })
      t.equal(request.client, one)
      t.hasStrict(request.hint, { sub: 'alice', sid: 'the sid' })
    }
  },
)

t.test('a revoked one still names the client, and so where to go (§2)', async (t) => {
  const { parse, hint, database, clock } = await setUp(t)
  const notBefore = Math.floor(clock.now().getTime() / 1000) + 1
  await createRevocationStore(database).append(
    {
      kind: 'session',
      id: 'the sid',
      notBefore,
      expiresAt: clock.now(),
      reason: undefined,
      revokedAt: clock.now(),
    },
    database,
  )
  const request = await parse({ id_token_hint: hint, post_logout_redirect_uri: uri })
  t.match(request, { hint: { isRevoked: true }, returnTo: uri })
  t.equal(request.client, one)
})

t.test('a client may name itself', async (t) => {
  const { parse, hint } = await setUp(t)
  t.equal((await parse({ client_id: 'other' })).client, other)
  t.equal((await parse({ client_id: 'one', id_token_hint: hint })).client, one)
})

t.test('where to go is registered, exactly, and takes the state along (§3)', async (t) => {
  const { parse } = await setUp(t)
  const rows: [post_logout_redirect_uri: string, state: string, returnTo: string][] = [
    [uri, '', uri],
    [uri, 'a b&c', `${uri}?state=a+b%26c`],
    [`${uri}?a=1`, 's', `${uri}?a=1&state=s`],
  ]
  for (const [post_logout_redirect_uri, state, returnTo] of rows) {
    const request = await parse({ client_id: 'one', post_logout_redirect_uri, state })
    t.equal(request.returnTo, returnTo)
  }
})

t.test('what does not fit together is refused', async (t) => {
  const { parse, hint } = await setUp(t)
  const rows: [why: string, params: Record<string, string>, about: RegExp][] = [
    ['an unknown client', { client_id: 'nobody' }, /client_id/],
    ["another client's token", { client_id: 'other', id_token_hint: hint }, /client_id/],
    ['an altered token', { id_token_hint: `${hint.slice(0, -4)}AAAA` }, /id_token_hint/],
    ['no token', { id_token_hint: 'x' }, /id_token_hint/],
    ['a URI of nobody', { post_logout_redirect_uri: uri }, /needs/],
    [
      'a URI not registered',
      { client_id: 'one', post_logout_redirect_uri: `${uri}/` },
      /not registered/,
    ],
    [
      'a long state',
      { client_id: 'one', post_logout_redirect_uri: uri, state: 'x'.repeat(4097) },
      /state/,
    ],
  ]
  for (const [why, params, description] of rows)
    await t.rejects(parse(params), { code: 'invalid_request', description }, why)
})

t.test('a link alone leads nobody to where a stranger says (RP-Initiated Logout §3)', async (t) => {
  const { parse } = await setUp(t)
  const link = { client_id: stranger.clientId, post_logout_redirect_uri: uri }
  await t.rejects(parse(link), { code: 'invalid_request', message: /needs an 'id_token_hint'/ })
  t.match(await parse({ client_id: stranger.clientId }), { returnTo: undefined })
  t.match(await parse({ ...link, client_id: 'one' }), { returnTo: uri })
})
