/** A client may ask only for the scopes of its registration (RFC 7591 §2, `scope`). */
import { OAuthError } from '../protocol/errors.ts'
import type { Client } from './registry.ts'

/** Of what was granted, what the client may ask for now. */
export function allowedScope(client: Client, granted: readonly string[]): string[] {
  const allowed = client.metadata.scope.split(' ')
  return granted.filter((name) => allowed.includes(name))
}

export function requireAllowedScope(client: Client, scope: readonly string[]): void {
  const allowed = client.metadata.scope.split(' ')
  const beyond = scope.find((name) => !allowed.includes(name))
  if (beyond !== undefined)
    throw new OAuthError(
      'invalid_scope',
      `This client may not ask for the scope '${beyond}'. Leave it out, or add it to the client's 'scope'.`,
    )
}
