import t from 'tap'
import { createRotateKeysJob } from '../../src/jobs/rotate-keys.ts'
import { createNode, createTestKeys } from '../keys/setup.ts'

t.test(
  'the job makes the first keys, rotates them when it is time, and the keyring follows',
  async (t) => {
    const { rotation, keyring, clock } = await createTestKeys(t)
    const job = createRotateKeysJob({ rotation, keyring, intervalSeconds: 1 })
    t.match(job, { name: 'rotate-keys', intervalSeconds: 1 })
    await job.run()
    t.equal(keyring.isLoaded(), true)
    const { etag } = keyring.jwks()
    await job.run()
    t.equal(keyring.jwks().etag, etag)
    clock.set(keyring.nextTransition()!)
    await job.run()
    t.not(keyring.jwks().etag, etag)
  },
)

t.test('a node whose notification was lost follows with its next run', async (t) => {
  const { rotation, keyring, database, secret, clock } = await createTestKeys(t)
  const other = await createNode(database, secret, clock)
  const job = createRotateKeysJob({ ...other, intervalSeconds: 1 })
  await job.run()
  clock.advance(86_400)
  await other.keyring.load()
  await rotation.rotate({ actor: 'ada' })
  await keyring.load()
  t.not(other.keyring.jwks().etag, keyring.jwks().etag)
  await job.run()
  t.equal(other.keyring.jwks().etag, keyring.jwks().etag)
})
