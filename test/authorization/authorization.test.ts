import t from 'tap'
import { createAuthorization } from '../../src/authorization/authorization.ts'
import { resolveRecipient } from '../../src/authorization/recipient.ts'
import { parseAuthorizationRequest } from '../../src/authorization/request.ts'
import { Params } from '../../src/protocol/params.ts'
import type { IdTokenHint } from '../../src/tokens/id-token-hints.ts'
import { createTargets } from '../../src/tokens/targets.ts'
import { setUp as setUpNode, start } from '../tokens/setup.ts'

const issuer = 'https://issuer.example'

async function setUp() {
  const node = await setUpNode()
  const { clock, clients, clientId, sub } = node
  const targets = createTargets({
    resources: node.resources,
    defaultAudience: issuer,
    accessTokenTtlSeconds: 600,
  })
  const authorization = createAuthorization({
    codes: node.codes,
    subjects: node.subjects,
    targets,
    settings: { signUp: false, authorizationDetailsTypes: [] },
    clock,
  })
  const session = { sid: 'the sid', sub, authTime: start, amr: ['pwd'] }
  const consent = { scope: ['openid', 'email'], resources: [], claims: [], grantedAt: start }

  /** The outcome for a signed-in user who has consented. */
  async function decide(changes: Record<string, string> = {}, hint?: IdTokenHint) {
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
      hint,
      session,
      consent,
    })
  }
  return { ...node, decide, session }
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
    const { decide, sub } = await setUp()
    const hintOf = (changes: object) => ({
      sub,
      subject: sub,
      sid: 'a sid',
      clientId: 'a client',
      isRevoked: false,
      ...changes,
    })
    t.type(await decide({}, hintOf({})), 'object')
    for (const hint of [hintOf({ subject: 'bob' }), hintOf({ isRevoked: true })]) {
      t.equal(await decide({}, hint), 'login')
      await t.rejects(decide({ prompt: 'none' }, hint), { code: 'login_required' })
    }
  },
)

t.test(
  'a resource that is not registered is refused before anybody is asked (RFC 8707 §2)',
  async (t) => {
    const { decide } = await setUp()
    const resource = 'https://unknown.example'
    await t.rejects(decide({ resource, prompt: 'login' }), { code: 'invalid_target' })
  },
)
