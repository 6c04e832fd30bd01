/** What a person has allowed a client to have. */
import type { Clock } from '../database/clock.ts'
import { scopeOfClaim } from '../protocol/claims.ts'
import type { ConsentStore } from './store.ts'

export interface Consent {
  scope: string[]
  resources: string[]
  /** Those that were asked for one by one (OpenID Connect Core §5.5). */
  claims: string[]
  grantedAt: Date
}

export interface Consents {
  /** Remembers, in addition to what was granted before. */
  grant(sub: string, clientId: string, granted: Omit<Consent, 'grantedAt'>): Promise<void>
}

export function createConsents({ store, clock }: { store: ConsentStore; clock: Clock }): Consents {
  return {
    grant: (sub, clientId, granted) =>
      store.merge(sub, clientId, { ...granted, grantedAt: clock.now() }),
  }
}

/** Whether everything asked for now was granted before; a claim is granted with the scope that gives it, too. */
export function covers(
  consent: Consent,
  asked: { scope: readonly string[]; resources: readonly string[]; claims: readonly string[] },
): boolean {
  return (
    asked.scope.every((scope) => consent.scope.includes(scope)) &&
    asked.resources.every((resource) => consent.resources.includes(resource)) &&
    asked.claims.every(
      (name) => consent.claims.includes(name) || consent.scope.includes(scopeOfClaim(name) ?? name),
    )
  )
}
