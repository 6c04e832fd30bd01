import t from 'tap'
import type { Clock } from '../../src/database/clock.ts'
import { act, createNode, setUp } from '../tokens/setup.ts'

t.test(
  'a client that is being deleted gets nothing while its revocation is waited for',
  async (t) => {
    const { database, clock, clientId } = await setUp()
    const seen: unknown[] = []
    const waiting: Clock = {
      ...clock,
      async waitUntil(instant) {
        seen.push((await node.clients.find(clientId))?.revokedAt)
        await clock.waitUntil(instant)
      },
    }
    const node = createNode(database, waiting)
    await node.clients.find(clientId)
    const { at } = await node.clientActs.delete(clientId, act)
    t.strictSame(seen, [at])
    t.equal(await node.clients.find(clientId), undefined)
  },
)

t.test('a client that nobody knows is neither revoked nor deleted', async (t) => {
  const { clientActs } = await setUp()
  await t.rejects(clientActs.delete('nobody', act), { name: 'Refusal', message: /nobody/ })
})
