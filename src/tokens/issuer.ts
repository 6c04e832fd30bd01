/** Mints what a grant gives: JWT access tokens (RFC 9068) and ID tokens (OpenID Connect Core §2). */
import { randomUUID } from 'node:crypto'
import { allowedClaims } from '../clients/allowed-scope.ts'
import type { Client } from '../clients/registry.ts'
import type { Keyring } from '../keys/keyring.ts'
import { acrOf } from '../protocol/acr.ts'
import { namesIn, type ClaimsRequest } from '../protocol/claims-request.ts'
import { releaseCustomClaims, releaseNamedClaims, type Claims } from '../protocol/claims.ts'
import type { Confirmation } from '../protocol/confirmation.ts'
import type { JsonObject } from '../protocol/json.ts'
import type { Account } from '../users/accounts.ts'
import type { TokenParts } from '../verifier/not-before.ts'
import { subjectOf, type Grant } from './grant.ts'
import type { Target } from './targets.ts'

/**
 * What an access token says of its grant; without a session when nobody signed in here for it (RFC 7523), and without a
 * grant when it was exchanged for an ID token.
 */
type TokenGrant = Pick<Grant, 'sub'> &
  Partial<Pick<Grant, 'subject' | 'grantId' | 'sid' | 'authTime' | 'amr' | 'acr' | 'claims'>>

export interface AccessTokenRequest {
  client: Client
  target: Target
  issuedAt: Date
  /** The key that whoever presents the token must prove. */
  confirmation?: Confirmation | undefined
  /** Absent for client_credentials, where the client is its own subject. */
  user?: { grant: TokenGrant; account: Account } | undefined
  /** RFC 8693. */
  exchanged?: ExchangedClaims | undefined
}

/** What only exchanged tokens have (RFC 8693 §4), as claims. */
export interface ExchangedClaims {
  sub: string
  act: JsonObject | undefined
  may_act: unknown
  exchanged_from: TokenParts[]
}

export interface TokenIssuer {
  accessToken(request: AccessTokenRequest): Promise<string>
  idToken(request: {
    client: Client
    grant: Grant
    account: Account
    nonce: string | undefined
    issuedAt: Date
  }): Promise<string>
}

export function createTokenIssuer({
  keyring,
  issuer,
  idTokenTtlSeconds,
}: {
  keyring: Pick<Keyring, 'sign'>
  issuer: string
  idTokenTtlSeconds: number
}): TokenIssuer {
  return {
    accessToken({ client, target, issuedAt, confirmation, user, exchanged }) {
      const iat = toSeconds(issuedAt)
      return keyring.sign(target.alg, 'at+jwt', {
        ...client.metadata.custom_claims,
        ...(user && releaseCustomClaims(user.account.claims, target.scope)),
        iss: issuer,
        sub: user ? subjectOf(user.grant) : client.clientId,
        aud: target.audience,
        exp: iat + target.ttlSeconds,
        iat,
        jti: randomUUID(),
        client_id: client.clientId,
        ...(confirmation && { cnf: confirmation }),
        ...(target.scope.length > 0 && { scope: target.scope.join(' ') }),
        ...(target.authorizationDetails && { authorization_details: target.authorizationDetails }),
        ...(user && {
          ...userinfoClaims(client, user, target),
          ...howSignedIn(user.grant),
          sid: user.grant.sid,
          grant_id: user.grant.grantId,
        }),
        ...exchanged,
      })
    },

    idToken({ client, grant, account, nonce, issuedAt }) {
      const iat = toSeconds(issuedAt)
      return keyring.sign(client.metadata.id_token_signed_response_alg, 'JWT', {
        ...releaseCustomClaims(account.claims, grant.scope),
        ...namedClaims(client, { grant, account }, 'id_token'),
        iss: issuer,
        sub: subjectOf(grant),
        aud: client.clientId,
        exp: iat + idTokenTtlSeconds,
        iat,
        ...howSignedIn(grant),
        sid: grant.sid,
        ...(nonce !== undefined && { nonce }),
      })
    },
  }
}

/** OpenID Connect Core §2, RFC 9068 §2.2.1. A grant of an earlier release has no acr of its own. */
function howSignedIn({ authTime, amr, acr = amr && acrOf(amr) }: TokenGrant) {
  return {
    ...(authTime && { auth_time: toSeconds(authTime) }),
    ...(acr !== undefined && { acr }),
    amr,
  }
}

/** What was asked for one by one there, as far as the account has it and the client may still ask for it. */
function namedClaims(
  client: Client,
  { grant, account }: { grant: TokenGrant; account: Account },
  place: keyof ClaimsRequest,
): Claims {
  return releaseNamedClaims(account, namesIn(allowedClaims(client, grant.claims), place))
}

/** The token tells the userinfo endpoint what to tell: so that takes no look at the grant. */
function userinfoClaims(
  client: Client,
  user: { grant: TokenGrant; account: Account },
  target: Target,
): { userinfo_claims?: string[] } {
  const names = Object.keys(namedClaims(client, user, 'userinfo'))
  return names.length > 0 && target.scope.includes('openid') ? { userinfo_claims: names } : {}
}

function toSeconds(instant: Date): number {
  return Math.floor(instant.getTime() / 1000)
}
