/** What a request shows of the keys of its sender: the DPoP header (RFC 9449 §4.1), and the client certificate (RFC 8705). */
import type { FastifyRequest } from 'fastify'
import type { Presented } from '../possession/possession.ts'

export type PresentedBy = (request: FastifyRequest) => Presented

export function createPresentedBy({ issuer }: { issuer: string }): PresentedBy {
  const { origin } = new URL(issuer)
  return (request) => {
    const { dpop } = request.headers
    return {
      dpop:
        dpop === undefined
          ? undefined
          : {
              proof: String(dpop), // Node joins several by commas, which no proof has
              method: request.method,
              url: origin + (request.routeOptions.url ?? ''),
            },
      certificate: undefined,
    }
  }
}
