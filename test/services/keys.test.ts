import { randomBytes } from 'node:crypto'
import t, { type Test } from 'tap'
import { readConfig } from '../../src/config.ts'
import { createAdminServices } from '../../src/services/admin.ts'
import { createKeyServices } from '../../src/services/keys.ts'
import { createTestClock } from '../support/clock.ts'
import { createTestDatabase } from '../support/database.ts'

async function setUp(t: Test) {
  const database = await createTestDatabase(t)
  const config = readConfig({ CLAVIGER_KEY_ENCRYPTION_KEY: randomBytes(32).toString('hex') })
  const clock = createTestClock()
  const options = { config, database, clock }
  const admin = createAdminServices(options)
  const keys = await createKeyServices(options, admin)
  await keys.rotation.ensureKeys()
  const [key] = await keys.signingKeyStore.list()
  return { ...admin, ...keys, database, clock, kid: key?.kid ?? 'none' }
}

const actor = 'ada'
const also = () => Promise.reject(new Error('no room'))

t.test(
  'a revoked key is out of the JWKS, in the feed and in the audit, all or nothing',
  async (t) => {
    const { revokeKey, revocations, audit, database, clock, kid } = await setUp(t)
    t.match(await revokeKey(kid, { actor, dryRun: true }), { verdict: 'revoked' })
    const read = () =>
      database.query('select kind, id, expires_at, reason, revoked_at from revocations')
    t.same(await read(), [])

    t.match(await revokeKey(kid, { actor, reason: 'stolen' }), { verdict: 'revoked' })
    t.strictSame(await read(), [
      {
        kind: 'key',
        id: kid,
        // A node out of touch, max-age and verifier cache: as long as anybody may have it in a JWKS.
        expires_at: new Date(clock.now().getTime() + (660 + 300 + 85_430) * 1000),
        reason: 'stolen',
        revoked_at: clock.now(),
      },
    ])
    const faraway = clock.now().getTime() / 1000 + 10 * 365 * 86_400
    t.equal(await revocations.isRevoked({ kid, iat: faraway }), true, 'a thief writes any iat')
    t.equal(await revocations.isRevoked({ kid: 'another', iat: 0 }), false)
    t.match((await audit.list()).at(-1), {
      action: 'keys.revoke',
      subject: kid,
      actor,
      reason: 'stolen',
    })
  },
)

t.test('a revocation that is not recorded is not made', async (t) => {
  const { rotation, signingKeyStore, audit, kid } = await setUp(t)
  const before = await audit.list()
  await t.rejects(rotation.revoke(kid, { actor, also }), { message: 'no room' })
  const row = (await signingKeyStore.list()).find((key) => key.kid === kid)
  t.equal(row?.revokedAt, null)
  t.same(await audit.list(), before)
})
