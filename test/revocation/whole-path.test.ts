/**
 * Never a wrong answer: from signing in, issuing and revoking on several nodes with clocks of their own, through their
 * feeds, to a verifier that decides by itself.
 */
import * as fc from 'fast-check'
import t from 'tap'
import { createTestClock } from '../support/clock.ts'
import { createTestDatabase } from '../support/database.ts'
import { createLoadedKeyring } from '../keys/setup.ts'
import { start } from '../tokens/setup.ts'
import { followFeed, type Following, type Verdict } from './follow-feed.ts'
import { mayDie, mustDie, type Revocation } from './judgement.ts'
import { kinds, play, type Scenario } from './play.ts'
import { examples, node, offset, scenario } from './scenarios.ts'

/** MODEL_RUNS for a longer hunt. */
const numRuns = Number(process.env['MODEL_RUNS'] ?? 60)

/** When all has happened, and shortly before the last of the tokens expires. */
const lastReadings = [
  { node: 0, at: 30, isHeard: true },
  { node: 1, at: 570, isHeard: true },
]
const following: fc.Arbitrary<Following> = fc.record({
  mode: fc.constantFrom('stream', 'poll'),
  clockErrorMilliseconds: fc.constantFrom(-3000, 0, 3000),
  readings: fc.array(fc.record({ node, at: offset, isHeard: fc.boolean() }), { maxLength: 6 }),
})

t.test('verify() refuses what is from before a revocation, and nothing else', async (t) => {
  const database = await createTestDatabase(t)
  const keyring = await createLoadedKeyring(database, createTestClock(start))
  const seen = Object.fromEntries(
    kinds.flatMap((kind) => [
      [`refused for ${kind}`, 0],
      [`accepted after ${kind}`, 0],
    ]),
  )
  const count = (what: string) => {
    seen[what] = (seen[what] ?? 0) + 1
  }

  function faultOf(verdict: Verdict, revocations: readonly Revocation[]): string | undefined {
    const { attempt, code, at, delivered } = verdict
    const begun = revocations.filter(({ from }) => from < at)
    if (code === 'accepted') {
      for (const one of begun) {
        if (one.to > delivered) continue
        if (mustDie(attempt, one)) return `accepted after the delivery of ${one.kind}`
        count(`accepted after ${one.kind}`)
      }
      return undefined
    }
    const reasons = begun.filter((one) => mayDie(attempt, one))
    for (const { kind } of reasons) count(`refused for ${kind}`)
    if (code !== 'token_revoked') return `refused with ${String(code)}`
    return reasons.length === 0 ? 'refused without a reason' : undefined
  }

  const check = async (one: Scenario, { readings, ...rest }: Following) => {
    let verdicts: Verdict[] = []
    const following = { ...rest, readings: [...readings, ...lastReadings] }
    const { attempts, revocations } = await play(database, keyring, one, async (scene) => {
      verdicts = await followFeed(scene, keyring, following)
    })
    for (const { iat, madeAt } of attempts)
      if (iat !== undefined && iat * 1000 > madeAt.getTime()) throw new Error('from the future')
    for (const verdict of verdicts) {
      const fault = faultOf(verdict, revocations)
      if (fault !== undefined)
        throw new Error(`${fault} ${JSON.stringify({ verdict, revocations })}`)
    }
    // Once all is delivered, the verifier and the provider itself decide alike.
    for (const { attempt, code } of verdicts.filter(({ at }) => at === verdicts.at(-1)?.at))
      if (attempt.counts !== (code === 'accepted')) throw new Error(`parted over ${String(code)}`)
  }
  const plainly: Following = { mode: 'stream', clockErrorMilliseconds: 0, readings: [] }
  const options = {
    numRuns,
    examples: examples.map((one): [Scenario, Following] => [one, plainly]),
  }
  await t.resolves(fc.assert(fc.asyncProperty(scenario, following, check), options))
  t.comment(seen)
  for (const [what, number] of Object.entries(seen)) t.ok(number > 2, `${what}: ${number}`)
})
