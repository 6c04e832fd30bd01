/** A verifier that follows the feeds of several nodes, in virtual time. */
import { setImmediate as turn } from 'node:timers/promises'
import type { Keyring } from '../../src/keys/keyring.ts'
import { createVerifier, type Verifier } from '../../src/verifier/verifier.ts'
import { codeOf } from '../verifier/test-issuer.ts'
import { createTestTime, until } from '../verifier/test-time.ts'
import { createFeedNode, heartbeatSeconds } from './feed-node.ts'
import type { Attempt } from './judgement.ts'
import { issuer, type Scene } from './play.ts'
import { takingTurns } from './world.ts'

/** The verifier asks a node, and judges all tokens there are. */
export interface Reading {
  node: number
  /** In seconds since the scenario's beginning. */
  at: number
  /** The node has just heard that there is news; else it knows what it knew. */
  isHeard: boolean
}

export interface Following {
  mode: 'stream' | 'poll'
  /** How far the verifier's clock is ahead of the database's. */
  clockErrorMilliseconds: number
  readings: Reading[]
}

export interface Verdict {
  attempt: Attempt
  /** `accepted`, or the error's code. */
  code: unknown
  /** In turns of the world. */
  at: number
  /** What had been recorded by then had been delivered, in turns. */
  delivered: number
}

const pollMilliseconds = 500
/** What a verifier waits for an answer at most, and for the next document of a stream. */
const requestMilliseconds = 10_000
const silenceMilliseconds = 2.5 * heartbeatSeconds * 1000

export async function followFeed(
  { world, database, clocks, attempts, at }: Scene,
  keyring: Pick<Keyring, 'sign' | 'jwks'>,
  { mode, clockErrorMilliseconds, readings }: Following,
): Promise<Verdict[]> {
  const nodes = clocks.map((clock) => createFeedNode(takingTurns(database, world), clock, keyring))
  const knownSince = nodes.map(() => 0)
  const verdicts: Verdict[] = []
  const time = createTestTime()
  let asked = 0
  let delivered = 0

  const isListening = () => time.waiting().includes(silenceMilliseconds)
  /** Beside the timer by which it looks after its freshness it has one for what it does. */
  const isIdle = () => time.waiting().length > 1 && !time.waiting().includes(requestMilliseconds)

  async function start(): Promise<Verifier> {
    const verifier = createVerifier({
      issuer,
      audience: issuer,
      revocations: { public: true, mode, pollSeconds: pollMilliseconds / 1000 },
      fetch: (url, init) => nodes[asked]!.answer(new URL(url), init),
      now: () => world.time().getTime() + clockErrorMilliseconds,
      monotonic: () => world.time().getTime(),
      setTimer: time.setTimer,
    })
    await verifier.ready()
    await until(isIdle)
    return verifier
  }

  async function load(node: number): Promise<void> {
    const since = world.turns()
    await nodes[node]!.feed.load()
    knownSince[node] = since
  }

  async function move(node: number): Promise<void> {
    if (node === asked) return
    nodes[asked]!.cut()
    asked = node
    await until(() => !isListening())
  }

  /** No time passes in the world meanwhile, so that chance has no say. */
  async function deliver(): Promise<void> {
    const { feed, timers } = nodes[asked]!
    await until(isIdle)
    time.advance(pollMilliseconds) // a poll is due, unless it listens
    await turn()
    await until(isIdle)
    await until(() => {
      timers.pass(1) // what comes within the rest after a document is sent together
      const { revocations } = verifier.status()
      return revocations !== 'off' && revocations.cursor === feed.cursor()
    })
    delivered = Math.max(delivered, knownSince[asked]!)
  }

  async function judge(): Promise<void> {
    for (const attempt of attempts) {
      if (attempt.accessToken === undefined) continue
      const code = await codeOf(verifier.verify(attempt.accessToken))
      verdicts.push({ attempt, code, at: world.turns(), delivered })
    }
  }

  await Promise.all(nodes.map((_, node) => load(node)))
  const verifier = await world.turn(start)
  for (const reading of readings.toSorted((one, other) => one.at - other.at)) {
    await at(reading.at)
    if (reading.isHeard) await load(reading.node)
    await world.turn(async () => {
      await move(reading.node)
      await deliver()
      await judge()
    })
  }
  verifier.close()
  for (const { cut } of nodes) cut()
  return verdicts
}
