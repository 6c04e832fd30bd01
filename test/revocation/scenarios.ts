/** What may happen on three nodes within some seconds, at random instants: for the models that play it (play.ts). */
import * as fc from 'fast-check'
import { kinds, type Scenario } from './play.ts'

const seconds = (min: number, max: number) =>
  fc.integer({ min, max }).map((milliseconds) => milliseconds / 1000)
/** Close to each other more often than not: that is where order matters. */
export const offset = fc.oneof(
  seconds(0, 80),
  seconds(0, 80),
  seconds(0, 1500),
  seconds(1500, 4000),
)
const when = fc.oneof(fc.constant(-0.9), offset)
export const node = fc.nat(2)
const index = fc.nat(3)
const party = fc.constantFrom(0, 0, 0, 1)
const step = fc.record({ node, at: offset })
export const scenario: fc.Arbitrary<Scenario> = fc.record({
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

/** Of a kind each: tokens from before a revocation and from after it, which chance alone may never come to. */
export const examples: Scenario[] = kinds.map((kind) => ({
  lags: [0, 20, 40],
  begin: 1.7,
  people: [personAt(-0.9), personAt(6)],
  services: [{ node: 1, client: 0, at: -0.9 }],
  revocations: [0, 1, 2].map((index) => ({
    node: 2,
    at: 1,
    kind,
    user: 0,
    client: 0,
    index,
    refreshTokens: true,
  })),
  choices: [0],
}))

function personAt(at: number): Scenario['people'][number] {
  const here = { node: 0, at }
  const authorizations = [0, 1].map((client) => ({
    node: 0,
    client,
    at,
    redemption: here,
    refreshes: [here, { node: 1, at }],
  }))
  return { ...here, user: 0, authorizations }
}
