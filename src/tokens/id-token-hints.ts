/**
 * An ID token of ours that comes back as `id_token_hint` (OpenID Connect Core §3.1.2.1, RP-Initiated Logout §2): it may have
 * expired long since.
 */
import { OAuthError } from '../protocol/errors.ts'
import type { Accounts } from '../users/accounts.ts'
import { isSub } from '../users/identifiers.ts'
import type { OwnTokens } from './own-tokens.ts'

export interface IdTokenHint {
  /** Of the user, if there still is one. */
  sub: string
  /** What the client knows them by. */
  subject: string
  sid: string
  clientId: string
  /** Its user, session or client was revoked, or everything: whom it was issued to it still tells, but it opens nothing. */
  isRevoked: boolean
}

export interface IdTokenHints {
  /** Refuses with invalid_request what is not an ID token of this issuer, or is signed by a revoked key. */
  read(token: string | undefined): Promise<IdTokenHint | undefined>
}

export function createIdTokenHints({
  ownTokens,
  accounts,
}: {
  ownTokens: Pick<OwnTokens, 'check'>
  accounts: Pick<Accounts, 'findBySubject'>
}): IdTokenHints {
  /** Undefined where it is the `sub` itself. */
  async function findSub(subject: unknown): Promise<string | undefined> {
    if (typeof subject !== 'string' || isSub(subject)) return undefined
    return (await accounts.findBySubject(subject))?.sub
  }

  return {
    async read(token) {
      if (token === undefined) return undefined
      const rules = { typ: 'JWT', allowExpired: true }
      const verdict = await ownTokens.check(token, rules, ({ sub }) => findSub(sub))
      // A signed authorization response (JARM) is such a JWT as well, but about nobody.
      if (!verdict.valid || typeof verdict.claims['sub'] !== 'string')
        throw new OAuthError(
          'invalid_request',
          `The parameter 'id_token_hint' is not an ID token of this issuer.`,
          { detail: verdict.valid ? 'It has no sub.' : verdict.detail },
        )
      const { sub, sid, aud } = verdict.claims
      const { isRevoked, beside: userSub = sub } = verdict
      return { sub: userSub, subject: sub, sid: String(sid), clientId: String(aud), isRevoked }
    },
  }
}
