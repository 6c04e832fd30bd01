/** Revoking, signing in and issuing on several nodes at once, whose clocks lag behind the database's (§3.3, §3.4). */
import * as fc from 'fast-check'
import t from 'tap'
import type { Clock } from '../../src/database/clock.ts'
import type { Database } from '../../src/database/database.ts'
import { OAuthError } from '../../src/protocol/errors.ts'
import { createRevocations } from '../../src/revocation/revocations.ts'
import { createRevocationStore } from '../../src/revocation/store.ts'
import { createSessions } from '../../src/sessions/sessions.ts'
import { createSessionStore } from '../../src/sessions/store.ts'
import { createIssueInstants } from '../../src/tokens/issue-instant.ts'
import { createAccounts } from '../../src/users/accounts.ts'
import { createPasswordHasher } from '../../src/users/passwords.ts'
import { createUserStore } from '../../src/users/store.ts'
import { createTestDatabase } from '../support/database.ts'
import { secondsAfter, start } from '../tokens/setup.ts'
import { createNodeClock, createWorld, takingTurns } from './world.ts'

/** In turns of the world. */
interface Span {
  from: number
  to: number
}

interface SignIn extends Span {
  /** When the account was read, and with it the password's hash. */
  read: number
}

interface Origin {
  user: number
  secret: string
  /** Undefined where the session did not count from the beginning. */
  authTime: Date | undefined
  signIn: SignIn
}

interface Attempt extends Origin {
  /** Undefined where nothing was issued. */
  iat: number | undefined
  /** By the database's clock. */
  madeAt: Date
  made: number
}

const seconds = (min: number, max: number) =>
  fc.integer({ min, max }).map((milliseconds) => milliseconds / 1000)
/** Close to each other more often than not: that is where order matters. */
const offset = fc.oneof(seconds(0, 80), seconds(0, 80), seconds(0, 80), seconds(0, 1500))
const node = fc.nat(2)
const user = fc.constantFrom(0, 0, 0, 0, 1)
const issues = fc.array(fc.record({ node, at: offset }), { minLength: 1, maxLength: 3 })
const scenario = fc.record({
  lags: fc.tuple(...Array.from({ length: 3 }, () => fc.integer({ min: 0, max: 50 }))),
  /** Just before the end of a second, more often than not. */
  begin: fc.oneof(seconds(1680, 1799), seconds(1680, 1799), seconds(1000, 1999)),
  /** Signed in long before. */
  early: fc.array(fc.record({ node, user, issues }), { minLength: 1, maxLength: 2 }),
  signIns: fc.array(fc.record({ node, user, at: offset, issues }), { maxLength: 2 }),
  revocations: fc.array(fc.record({ node, user, at: offset }), { minLength: 1, maxLength: 3 }),
  choices: fc.array(fc.nat(10_000), { minLength: 20, maxLength: 60 }),
})
type Scenario = typeof scenario extends fc.Arbitrary<infer Value> ? Value : never

const hasher = createPasswordHasher()

function createNode(database: Database, clock: Clock) {
  const accounts = createAccounts({ store: createUserStore(database), hasher, clock })
  return {
    clock,
    accounts,
    sessions: createSessions({ store: createSessionStore(database), clock, ttlSeconds: 3600 }),
    issueInstants: createIssueInstants({ accounts, clock }),
    revocations: createRevocations({
      database,
      store: createRevocationStore(database),
      accounts,
      clock,
      longestTokenSeconds: async () => 600,
    }),
  }
}

async function play(database: Database, { lags, begin, choices, ...plan }: Scenario) {
  let chosen = 0
  const world = createWorld(start, (below) => {
    return choices[chosen++ % choices.length]! % below
  })
  const nodes = lags.map((lag) =>
    createNode(takingTurns(database, world), createNodeClock(world, lag)),
  )
  const subs = await Promise.all(
    [0, 1].map(async () => {
      const [row] = await database.query<{ sub: string }>(
        `insert into users (sub, username, created_at, updated_at)
         values (gen_random_uuid()::text, gen_random_uuid()::text, $1, $1) returning sub`,
        [start],
      )
      return row!.sub
    }),
  )
  const attempts: Attempt[] = []
  const revoked: (Span & { user: number })[] = []
  const at = (seconds: number) => world.turn(async () => {}, secondsAfter(start, begin + seconds))

  async function signIn({ node, user, at: seconds, issues }: Scenario['signIns'][number]) {
    await at(seconds)
    const { accounts, sessions, clock } = nodes[node]!
    const from = world.turns()
    const authTime = clock.now()
    const account = await accounts.findBySub(subs[user]!)
    const read = world.turns()
    const checkedAt = secondsAfter(world.time(), 0.06)
    await world.turn(async () => {}, checkedAt) // the password takes its time
    const { secret } = await sessions.start(
      { sub: subs[user]!, amr: ['pwd'], authTime, after: [account?.revokedAt] },
      undefined,
    )
    const to = world.turns()
    const session = await sessions.find(secret)
    const origin = { user, secret, authTime: session?.authTime, signIn: { from, read, to } }
    await Promise.all(issues.map((one) => issue(one, origin)))
  }

  async function issue(
    { node, at: seconds }: Scenario['signIns'][number]['issues'][number],
    origin: Origin,
  ) {
    await at(seconds)
    const { accounts, issueInstants, clock } = nodes[node]!
    const readAt = clock.now()
    const [account] = await Promise.all([
      accounts.findBySub(subs[origin.user]!),
      world.turn(async () => {}), // while the code is consumed
    ])
    const instant =
      account &&
      origin.authTime &&
      (await issueInstants
        .await({ account, authTime: origin.authTime, readAt })
        .catch((error: unknown) => {
          if (error instanceof OAuthError) return undefined
          throw error
        }))
    const iat = instant && Math.floor(instant.getTime() / 1000)
    attempts.push({ ...origin, iat, madeAt: world.time(), made: world.turns() })
  }

  async function revoke({ node, user, at: seconds }: Scenario['revocations'][number]) {
    await at(seconds)
    const from = world.turns()
    await nodes[node]!.revocations.revokeUser(subs[user]!)
    revoked.push({ user, from, to: world.turns() })
  }

  await Promise.all([
    ...plan.early.map((one) => signIn({ ...one, at: -begin })),
    ...plan.signIns.map(signIn),
    ...plan.revocations.map(revoke),
    world.run(),
  ])
  const { sessions, revocations } = createNode(database, createNodeClock(world, 0))
  return Promise.all(
    attempts.map(async (attempt) => ({
      attempt,
      revoked: revoked.filter(({ user }) => user === attempt.user),
      hasSession: (await sessions.find(attempt.secret)) !== undefined,
      isGood:
        attempt.iat !== undefined &&
        !(await revocations.isRevoked({ iat: attempt.iat, sub: subs[attempt.user]! })),
    })),
  )
}

t.test('whatever is from before a revocation dies, whatever is from after it lives', async (t) => {
  const database = await createTestDatabase(t)
  const seen = { dead: 0, living: 0, afterwards: 0 }
  const check = async (one: Scenario) => {
    for (const { attempt, revoked, hasSession, isGood } of await play(database, one)) {
      const { iat, madeAt, made, signIn } = attempt
      if (iat !== undefined && iat * 1000 > madeAt.getTime()) throw new Error('from the future')
      const isEarlier = revoked.some(({ from }) => signIn.read <= from)
      const isLater = revoked.every(({ to }) => to <= signIn.from)
      if (isEarlier && hasSession) throw new Error('a session from before a revocation lives')
      if (isLater && !hasSession) throw new Error('a session from after every revocation is dead')
      const mustDie = isEarlier || revoked.some(({ from }) => made <= from)
      if (mustDie && isGood) throw new Error('a token from before a revocation lives')
      if (isLater && !isGood) throw new Error('a token from after every revocation is dead')
      if (mustDie) seen.dead++
      if (isLater) seen.living++
      if (isLater && revoked.length > 0) seen.afterwards++
    }
  }
  await t.resolves(fc.assert(fc.asyncProperty(scenario, check), { numRuns: 200 }))
  for (const [what, count] of Object.entries(seen)) t.ok(count > 20, `${what}: ${count}`)
})
