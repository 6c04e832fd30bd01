/**
 * Signing in, issuing and revoking of every kind on several nodes at once, whose clocks lag behind the database's (§3.3,
 * §3.4): what is from before a revocation dies, what is from after it lives, and no `iat` lies in the future.
 */
import * as fc from 'fast-check'
import t from 'tap'
import { createTestClock } from '../support/clock.ts'
import { createTestDatabase } from '../support/database.ts'
import { createLoadedKeyring } from '../keys/setup.ts'
import { start } from '../tokens/setup.ts'
import { mayDie, mustDie, type Attempt, type Revocation } from './judgement.ts'
import { kinds, play, type Scenario } from './play.ts'
import { examples, scenario } from './scenarios.ts'

/** MODEL_RUNS for a longer hunt. */
const numRuns = Number(process.env['MODEL_RUNS'] ?? 120)

t.test('whatever is from before a revocation dies, whatever is from after it lives', async (t) => {
  const database = await createTestDatabase(t)
  const keyring = await createLoadedKeyring(database, createTestClock(start))
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
  const options = { numRuns, examples: examples.map((one): [Scenario] => [one]) }
  await t.resolves(fc.assert(fc.asyncProperty(scenario, check), options))
  t.comment(seen)
  for (const [what, number] of Object.entries(seen)) t.ok(number > 2, `${what}: ${number}`)
})
