/** What a request shows of the keys of its sender: the DPoP header (RFC 9449 §4.1), and the client certificate (RFC 8705). */
import type { FastifyRequest } from 'fastify'
import type { Presented } from '../possession/possession.ts'
import type { ReadClientCertificate } from './client-certificate.ts'

export type PresentedBy = (request: FastifyRequest) => Presented

export function createPresentedBy({
  issuer,
  readClientCertificate,
}: {
  issuer: string
  readClientCertificate: ReadClientCertificate
}): PresentedBy {
  const { origin } = new URL(issuer)
  return (request) => ({
    dpop: proofOf(request, origin),
    certificate: readClientCertificate(request.raw),
  })
}

function proofOf(request: FastifyRequest, origin: string): Presented['dpop'] {
  const { dpop } = request.headers
  if (dpop === undefined) return undefined
  return {
    proof: String(dpop), // Node joins several by commas, which no proof has
    method: request.method,
    url: origin + (request.routeOptions.url ?? ''),
  }
}
