/** The JWKS as verifiers get it through a load balancer: from any node in turn, from the next when one does not answer. */
import { paths } from '../../../src/protocol/paths.ts'
import type { SoakNode } from './node.ts'

export interface JwksSource {
  /** 200 or 304; throws when no node answers. */
  fetch(headers?: HeadersInit): Promise<Response>
  /** How often it was asked for. */
  fetches(): number
}

export function createJwksSource(nodes: readonly SoakNode[], firstTurn: number): JwksSource {
  let turn = firstTurn
  let fetches = 0

  return {
    fetches: () => fetches,
    async fetch(headers = {}) {
      fetches += 1
      const faults: string[] = []
      for (const _ of nodes) {
        const node = nodes[turn++ % nodes.length]!
        const answer = await fetchJwks(node, headers).catch(String)
        if (typeof answer === 'object' && (answer.ok || answer.status === 304)) return answer
        faults.push(`${node.name}: ${typeof answer === 'object' ? answer.status : answer}`)
      }
      throw new Error(`No node answers with the JWKS: ${faults.join(', ')}`)
    },
  }
}

export function fetchJwks(
  { origin }: Pick<SoakNode, 'origin'>,
  headers: HeadersInit = {},
): Promise<Response> {
  return fetch(origin + paths.jwks, { headers, signal: AbortSignal.timeout(5_000) })
}
