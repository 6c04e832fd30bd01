/** What a soak proves: each promise, and how it was broken. */
import type { SoakReport } from './soak.ts'
import { lost } from './traffic.ts'

const unavailable = '503 temporarily_unavailable'

/** `rarely`: the share of the tokens that may be refused by a node whose keys are stale; how often depends on the machine. */
export function findBrokenPromises(
  report: SoakReport,
  { rarely }: { rarely: number },
): Record<string, string[]> {
  const { watch, traffic, disagreement, nodes, exitCodes } = report
  const { sightings, verdicts } = traffic
  return {
    'every verifier accepts every token, at once and until it expires': [...verdicts].flatMap(
      ([{ name }, { falseRejections }]) => falseRejections.map((text) => `${name}: ${text}`),
    ),
    'no new key makes a verifier fetch the JWKS before its time': [...verdicts.keys()]
      .filter(({ unknownKids }) => unknownKids !== undefined && unknownKids() > 0)
      .map(({ name }) => name),
    'at any time one key of each algorithm signs and one is next': [...watch.faults],
    'no key signs before its publication lead is over': sightings.signedTooEarly(watch.keys),
    'no token outlives its key in the JWKS': sightings.outliveTheirKey(watch.keys),
    'no token is dated in the future': [...sightings.fromTheFuture],
    'in the end all nodes have the same JWKS': disagreement === undefined ? [] : [disagreement],
    'clients get tokens from every node that is up': findRefusals(traffic, rarely),
    'nodes end in good order': nodes
      .map(({ name }, index) => `${name}: ${exitCodes[index]}`)
      .filter((_, index) => exitCodes[index] !== 0),
  }
}

/** A node that the machine lets wait may not know the keys for a moment, and says so. That must be rare. */
function findRefusals({ refusals, sightings }: SoakReport['traffic'], rarely: number): string[] {
  const given = [...refusals].filter(([answer]) => answer !== lost)
  const isMoment = ([answer, times]: [string, number]) =>
    answer.endsWith(unavailable) && times < sightings.tokens() * rarely
  return given.filter((refusal) => !isMoment(refusal)).map(([answer, n]) => `${n} × ${answer}`)
}
