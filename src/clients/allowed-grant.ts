/** A client may use only the grants of its registration (RFC 7591 §2, `grant_types`). */
import { OAuthError } from '../protocol/errors.ts'
import type { Client } from './registry.ts'

export function requireAllowedGrant({ metadata }: Client, grantType: string): void {
  if (!metadata.grant_types.includes(grantType))
    throw new OAuthError(
      'unauthorized_client',
      `This client is not registered for the grant_type '${grantType}'.`,
    )
}
