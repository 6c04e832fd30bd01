/**
 * Signing in, issuing and revoking of every kind on several nodes at once, whose clocks lag behind the database's (§3.3,
 * §3.4): what is from before a revocation dies, what is from after it lives, and no `iat` lies in the future.
 */
import * as fc from 'fast-check'
import t from 'tap'
import type { Database } from '../../src/database/database.ts'
import { createTestClock } from '../support/clock.ts'
import { createTestDatabase } from '../support/database.ts'
import { createNode as createKeyNode, newSecret } from '../keys/setup.ts'
import { start } from '../tokens/setup.ts'
import { mayDie, mustDie, type Attempt, type Revocation } from './judgement.ts'
import { kinds, play, type Scenario } from './play.ts'

/** MODEL_RUNS for a longer hunt. */
const numRuns = Number(process.env['MODEL_RUNS'] ?? 120)

const seconds = (min: number, max: number) =>
  fc.integer({ min, max }).map((milliseconds) => milliseconds / 1000)
/** Close to each other more often than not: that is where order matters. */
const offset = fc.oneof(seconds(0, 80), seconds(0, 80), seconds(0, 1500), seconds(1500, 4000))
const when = fc.oneof(fc.constant(-0.9), offset)
const node = fc.nat(2)
const index = fc.nat(3)
const party = fc.constantFrom(0, 0, 0, 1)
const step = fc.record({ node, at: offset })
const scenario: fc.Arbitrary<Scenario> = fc.record({
  lags: fc.array(fc.nat(50), { minLength: 3, maxLength: 3 }),
  /** Just before the end of a second, more often than not. */
  begin: fc.oneof(seconds(1680, 1799), seconds(1680, 1799), seconds(1000, 1999)),
  people: fc.array(
    fc.record({
      node,
      user: party,
      at: when,
      authorizations: fc.array(
        fc.record({
          node,
          client: party,
          at: when,
          redemption: fc.record({ node, at: when }),
          refreshes: fc.array(step, { maxLength: 2 }),
        }),
        { minLength: 1, maxLength: 2 },
      ),
    }),
    { minLength: 1, maxLength: 2 },
  ),
  services: fc.array(fc.record({ node, client: party, at: when }), { maxLength: 3 }),
  revocations: fc.array(
    fc.record({
      node,
      at: offset,
      kind: fc.constantFrom(...kinds),
      user: party,
      client: party,
      index,
      refreshTokens: fc.boolean(),
    }),
    { minLength: 1, maxLength: 3 },
  ),
  choices: fc.array(fc.nat(10_000), { minLength: 20, maxLength: 60 }),
})

async function createKeyring(database: Database) {
  const node = await createKeyNode(database, newSecret(), createTestClock(start), {
    algorithms: ['ES256'],
  })
  await node.rotation.ensureKeys()
  await node.keyring.load()
  return node.keyring
}

t.test('whatever is from before a revocation dies, whatever is from after it lives', async (t) => {
  const database = await createTestDatabase(t)
  const keyring = await createKeyring(database)
  const seen = Object.fromEntries(
    kinds.flatMap((kind) => [
      [`dead by ${kind}`, 0],
      [`alive after ${kind}`, 0],
    ]),
  )
  const count = (what: string) => {
    seen[what] = (seen[what] ?? 0) + 1
  }

  function judge(attempt: Attempt, revocations: readonly Revocation[]): string | undefined {
    const { iat, madeAt, counts } = attempt
    if (iat !== undefined && iat * 1000 > madeAt.getTime()) return 'a token from the future'
    for (const one of revocations) {
      if (mustDie(attempt, one) && counts) return `a token from before lives: ${one.kind}`
      if (mustDie(attempt, one)) count(`dead by ${one.kind}`)
    }
    if (revocations.some((one) => mayDie(attempt, one))) return undefined
    if (!counts) return 'a token from after every revocation is dead'
    for (const one of revocations) count(`alive after ${one.kind}`)
    return undefined
  }

  const check = async (one: Scenario) => {
    const { attempts, revocations } = await play(database, keyring, one)
    for (const attempt of attempts) {
      const fault = judge(attempt, revocations)
      if (fault !== undefined)
        throw new Error(`${fault} ${JSON.stringify({ attempt, revocations })}`)
    }
  }
  await t.resolves(fc.assert(fc.asyncProperty(scenario, check), { numRuns }))
  t.comment(seen)
  for (const [what, number] of Object.entries(seen)) t.ok(number > 2, `${what}: ${number}`)
})
