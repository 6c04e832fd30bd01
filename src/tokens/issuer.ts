/** Mints what a grant gives: JWT access tokens (RFC 9068) and ID tokens (OpenID Connect Core §2). */
import { randomUUID } from 'node:crypto'
import type { Client } from '../clients/registry.ts'
import type { Keyring } from '../keys/keyring.ts'
import { releaseCustomClaims } from '../protocol/claims.ts'
import type { Confirmation } from '../protocol/confirmation.ts'
import type { Account } from '../users/accounts.ts'
import { subjectOf, type Grant } from './grant.ts'
import type { Target } from './targets.ts'

/** What an access token says of its grant; without a session when nobody signed in here for it (RFC 7523). */
type TokenGrant = Pick<Grant, 'grantId' | 'sub'> &
  Partial<Pick<Grant, 'subject' | 'sid' | 'authTime' | 'amr'>>

export interface AccessTokenRequest {
  client: Client
  target: Target
  issuedAt: Date
  /** The key that whoever presents the token must prove. */
  confirmation?: Confirmation | undefined
  /** Absent for client_credentials, where the client is its own subject. */
  user?: { grant: TokenGrant; account: Account }
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
    accessToken({ client, target, issuedAt, confirmation, user }) {
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
        ...(user && {
          ...(user.grant.authTime && { auth_time: toSeconds(user.grant.authTime) }),
          amr: user.grant.amr,
          sid: user.grant.sid,
          grant_id: user.grant.grantId,
        }),
      })
    },

    idToken({ client, grant, account, nonce, issuedAt }) {
      const iat = toSeconds(issuedAt)
      return keyring.sign(client.metadata.id_token_signed_response_alg, 'JWT', {
        ...releaseCustomClaims(account.claims, grant.scope),
        iss: issuer,
        sub: subjectOf(grant),
        aud: client.clientId,
        exp: iat + idTokenTtlSeconds,
        iat,
        auth_time: toSeconds(grant.authTime),
        amr: grant.amr,
        sid: grant.sid,
        ...(nonce !== undefined && { nonce }),
      })
    },
  }
}

function toSeconds(instant: Date): number {
  return Math.floor(instant.getTime() / 1000)
}
