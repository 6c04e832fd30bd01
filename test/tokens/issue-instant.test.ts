import t from 'tap'
import type { Clock } from '../../src/database/clock.ts'
import { createIssueInstants } from '../../src/tokens/issue-instant.ts'
import { act, laggingBy, secondsAfter, setUp, start } from './setup.ts'

const refusal = { code: 'invalid_grant' }
/** The revocations below are at the start; it lies in this second. */
const nextSecond = new Date('2026-01-02T03:04:06Z')

async function setUpInstants() {
  const world = await setUp()
  const { accounts, sub } = world
  /** The instant, as a grant asks for it. */
  async function issue(authTime: Date, readAt: Date, clock: Clock = world.clock): Promise<Date> {
    async function readAgain() {
      const account = await accounts.findBySub(sub)
      return account && { account, authTime }
    }
    const instants = createIssueInstants({ clock })
    return instants.await((await readAgain())!, { readAt, readAgain })
  }
  /** A clock on which something happens while somebody waits. */
  const whileWaiting = (happen: () => Promise<unknown>): Clock => ({
    ...world.clock,
    async waitUntil(instant) {
      await happen()
      await world.clock.waitUntil(instant)
    },
  })
  return { ...world, issue, whileWaiting }
}

t.test('the instant is the one from before the account was read', async (t) => {
  const { issue, clock } = await setUpInstants()
  const readAt = clock.now()
  clock.advance(3)
  t.strictSame(await issue(start, readAt), readAt)
  t.strictSame(clock.now(), secondsAfter(start, 3), 'nobody waited')
})

t.test('who signs in right after a revocation waits that second out (§3.4)', async (t) => {
  const { issue, revocations, sub, clock } = await setUpInstants()
  await revocations.revokeUser(sub, act)
  clock.advance(0.001)
  const instant = await issue(clock.now(), clock.now())
  t.strictSame(instant, nextSecond)
  t.strictSame(clock.now(), nextSecond, 'so no iat lies in the future')
  const iat = instant.getTime() / 1000
  t.equal(await revocations.isRevoked({ iat, sub }), false)
  t.equal(await revocations.isRevoked({ iat: iat - 1, sub }), true)
})

t.test('in the next second nobody waits', async (t) => {
  const { issue, revocations, sub, clock } = await setUpInstants()
  await revocations.revokeUser(sub, act)
  clock.set(nextSecond)
  t.strictSame(await issue(nextSecond, nextSecond), nextSecond)
})

t.test('a node whose clock lags waits until its own clock is there', async (t) => {
  const { issue, revocations, sub, clock } = await setUpInstants()
  const node = laggingBy(50, clock)
  await revocations.revokeUser(sub, act)
  clock.set(nextSecond)
  const authTime = secondsAfter(start, 0.001)
  t.strictSame(await issue(authTime, node.now(), node), nextSecond)
  t.strictSame(clock.now(), secondsAfter(nextSecond, 0.05))
})

t.test(
  'what was authenticated before the revocation is refused, however long ago it was',
  async (t) => {
    const { issue, revocations, sub, clock } = await setUpInstants()
    await revocations.revokeUser(sub, act)
    for (const [seconds, authTime] of [
      [0, secondsAfter(start, -3600)],
      [0, start],
      [3600, start],
    ] as const) {
      clock.advance(seconds)
      await t.rejects(issue(authTime, clock.now()), refusal)
    }
  },
)

t.test('a disabled user gets nothing', async (t) => {
  const { issue, accounts, sub } = await setUpInstants()
  await accounts.disable(sub)
  await t.rejects(issue(start, start), refusal)
})

t.test('another revocation during the wait refuses', async (t) => {
  const { issue, revocations, sub, clock, whileWaiting } = await setUpInstants()
  await revocations.revokeUser(sub, act)
  clock.advance(0.1)
  const interrupted = whileWaiting(() => revocations.revokeUser(sub, act))
  await t.rejects(issue(clock.now(), clock.now(), interrupted), refusal)
})

t.test('a user disabled or deleted during the wait gets nothing', async (t) => {
  const { accounts, issue, revocations, sub, clock, whileWaiting } = await setUpInstants()
  for (const end of [accounts.disable, accounts.delete]) {
    await revocations.revokeUser(sub, act)
    clock.advance(0.001)
    const interrupted = whileWaiting(() => end(sub))
    await t.rejects(issue(clock.now(), clock.now(), interrupted), refusal)
    if (end === accounts.disable) await accounts.enable(sub)
  }
})

t.test('a grant that ends during the wait takes along what is issued after it', async (t) => {
  const { issue, revocations, sub, clock, whileWaiting, endGrant, beginFamily } =
    await setUpInstants()
  await revocations.revokeUser(sub, act)
  clock.advance(0.1)
  const { grantId } = await beginFamily()
  const interrupted = whileWaiting(() => endGrant(grantId, 'its code was used twice'))
  const instant = await issue(clock.now(), clock.now(), interrupted)
  const iat = Math.floor(instant.getTime() / 1000)
  t.equal(await revocations.isRevoked({ iat, sub, grant_id: grantId }), true)
})

t.test('nobody waits for a revocation that lies in the future', async (t) => {
  const { issue, revocations, sub, clock } = await setUpInstants()
  clock.advance(3600)
  await revocations.revokeUser(sub, act)
  clock.set(start) // the database's clock was set back
  const authTime = secondsAfter(start, 3601)
  await t.rejects(issue(authTime, start), { code: 'temporarily_unavailable' })
  t.strictSame(clock.now(), start)
})
