/** Tokens from all nodes without a pause, each verified by everybody at once and again just before it expires. */
import { setTimeout as delay } from 'node:timers/promises'
import type { Queryable } from '../../../src/database/database.ts'
import type { SoakNode } from './node.ts'
import { createSightings, type Sighting, type Sightings } from './sightings.ts'
import { requestToken, type TokenClient } from './token-client.ts'
import type { Verifier } from './verifiers.ts'
import { algs, type Alg } from './windows.ts'

export type Occasion = 'at once' | 'before it expires'

export interface Verdicts {
  accepted: Record<Occasion, number>
  /** Refused although alive until after the refusal, in words. */
  falseRejections: string[]
  /** Refused, but expired by then. */
  expired: number
}

export interface Traffic {
  sightings: Sightings
  verdicts: ReadonlyMap<Verifier, Verdicts>
  /** Requests that brought no token, by their answer. */
  refusals: ReadonlyMap<string, number>
  /** Resolves when the last token has been verified. */
  stop(): Promise<void>
}

export const lost = 'the node was killed'

export function createTraffic({
  nodes,
  verifiers,
  client,
  database,
  tokensPerSecond,
}: {
  nodes: readonly SoakNode[]
  verifiers: readonly Verifier[]
  client: TokenClient
  database: Queryable
  /** From each node. */
  tokensPerSecond: number
}): Traffic {
  const sightings = createSightings()
  const refusals = new Map<string, number>()
  const verdicts = new Map(verifiers.map((verifier) => [verifier, noVerdicts()] as const))
  const later = new Set<Promise<void>>()
  const stopping = new AbortController()
  const running = Promise.all(nodes.map(follow))

  async function follow(node: SoakNode): Promise<void> {
    for (let turn = 0; !stopping.signal.aborted; turn += 1) {
      const pause = delay(1000 / tokensPerSecond)
      if (node.isUp()) await obtain(node, algs[turn % algs.length]!)
      await pause
    }
  }

  async function obtain(node: SoakNode, alg: Alg): Promise<void> {
    const answer = await requestToken(node, client, alg)
    if ('refusal' in answer) {
      const what = node.isUp() ? `${node.name}: ${answer.refusal}` : lost
      refusals.set(what, (refusals.get(what) ?? 0) + 1)
      return
    }
    const [row] = await database.query<{ now: Date }>('select clock_timestamp() as now')
    const sighting = sightings.note(answer.token, node.name, row!.now)
    await verifyByAll(sighting, 'at once')
    const second = verifyLater(sighting).finally(() => later.delete(second))
    later.add(second)
  }

  async function verifyLater(sighting: Sighting): Promise<void> {
    const early = 250 + 50 * (sightings.tokens() % 10) // all tokens of a second expire at one instant
    await delay(sighting.exp * 1000 - early - Date.now())
    await verifyByAll(sighting, 'before it expires')
  }

  async function verifyByAll(sighting: Sighting, occasion: Occasion): Promise<void> {
    await Promise.all(verifiers.map((verifier) => verify(verifier, sighting, occasion)))
  }

  async function verify(verifier: Verifier, sighting: Sighting, occasion: Occasion) {
    const verdict = verdicts.get(verifier)!
    try {
      await verifier.verify(sighting.token)
      verdict.accepted[occasion] += 1
    } catch (error) {
      if (Date.now() >= sighting.exp * 1000) verdict.expired += 1
      else verdict.falseRejections.push(describe(sighting, occasion, error))
    }
  }

  return {
    sightings,
    verdicts,
    refusals,
    async stop() {
      stopping.abort()
      await running
      await Promise.all(later)
    },
  }
}

function noVerdicts(): Verdicts {
  return { accepted: { 'at once': 0, 'before it expires': 0 }, falseRejections: [], expired: 0 }
}

function describe({ kid, node, iat }: Sighting, occasion: Occasion, error: unknown): string {
  const age = (Date.now() / 1000 - iat).toFixed(2)
  return `${new Date().toISOString()}: ${kid} of ${node}, ${occasion}, ${age} s after iat: ${String(error)}`
}
