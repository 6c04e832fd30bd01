import t from 'tap'
import { createRevocationStore } from '../../src/revocation/store.ts'
import { createIdTokenHints } from '../../src/tokens/id-token-hints.ts'
import { createTokenIssuer } from '../../src/tokens/issuer.ts'
import { createSubjectStore } from '../../src/tokens/subject-store.ts'
import { createOwnTokens } from '../../src/tokens/own-tokens.ts'
import type { RevocationSubject } from '../../src/verifier/not-before.ts'
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
  const tokens = createTokenIssuer({ keyring, issuer, idTokenTtlSeconds: 600 })
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
  const target = { audience: issuer, alg: 'ES256', ttlSeconds: 600, scope: [] } as const
  const request = { client, issuedAt: clock.now() }
  const ownTokens = createOwnTokens({ keyring, revocations, issuer, clock })
  return {
    database,
    clock,
    rotation,
    keyring,
    tokens,
    request,
    grant,
    account,
    sub: account.sub,
    hints: createIdTokenHints({ ownTokens, accounts }),
    idToken: await tokens.idToken({ ...request, grant, account, nonce: undefined }),
    accessToken: await tokens.accessToken({
      ...request,
      target: { ...target, scope: [] },
      user: { grant, account },
    }),
  }
}

const refusal = { code: 'invalid_request', description: /id_token_hint/ }

t.test('a hint tells whom it was issued to, expired or not (RP-Initiated Logout §2)', async (t) => {
  const { hints, idToken, sub, clock } = await setUp(t)
  t.equal(await hints.read(undefined), undefined)
  const hint = { sub, subject: sub, sid: 'the sid', clientId: client.clientId, isRevoked: false }
  t.strictSame(await hints.read(idToken), hint)
  clock.advance(86_400)
  t.strictSame(await hints.read(idToken), hint)
})

t.test('a pairwise subject is that of its user, while there is one', async (t) => {
  const { hints, tokens, request, grant, account, database, sub } = await setUp(t)
  const [subject, stranger] = ['the subject', 'the subject of nobody']
  await createSubjectStore(database).record(subject, sub)
  const read = async (named: string) =>
    hints.read(
      await tokens.idToken({
        ...request,
        grant: { ...grant, subject: named },
        account,
        nonce: undefined,
      }),
    )
  t.match(await read(subject), { sub, subject })
  t.match(await read(stranger), { sub: stranger, subject: stranger })
})

t.test('what is not an ID token of this issuer is none', async (t) => {
  const { hints, idToken, accessToken } = await setUp(t)
  for (const other of ['x', `${idToken.slice(0, -4)}AAAA`, accessToken])
    await t.rejects(hints.read(other), refusal)
})

t.test('a not-before of its user, session or client, or of everything, revokes it', async (t) => {
  const { hints, idToken, sub, database, clock } = await setUp(t)
  const store = createRevocationStore(database)
  const iat = Math.floor(clock.now().getTime() / 1000)
  const record = { expiresAt: clock.now(), reason: undefined, revokedAt: clock.now() }
  const subjects: RevocationSubject[] = [
    { kind: 'everything', id: '' },
    { kind: 'client', id: client.clientId },
    { kind: 'user', id: sub },
    { kind: 'session', id: 'the sid' },
  ]
  for (const subject of subjects) {
    await store.append({ ...subject, ...record, notBefore: iat }, database)
    t.match(await hints.read(idToken), { isRevoked: false }, `${subject.kind}: in that second`)
    await store.append({ ...subject, ...record, notBefore: iat + 1 }, database)
    t.match(await hints.read(idToken), { sub, isRevoked: true }, subject.kind)
    await database.query('delete from revocations')
  }
})

t.test('one that a revoked key has signed is none', async (t) => {
  const { hints, idToken, rotation, keyring } = await setUp(t)
  const [header = ''] = idToken.split('.')
  const { kid }: { kid: string } = JSON.parse(Buffer.from(header, 'base64url').toString())
  await rotation.revoke(kid, { actor: 'ada' })
  await keyring.load()
  await t.rejects(hints.read(idToken), refusal)
})
