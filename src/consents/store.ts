import type { Queryable } from '../database/database.ts'
import type { Consent } from './consents.ts'

export function createConsentStore(database: Queryable) {
  return {
    /** Adds to what was granted before. */
    async merge(sub: string, clientId: string, consent: Consent): Promise<void> {
      await database.query(
        `insert into consents as c (sub, client_id, scope, resources, granted_at, claims)
         values ($1, $2, $3, $4, $5, $6)
         on conflict (sub, client_id) do update set
           scope = array(select distinct unnest(c.scope || excluded.scope) order by 1),
           resources = array(select distinct unnest(c.resources || excluded.resources) order by 1),
           claims = array(select distinct unnest(c.claims || excluded.claims) order by 1),
           granted_at = excluded.granted_at`,
        [sub, clientId, consent.scope, consent.resources, consent.grantedAt, consent.claims],
      )
    },
  }
}

export type ConsentStore = ReturnType<typeof createConsentStore>
