import t from 'tap'
import { deviceCode } from '../../src/grants/device-code.ts'
import { Params } from '../../src/protocol/params.ts'
import { createTargets } from '../../src/tokens/targets.ts'
import { setUp } from '../tokens/setup.ts'
import { createTestWitness } from '../support/witness.ts'

/** The refresh family of a device that proves a key, and the key that its tokens are bound to. */
async function redeemWithKey({ isPublic }: { isPublic: boolean }) {
  const node = await setUp()
  const { deviceCodes, clients, clientId, sessions, sub, clock, store } = node
  const scope = ['openid', 'offline_access']
  const created = await deviceCodes.create({ clientId, scope, resources: [] })
  const authentication = { sub, amr: ['pwd'], authTime: clock.now(), after: [] }
  const { secret } = await sessions.start(authentication, undefined)
  await deviceCodes.allow(created.userCode, (await sessions.find(secret))!, undefined)

  const bound: unknown[] = []
  const grant = deviceCode({
    ...node,
    targets: createTargets({
      resources: node.resources,
      defaultAudience: 'https://issuer.example',
      accessTokenTtlSeconds: 600,
    }),
    async respond({ confirmation, grant: { grantId } }) {
      const family = await store.findFamily(grantId)
      bound.push(confirmation, family?.confirmation)
      return { access_token: 'A', token_type: 'DPoP', expires_in: 600 }
    },
    clock,
  })
  const client = (await clients.find(clientId))!
  await grant.exchange({
    client: { ...client, isPublic },
    params: new Params([['device_code', created.deviceCode]]),
    confirmation: { jkt: 'the key' },
    witness: createTestWitness().witness,
  })
  return bound
}

t.test("a device's tokens are bound to the key that it proves (RFC 9449 §5)", async (t) => {
  const key = { jkt: 'the key' }
  t.strictSame(await redeemWithKey({ isPublic: true }), [key, key], 'refresh tokens as well')
  t.strictSame(await redeemWithKey({ isPublic: false }), [key, undefined], 'its secret does')
})
