/** What a person has allowed a client to have. */
import type { Clock } from '../database/clock.ts'
import type { ConsentStore } from './store.ts'

export interface Consent {
  scope: string[]
  resources: string[]
  grantedAt: Date
}

export interface Consents {
  /** Remembers; `after` is an instant that this consent is known to follow. */
  grant(
    sub: string,
    clientId: string,
    granted: { scope: string[]; resources: string[]; after: Date },
  ): Promise<void>
}

export function createConsents({ store, clock }: { store: ConsentStore; clock: Clock }): Consents {
  return {
    grant: (sub, clientId, { scope, resources, after }) =>
      store.merge(sub, clientId, {
        scope,
        resources,
        grantedAt: new Date(Math.max(clock.now().getTime(), after.getTime())),
      }),
  }
}

/** Whether everything asked for now was granted before. */
export function covers(
  consent: Consent,
  asked: { scope: readonly string[]; resources: readonly string[] },
): boolean {
  return (
    asked.scope.every((scope) => consent.scope.includes(scope)) &&
    asked.resources.every((resource) => consent.resources.includes(resource))
  )
}
