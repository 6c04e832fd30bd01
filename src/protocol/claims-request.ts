/** The `claims` parameter (OpenID Connect Core §5.5): claims that are asked for one by one, and where they are to be told. */

/** null: asked for without more words. */
export type ClaimDemand = null | { essential?: boolean; value?: unknown; values?: unknown[] }

export interface ClaimsRequest {
  userinfo?: Record<string, ClaimDemand>
  id_token?: Record<string, ClaimDemand>
}
