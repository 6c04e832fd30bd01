/** What one authorization gave: to whom, for which client, how far it reaches. Codes, refresh families and tokens carry it. */
import type { ClaimsRequest } from '../protocol/claims-request.ts'
import type { JsonObject } from '../protocol/json.ts'

export interface Grant {
  grantId: string
  clientId: string
  sub: string
  /** What the client knows the user by, if not by `sub` (OpenID Connect Core §8.1). */
  subject?: string | undefined
  sid: string
  scope: string[]
  resources: string[]
  authTime: Date
  amr: string[]
  acr?: string | undefined
  claims?: ClaimsRequest | undefined
  /** RFC 9396 §2. */
  authorizationDetails?: JsonObject[] | undefined
}

/** The `sub` of all that the client gets. */
export function subjectOf({ sub, subject = sub }: Pick<Grant, 'sub' | 'subject'>): string {
  return subject
}
