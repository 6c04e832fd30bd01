/** Access tokens that are for this issuer itself, and what they allow (RFC 6750 §3.1). */
import type { FastifyRequest } from 'fastify'
import { isAboutUser } from '../protocol/claims.ts'
import type { AccessTokens, AccessTokenVerdict } from '../tokens/access-tokens.ts'
import { subjectsOf } from '../watch/events.ts'
import type { Witness } from '../watch/witness.ts'
import { challenge, requireBearerToken } from './bearer-token.ts'

export interface IssuerAudience {
  accessTokens: Pick<AccessTokens, 'check'>
  /** The `aud` of tokens that are for this issuer itself. */
  audience: string
}

type ValidAccessToken = AccessTokenVerdict & { valid: true }

export async function requireIssuerToken(
  request: FastifyRequest,
  { accessTokens, audience }: IssuerAudience,
  witness: Pick<Witness, 'learn'>,
): Promise<ValidAccessToken> {
  const verdict = await accessTokens.check(requireBearerToken(request))
  if (verdict.claims) witness.learn(subjectsOf(verdict.claims))
  if (!verdict.valid)
    throw challenge('invalid_token', 'The access token is not valid, expired or revoked.', {
      detail: verdict.reason,
    })
  if (![verdict.claims.aud].flat().includes(audience))
    throw challenge('invalid_token', 'The access token is for another audience.')
  return verdict
}

/** For a service that speaks for itself: a token that it got for a person will not do. */
export async function requireIssuerScope(
  request: FastifyRequest,
  { scope, ...issuer }: IssuerAudience & { scope: string },
  witness: Pick<Witness, 'learn'>,
): Promise<ValidAccessToken> {
  const verdict = await requireIssuerToken(request, issuer, witness)
  const { claims } = verdict
  if (isAboutUser(claims))
    throw challenge(
      'insufficient_scope',
      'The access token stands for a person. Get one by the grant client_credentials.',
      { scope },
    )
  if (!claims.scope?.split(' ').includes(scope))
    throw challenge('insufficient_scope', `The access token lacks the scope ${scope}.`, { scope })
  return verdict
}
