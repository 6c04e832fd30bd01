import t from 'tap'
import { createRevocationCheck, type Judged } from '../../src/verifier/revocation-check.ts'
import { createHandFollower } from './hand-follower.ts'
import { codeOf } from './test-issuer.ts'

const judged = (): Judged => ({ origin: { iat: 1000, kid: 'K', sub: 'alice', jti: 'J' } })
const revocation = { kind: 'user', id: 'alice', notBefore: 1001 } as const

for (const defer of [false, true])
  t.test(
    `what is revoked is refused${defer ? ', also where digests take a while' : ''}`,
    async (t) => {
      const follower = createHandFollower({ defer })
      const check = createRevocationCheck({ follower })
      const [one, other] = [judged(), { origin: { iat: 1000, sub: 'bob' } }]
      t.equal(await check.judge(one), 'accepted')
      follower.revoke(revocation)
      t.equal(await codeOf(check.judge(one)), 'token_revoked')
      t.equal(await check.judge(other), 'accepted')
      t.equal(
        await check.judge({ origin: { iat: 1001, sub: 'alice' } }),
        'accepted',
        'issued later',
      )
      follower.revokeKey('K')
      t.equal(await codeOf(check.judge(one)), 'key_revoked')
      t.equal(
        await codeOf(check.judge({ origin: { iat: 9999, kid: 'K', sub: 'bob' } })),
        'key_revoked',
        'whenever it says that it was issued',
      )
    },
  )

t.test('a judgement stands until something is revoked', async (t) => {
  const follower = createHandFollower()
  const check = createRevocationCheck({ follower })
  const one = judged()
  t.equal(check.isSettled(one), false, 'not before the first')
  await check.judge(one)
  t.equal(check.isSettled(one), true)
  follower.revoke({ ...revocation, id: 'bob' })
  t.equal(check.isSettled(one), false)
  await check.judge(one)
  t.equal(check.isSettled(one), true)
})

t.test('what arrives during the judgement unsettles it', async (t) => {
  const follower = createHandFollower({ defer: true })
  const check = createRevocationCheck({ follower })
  const one = judged()
  const judging = check.judge(one)
  follower.revoke({ ...revocation, id: 'bob' })
  await judging
  t.equal(check.isSettled(one), false)
})

t.test('what is stale is asked for anew, and refused if it stays so', async (t) => {
  const follower = createHandFollower()
  const check = createRevocationCheck({ follower })
  const one = judged()
  await check.judge(one)
  follower.set({ fresh: false })
  t.equal(check.isSettled(one), false)
  await t.rejects(check.judge(one), { code: 'revocations_stale', status: 503 })
  t.equal(follower.calls.refresh, 1)
  follower.revoke(revocation)
  t.equal(await codeOf(check.judge(one)), 'token_revoked', 'what is known is said')

  const another = { origin: { iat: 1000, sub: 'bob' } }
  follower.set({ onRefresh: () => follower.set({ fresh: true }) })
  t.equal(await check.judge(another), 'accepted')
  t.equal(check.isSettled(another), true)
})

t.test('a revocation that the refresh brings counts', async (t) => {
  const follower = createHandFollower()
  const check = createRevocationCheck({ follower })
  const onRefresh = () => {
    follower.revoke(revocation)
    follower.set({ fresh: true })
  }
  follower.set({ fresh: false, onRefresh })
  t.equal(await codeOf(check.judge(judged())), 'token_revoked')
})

t.test('who chooses to accept while it is stale has each judged by what is known', async (t) => {
  const follower = createHandFollower()
  const check = createRevocationCheck({ follower, whenStale: 'accept' })
  const one = judged()
  follower.set({ fresh: false })
  t.equal(await check.judge(one), 'degraded')
  t.equal(check.isSettled(one), false)
  follower.revoke(revocation)
  t.equal(await codeOf(check.judge(one)), 'token_revoked')
  follower.revokeKey('K')
  t.equal(await codeOf(check.judge(one)), 'key_revoked')
})
