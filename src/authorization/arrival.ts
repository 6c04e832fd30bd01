/** How a request came, and how its client's requests must come (RFC 9126 §5–6, RFC 9101 §10.5). */
import type { Client } from '../clients/registry.ts'
import { OAuthError } from '../protocol/errors.ts'

export interface Arrival {
  /** From the client itself, at the pushed authorization request endpoint. */
  isPushed: boolean
  /** In a request object. */
  isSigned: boolean
}

export function requireArrival(
  { metadata }: Client,
  { isPushed, isSigned }: Arrival,
  { requirePushedRequests }: { requirePushedRequests: boolean },
): void {
  const mustBePushed = requirePushedRequests || metadata.require_pushed_authorization_requests
  if (mustBePushed && !isPushed)
    throw new OAuthError(
      'invalid_request',
      'Authorization requests must be pushed. Send yours to the pushed_authorization_request_endpoint first, and here the request_uri that it answers.',
    )
  if (metadata.require_signed_request_object && !isSigned)
    throw new OAuthError(
      'invalid_request',
      `This client's authorization requests must be signed. Send the parameters in a request object, as 'request'.`,
    )
}
