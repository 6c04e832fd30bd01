import t from 'tap'
import { exposureOfPromotion, exposureOfRevocation } from '../../src/keys/exposure.ts'
import { servedSeconds } from '../../src/keys/out-of-touch.ts'
import { addSeconds } from '../../src/protocol/instants.ts'

const now = new Date('2026-11-22T00:00:00Z')
const settings = {
  publicationLeadSeconds: 86_400,
  longestTokenSeconds: 600,
  stalenessSeconds: 60,
  clockSkewSeconds: 10,
  jwksMaxAgeSeconds: 300,
  verifierCacheSeconds: 3600,
}
const after = (seconds: number) => addSeconds(now, seconds)

t.test('a node that cannot read the keys publishes them as long as the lead allows', async (t) => {
  const rows: [why: string, changes: Partial<typeof settings>, seconds: number][] = [
    ['until its last token has expired', {}, 670],
    ['a longer one', { longestTokenSeconds: 3600 }, 3670],
    ['the lead leaves no room for it', { publicationLeadSeconds: 4010 }, 100],
    ['verifiers are promised all of it', { verifierCacheSeconds: 86_400 - 300 - 60 - 10 }, 60],
    ['as long as it may sign in any case', { publicationLeadSeconds: 2 }, 60],
  ]
  for (const [why, changes, seconds] of rows)
    t.equal(servedSeconds({ ...settings, ...changes }), seconds, why)
})

t.test('a revoked key may be trusted as long as a copy of the JWKS lasts', async (t) => {
  t.same(exposureOfRevocation(now, settings), {
    from: now,
    nodesUntil: after(670),
    cachesUntil: after(970),
    verifiersUntil: after(4570),
  })
})

t.test('a key that signs early may be refused until every copy without it is gone', async (t) => {
  t.same(exposureOfPromotion({ publishedAt: after(-100) }, now, settings), {
    from: now,
    nodesUntil: after(570),
    cachesUntil: after(870),
    verifiersUntil: after(4470),
  })
})

t.test('a key that all verifiers know exposes nobody', async (t) => {
  t.equal(exposureOfPromotion({ publishedAt: after(-4570) }, now, settings), undefined)
  t.match(exposureOfPromotion({ publishedAt: after(-4569) }, now, settings), {
    cachesUntil: now,
    verifiersUntil: after(1),
  })
})
