import t from 'tap'
import { authorizationCode } from '../../src/grants/authorization-code.ts'
import { Params } from '../../src/protocol/params.ts'
import { createTargets } from '../../src/tokens/targets.ts'
import { createTestWitness } from '../support/witness.ts'
import { setUp as setUpNode } from '../tokens/setup.ts'

async function setUp() {
  const node = await setUpNode()
  const grant = authorizationCode({
    ...node,
    targets: createTargets({
      resources: node.resources,
      defaultAudience: 'https://issuer.example',
      accessTokenTtlSeconds: 600,
    }),
    respond: async () => ({ access_token: 'A', token_type: 'Bearer', expires_in: 600 }),
  })
  const client = (await node.clients.find(node.clientId))!
  const { witness, events } = createTestWitness()
  const exchange = (code: string) =>
    grant.exchange({
      client,
      witness,
      params: new Params([
        ['code', code],
        ['redirect_uri', 'https://app.example/cb'],
      ]),
    })
  const code = await node.codes.create(node.newGrant({ codeChallenge: undefined, resources: [] }))
  return { ...node, exchange, code, events }
}

t.test(
  'a code used twice revokes what it gave, also after it has expired (RFC 6749 §4.1.2)',
  async (t) => {
    const { exchange, code, codes, families, clock, events } = await setUp()
    await exchange(code)
    const { grantId } = (await codes.find(code))!
    clock.advance(61)
    await t.rejects(exchange(code), { code: 'invalid_grant' })
    t.equal(await families.findLive(families.firstToken(grantId)), undefined)
    t.match(events, [{ type: 'code.reused', grantId }])
  },
)

t.test('an expired code is refused and revokes nothing', async (t) => {
  const { exchange, code, codes, clock, events } = await setUp()
  clock.advance(60)
  await t.rejects(exchange(code), { code: 'invalid_grant' })
  t.equal((await codes.find(code))?.consumedAt, undefined)
  t.strictSame(events, [])
})
