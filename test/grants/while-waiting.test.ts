/** Who waits out the second of a revocation (§3.4) gets nothing when what it waits with ends in the meantime. */
import t from 'tap'
import type { Clock } from '../../src/database/clock.ts'
import { authorizationCode } from '../../src/grants/authorization-code.ts'
import type { GrantType } from '../../src/grants/grant-type.ts'
import { deviceCode } from '../../src/grants/device-code.ts'
import { refreshToken } from '../../src/grants/refresh-token.ts'
import { Params } from '../../src/protocol/params.ts'
import { createIssueInstants } from '../../src/tokens/issue-instant.ts'
import { createTargets } from '../../src/tokens/targets.ts'
import { createTestWitness } from '../support/witness.ts'
import { act, setUp as setUpNode } from '../tokens/setup.ts'

type Happening = (node: Awaited<ReturnType<typeof setUpNode>> & { sid: string }) => Promise<unknown>

/** A user who signed in again right after a revocation, and whose client asks for tokens at once. */
async function setUp(happening: Happening) {
  const node = await setUpNode()
  const { clock, revocations, sessions, sub, clients, clientId, codes, families } = node
  await revocations.revokeUser(sub, act)
  clock.advance(0.001)
  const { secret } = await sessions.start(
    { sub, amr: [], authTime: clock.now(), after: [] },
    undefined,
  )
  const { sid } = (await sessions.find(secret))!
  let waited = 0
  const interrupted: Clock = {
    ...clock,
    async waitUntil(instant) {
      waited += 1
      await happening({ ...node, sid })
      await clock.waitUntil(instant)
    },
  }
  const targets = createTargets({
    resources: node.resources,
    defaultAudience: 'https://issuer.example',
    accessTokenTtlSeconds: 600,
  })
  const dependencies = {
    ...node,
    targets,
    issueInstants: createIssueInstants({ clock: interrupted }),
    respond: async () => ({
      access_token: 'A',
      token_type: 'Bearer' as const,
      expires_in: 600,
    }),
  }
  const client = (await clients.find(clientId))!
  const exchange = (grant: GrantType, parameters: Record<string, string>) =>
    grant.exchange({
      client,
      params: new Params(Object.entries(parameters)),
      witness: createTestWitness().witness,
    })
  const newCode = () =>
    codes.create(node.newGrant({ sid, codeChallenge: undefined, resources: [] }))

  async function redeem() {
    const form = { code: await newCode(), redirect_uri: 'https://app.example/cb' }
    return exchange(authorizationCode(dependencies), form)
  }
  async function refresh() {
    const code = await newCode()
    await codes.consume(code, { refreshable: true })
    const { grantId } = (await codes.find(code))!
    return exchange(refreshToken(dependencies), { refresh_token: families.firstToken(grantId) })
  }
  async function poll() {
    const { deviceCode: device_code, userCode } = await node.deviceCodes.create({
      clientId,
      scope: ['openid'],
      resources: [],
    })
    await node.deviceCodes.allow(userCode, (await sessions.find(secret))!, undefined)
    return exchange(deviceCode(dependencies), { device_code })
  }
  return { redeem, refresh, poll, waited: () => waited }
}

const happenings: Record<string, Happening> = {
  'its client is revoked': ({ revocations, clientId }) => revocations.revokeClient(clientId, act),
  'its session is revoked with its refresh tokens': ({ revocations, sid }) =>
    revocations.revokeSession({ sid }, { ...act, refreshTokens: true }),
  'its user is revoked once more': ({ revocations, sub }) => revocations.revokeUser(sub, act),
  'everything is revoked': ({ revocations }) => revocations.revokeEverything(act),
  'its user is disabled': ({ accounts, sub }) => accounts.disable(sub),
}

for (const way of ['redeem', 'refresh', 'poll'] as const) {
  t.test(`who waits, then ${way}s`, async (t) => {
    const world = await setUp(async () => {})
    t.match(await world[way](), { access_token: 'A' })
    t.equal(world.waited(), 1)
  })
  for (const [what, happening] of Object.entries(happenings))
    t.test(`${way}: meanwhile ${what}`, async (t) => {
      const world = await setUp(happening)
      await t.rejects(world[way](), { code: 'invalid_grant' })
      t.ok(world.waited() > 0)
    })
}

t.test('a refresh token outlives a session that is signed out of meanwhile', async (t) => {
  const { refresh } = await setUp(({ revocations, sid }) => revocations.revokeSession({ sid }, act))
  t.match(await refresh(), { access_token: 'A' })
})

for (const way of ['redeem', 'poll'] as const)
  t.test(`a code does not: ${way}`, async (t) => {
    const world = await setUp(({ revocations, sid }) => revocations.revokeSession({ sid }, act))
    await t.rejects(world[way](), { code: 'invalid_grant' })
  })
