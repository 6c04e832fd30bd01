import t from 'tap'
import type { RevocationSubject } from '../../src/verifier/not-before.ts'
import { createRevocationStore } from '../../src/revocation/store.ts'
import { createAccessTokens, type AccessTokenClaims } from '../../src/tokens/access-tokens.ts'
import { createTokenIssuer } from '../../src/tokens/issuer.ts'
import { createOwnTokens } from '../../src/tokens/own-tokens.ts'
import { toClient } from '../authorization/clients.ts'
import { createTestKeys } from '../keys/setup.ts'
import { createNode } from './setup.ts'

const issuer = 'https://issuer.example'
const client = toClient({ id_token_signed_response_alg: 'ES256' })

async function setUp(t: Parameters<typeof createTestKeys>[0]) {
  const { database, clock, rotation, keyring } = await createTestKeys(t, { algorithms: ['ES256'] })
  await rotation.ensureKeys()
  await keyring.load()
  const { accounts, revocations } = createNode(database, clock)
  const account = await accounts.create({ email: 'alice@example.com' })
  const grant = {
    grantId: '6f1fb0f8-36b5-4f0e-8d6a-0d3a8c1d2e3f',
    clientId: client.clientId,
    sub: account.sub,
    sid: 'the sid',
    scope: ['openid'],
    resources: [],
    authTime: clock.now(),
    amr: ['pwd'],
  }
  const target = { audience: issuer, alg: 'ES256', ttlSeconds: 600, scope: ['openid'] } as const
  const tokens = createTokenIssuer({ keyring, issuer, idTokenTtlSeconds: 600 })
  const user = { grant, account }
  const ownTokens = createOwnTokens({ keyring, revocations, issuer, clock })
  return {
    database,
    clock,
    accounts,
    sub: account.sub,
    accessTokens: createAccessTokens({ ownTokens, accounts }),
    newAccessToken: () =>
      tokens.accessToken({
        client,
        target: { ...target, scope: [...target.scope] },
        issuedAt: clock.now(),
        user,
      }),
    newIdToken: () => tokens.idToken({ client, ...user, nonce: undefined, issuedAt: clock.now() }),
  }
}

t.test('a good token is valid until it expires', async (t) => {
  const { accessTokens, newAccessToken, clock } = await setUp(t)
  const token = await newAccessToken()
  t.match(await accessTokens.check(token), {
    valid: true,
    claims: { client_id: 'app', aud: issuer },
  })
  clock.advance(599.999)
  t.match(await accessTokens.check(token), { valid: true })
  clock.advance(0.001)
  t.match(await accessTokens.check(token), { valid: false, reason: /expired/ })
})

t.test('an ID token is no access token (RFC 9068 §4)', async (t) => {
  const { accessTokens, newIdToken } = await setUp(t)
  t.match(await accessTokens.check(await newIdToken()), { valid: false, reason: /type/ })
})

t.test('a token of a user who is disabled or gone is refused', async (t) => {
  const { accessTokens, newAccessToken, accounts, sub } = await setUp(t)
  const token = await newAccessToken()
  await accounts.disable(sub)
  t.match(await accessTokens.check(token), { valid: false, reason: /disabled/ })
  await accounts.enable(sub)
  t.match(await accessTokens.check(token), { valid: true })
  await accounts.delete(sub)
  t.match(await accessTokens.check(token), { valid: false, reason: /gone/ })
})

t.test('a not-before of anything that a token belongs to refuses it', async (t) => {
  const { accessTokens, newAccessToken, database, clock } = await setUp(t)
  const store = createRevocationStore(database)
  const token = await newAccessToken()
  const [header, payload] = token
    .split('.')
    .map((part) => Buffer.from(part, 'base64url').toString())
  const { kid }: { kid: string } = JSON.parse(header!)
  const { client_id, sub, sid, grant_id, jti, iat }: AccessTokenClaims = JSON.parse(payload!)
  const subjects: RevocationSubject[] = [
    { kind: 'everything', id: '' },
    { kind: 'key', id: kid },
    { kind: 'client', id: client_id },
    { kind: 'user', id: sub },
    { kind: 'session', id: sid! },
    { kind: 'grant', id: grant_id! },
    { kind: 'token', id: jti },
  ]
  const record = { expiresAt: clock.now(), reason: undefined, revokedAt: clock.now() }
  for (const subject of subjects) {
    await store.append({ ...subject, ...record, notBefore: iat }, database)
    t.match(await accessTokens.check(token), { valid: true }, `${subject.kind}: in that second`)
    await store.append({ ...subject, ...record, notBefore: iat + 1 }, database)
    t.match(await accessTokens.check(token), { valid: false, reason: /revoked/ }, subject.kind)
    await database.query('delete from revocations')
  }
})
