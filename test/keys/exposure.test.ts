import t from 'tap'
import { exposureOfPromotion, exposureOfRevocation } from '../../src/keys/exposure.ts'
import { addSeconds } from '../../src/keys/schedule.ts'

const now = new Date('2026-11-22T00:00:00Z')
const settings = { jwksMaxAgeSeconds: 300, verifierCacheSeconds: 3600, stalenessSeconds: 60 }
const after = (seconds: number) => addSeconds(now, seconds)

t.test('a revoked key may be trusted as long as a copy of the JWKS lasts', async (t) => {
  t.same(exposureOfRevocation(now, settings), {
    from: now,
    nodesUntil: after(60),
    cachesUntil: after(360),
    verifiersUntil: after(3960),
  })
})

t.test('a key that signs early may be refused until every copy without it is gone', async (t) => {
  t.same(exposureOfPromotion({ publishedAt: after(-100) }, now, settings), {
    from: now,
    nodesUntil: now,
    cachesUntil: after(260),
    verifiersUntil: after(3860),
  })
})

t.test('a key that all verifiers know exposes nobody', async (t) => {
  t.equal(exposureOfPromotion({ publishedAt: after(-3960) }, now, settings), undefined)
  t.match(exposureOfPromotion({ publishedAt: after(-3959) }, now, settings), {
    cachesUntil: now,
    verifiersUntil: after(1),
  })
})
