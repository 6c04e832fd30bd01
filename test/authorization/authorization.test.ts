import t from 'tap'
import { createAuthorization } from '../../src/authorization/authorization.ts'
import { resolveRecipient } from '../../src/authorization/recipient.ts'
import { parseAuthorizationRequest } from '../../src/authorization/request.ts'
import { Params } from '../../src/protocol/params.ts'
import { createTokenIssuer } from '../../src/tokens/issuer.ts'
import { createTargets } from '../../src/tokens/targets.ts'
import { createNode as createKeyNode, newSecret } from '../keys/setup.ts'
import { setUp as setUpNode, start } from '../tokens/setup.ts'

const issuer = 'https://issuer.example'

async function setUp() {
  const node = await setUpNode()
  const { database, clock, clients, clientId, sub } = node
  const keys = await createKeyNode(database, newSecret(), clock, { algorithms: ['ES256'] })
  await keys.rotation.ensureKeys()
  await keys.keyring.load()
  const tokens = createTokenIssuer({ keyring: keys.keyring, issuer, idTokenTtlSeconds: 600 })
  const targets = createTargets({
    resources: node.resources,
    defaultAudience: issuer,
    accessTokenTtlSeconds: 600,
  })
  const authorization = createAuthorization({
    codes: node.codes,
    targets,
    keyring: keys.keyring,
    issuer,
    clock,
  })
  const session = { sid: 'the sid', sub, authTime: start, amr: ['pwd'] }
  const consent = { scope: ['openid', 'email'], resources: [], grantedAt: start }
  const grant = { ...node.newGrant(), grantId: '6f1fb0f8-36b5-4f0e-8d6a-0d3a8c1d2e3f' }
  await clients.update(clientId, { id_token_signed_response_alg: 'ES256' })
  const client = (await clients.find(clientId))!
  const account = (await node.accounts.findBySub(sub))!

  /** The outcome for a signed-in user who has consented. */
  async function decide(changes: Record<string, string> = {}) {
    const params = new Params(
      Object.entries({
        client_id: clientId,
        response_type: 'code',
        redirect_uri: 'https://app.example/cb',
        scope: 'openid',
        nonce: 'the nonce',
        ...changes,
      }),
    )
    const recipient = await resolveRecipient(params, clients)
    return authorization.decide({
      request: parseAuthorizationRequest(params, recipient),
      recipient,
      session,
      consent,
    })
  }
  const request = { client, grant, account, nonce: undefined, issuedAt: clock.now() }
  const newIdToken = (changes: { sub?: string } = {}) =>
    tokens.idToken({ ...request, grant: { ...grant, ...changes } })
  const newAccessToken = () =>
    tokens.accessToken({
      client,
      target: { audience: issuer, alg: 'ES256', ttlSeconds: 600, scope: [] },
      issuedAt: clock.now(),
      user: { grant, account },
    })
  return { ...node, decide, newIdToken, newAccessToken, session }
}

t.test('the code stands for the session and for what was asked', async (t) => {
  const { decide, codes, clientId, session } = await setUp()
  const decision = await decide({ scope: 'openid email' })
  const found = typeof decision === 'object' ? await codes.find(decision.code) : undefined
  t.hasStrict(found, {
    ...session,
    clientId,
    redirectUri: 'https://app.example/cb',
    nonce: 'the nonce',
    codeChallenge: undefined,
  })
  t.strictSame([found?.scope, found?.resources], [['openid', 'email'], []])
})

t.test(
  'the user of an id_token_hint is the one who must be signed in (Core §3.1.2.1)',
  async (t) => {
    const { decide, newIdToken, clock } = await setUp()
    clock.advance(1)
    t.type(await decide({ id_token_hint: await newIdToken() }), 'object')
    const ofAnother = { id_token_hint: await newIdToken({ sub: 'bob' }) }
    t.equal(await decide(ofAnother), 'login')
    await t.rejects(decide({ ...ofAnother, prompt: 'none' }), { code: 'login_required' })
  },
)

t.test('an expired hint is still one, anything else is not', async (t) => {
  const { decide, newIdToken, newAccessToken, clock } = await setUp()
  const [hint, accessToken] = [await newIdToken(), await newAccessToken()]
  clock.advance(86_400)
  t.type(await decide({ id_token_hint: hint }), 'object')
  const refusal = { code: 'invalid_request', description: /id_token_hint/ }
  for (const other of ['x', `${hint.slice(0, -4)}AAAA`, accessToken])
    await t.rejects(decide({ id_token_hint: other }), refusal)
})

t.test(
  'a resource that is not registered is refused before anybody is asked (RFC 8707 §2)',
  async (t) => {
    const { decide } = await setUp()
    const resource = 'https://unknown.example'
    await t.rejects(decide({ resource, prompt: 'login' }), { code: 'invalid_target' })
  },
)
