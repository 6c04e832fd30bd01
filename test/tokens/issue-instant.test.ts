import t from 'tap'
import type { Clock } from '../../src/database/clock.ts'
import { createIssueInstants } from '../../src/tokens/issue-instant.ts'
import { laggingBy, secondsAfter, setUp, start } from './setup.ts'

const refusal = { code: 'invalid_grant' }
/** The revocations below are at the start; it lies in this second. */
const nextSecond = new Date('2026-01-02T03:04:06Z')

async function setUpInstants() {
  const world = await setUp()
  const { accounts, sub } = world
  const request = async (authTime: Date, readAt: Date) => ({
    account: (await accounts.findBySub(sub))!,
    authTime,
    readAt,
  })
  /** A clock on which something happens while somebody waits. */
  const whileWaiting = (happen: () => Promise<unknown>): Clock => ({
    ...world.clock,
    async waitUntil(instant) {
      await happen()
      await world.clock.waitUntil(instant)
    },
  })
  return { ...world, request, whileWaiting }
}

t.test('the instant is the one from before the account was read', async (t) => {
  const { issueInstants, request, clock } = await setUpInstants()
  const readAt = clock.now()
  clock.advance(3)
  t.strictSame(await issueInstants.await(await request(start, readAt)), readAt)
  t.strictSame(clock.now(), secondsAfter(start, 3), 'nobody waited')
})

t.test('who signs in right after a revocation waits that second out (§3.4)', async (t) => {
  const { issueInstants, request, revocations, sub, clock } = await setUpInstants()
  await revocations.revokeUser(sub)
  clock.advance(0.001)
  const instant = await issueInstants.await(await request(clock.now(), clock.now()))
  t.strictSame(instant, nextSecond)
  t.strictSame(clock.now(), nextSecond, 'so no iat lies in the future')
  const iat = instant.getTime() / 1000
  t.equal(await revocations.isRevoked({ iat, sub }), false)
  t.equal(await revocations.isRevoked({ iat: iat - 1, sub }), true)
})

t.test('in the next second nobody waits', async (t) => {
  const { issueInstants, request, revocations, sub, clock } = await setUpInstants()
  await revocations.revokeUser(sub)
  clock.set(nextSecond)
  t.strictSame(await issueInstants.await(await request(nextSecond, nextSecond)), nextSecond)
})

t.test('a node whose clock lags waits until its own clock is there', async (t) => {
  const { accounts, request, revocations, sub, clock } = await setUpInstants()
  const node = laggingBy(50, clock)
  await revocations.revokeUser(sub)
  clock.set(nextSecond)
  const issueInstants = createIssueInstants({ accounts, clock: node })
  const authTime = secondsAfter(start, 0.001)
  t.strictSame(await issueInstants.await(await request(authTime, node.now())), nextSecond)
  t.strictSame(clock.now(), secondsAfter(nextSecond, 0.05))
})

t.test(
  'what was authenticated before the revocation is refused, however long ago it was',
  async (t) => {
    const { issueInstants, request, revocations, sub, clock } = await setUpInstants()
    await revocations.revokeUser(sub)
    for (const [seconds, authTime] of [
      [0, secondsAfter(start, -3600)],
      [0, start],
      [3600, start],
    ] as const) {
      clock.advance(seconds)
      await t.rejects(issueInstants.await(await request(authTime, clock.now())), refusal)
    }
  },
)

t.test('a disabled user gets nothing', async (t) => {
  const { issueInstants, request, accounts, sub } = await setUpInstants()
  await accounts.disable(sub)
  await t.rejects(issueInstants.await(await request(start, start)), refusal)
})

t.test('another revocation during the wait refuses', async (t) => {
  const { accounts, request, revocations, sub, clock, whileWaiting } = await setUpInstants()
  await revocations.revokeUser(sub)
  clock.advance(0.1)
  const issueInstants = createIssueInstants({
    accounts,
    clock: whileWaiting(() => revocations.revokeUser(sub)),
  })
  await t.rejects(issueInstants.await(await request(clock.now(), clock.now())), refusal)
})

t.test('a user disabled or deleted during the wait gets nothing', async (t) => {
  const { accounts, request, revocations, sub, clock, whileWaiting } = await setUpInstants()
  for (const end of [accounts.disable, accounts.delete]) {
    await revocations.revokeUser(sub)
    clock.advance(0.001)
    const issueInstants = createIssueInstants({ accounts, clock: whileWaiting(() => end(sub)) })
    await t.rejects(issueInstants.await(await request(clock.now(), clock.now())), refusal)
    if (end === accounts.disable) await accounts.enable(sub)
  }
})

t.test('a grant that ends during the wait takes along what is issued after it', async (t) => {
  const { accounts, request, revocations, sub, clock, whileWaiting, endGrant, beginFamily } =
    await setUpInstants()
  await revocations.revokeUser(sub)
  clock.advance(0.1)
  const { grantId } = await beginFamily()
  const issueInstants = createIssueInstants({
    accounts,
    clock: whileWaiting(() => endGrant(grantId, 'its code was used twice')),
  })
  const instant = await issueInstants.await(await request(clock.now(), clock.now()))
  const iat = Math.floor(instant.getTime() / 1000)
  t.equal(await revocations.isRevoked({ iat, sub, grant_id: grantId }), true)
})

t.test('nobody waits for a revocation that lies in the future', async (t) => {
  const { issueInstants, request, revocations, sub, clock } = await setUpInstants()
  clock.advance(3600)
  await revocations.revokeUser(sub)
  clock.set(start) // the database's clock was set back
  const authTime = secondsAfter(start, 3601)
  await t.rejects(issueInstants.await(await request(authTime, start)), {
    code: 'temporarily_unavailable',
  })
  t.strictSame(clock.now(), start)
})
