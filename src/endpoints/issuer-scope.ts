/** Access tokens that are for this issuer itself, and what they allow (RFC 6750 §3.1). */
import type { FastifyRequest } from 'fastify'
import type { PresentedBy } from '../http/presented-by.ts'
import type { Possession } from '../possession/possession.ts'
import { isAboutUser } from '../protocol/claims.ts'
import type { AccessTokens, AccessTokenVerdict } from '../tokens/access-tokens.ts'
import { subjectsOf } from '../watch/events.ts'
import { VerificationError } from '../verifier/errors.ts'
import type { Scheme } from '../verifier/binding.ts'
import type { Witness } from '../watch/witness.ts'
import { refuseHolder, refuseToken, requireAccessToken } from './access-token.ts'

export interface IssuerAudience {
  accessTokens: Pick<AccessTokens, 'check'>
  possession: Pick<Possession, 'requireHolder'>
  presentedBy: PresentedBy
  /** The `aud` of tokens that are for this issuer itself. */
  audience: string
}

type ValidAccessToken = AccessTokenVerdict & { valid: true; scheme: Scheme }

export async function requireIssuerToken(
  request: FastifyRequest,
  { accessTokens, possession, presentedBy, audience }: IssuerAudience,
  witness: Pick<Witness, 'learn'>,
): Promise<ValidAccessToken> {
  const { token, scheme } = requireAccessToken(request)
  const verdict = await accessTokens.check(token)
  if (verdict.claims) witness.learn(subjectsOf(verdict.claims))
  if (!verdict.valid)
    throw refuseToken('invalid_token', 'The access token is not valid, expired or revoked.', {
      scheme,
      detail: verdict.reason,
    })
  if (![verdict.claims.aud].flat().includes(audience))
    throw refuseToken('invalid_token', 'The access token is for another audience.', { scheme })
  try {
    await possession.requireHolder(verdict.claims, token, { scheme, ...presentedBy(request) })
  } catch (error) {
    throw error instanceof VerificationError ? refuseHolder(error, scheme) : error
  }
  return { ...verdict, scheme }
}

/** For a service that speaks for itself: a token that it got for a person will not do. */
export async function requireIssuerScope(
  request: FastifyRequest,
  { scope, ...issuer }: IssuerAudience & { scope: string },
  witness: Pick<Witness, 'learn'>,
): Promise<ValidAccessToken> {
  const verdict = await requireIssuerToken(request, issuer, witness)
  const { claims, scheme } = verdict
  if (isAboutUser(claims))
    throw refuseToken(
      'insufficient_scope',
      'The access token stands for a person. Get one by the grant client_credentials.',
      { scheme, scope },
    )
  if (!claims.scope?.split(' ').includes(scope))
    throw refuseToken('insufficient_scope', `The access token lacks the scope ${scope}.`, {
      scheme,
      scope,
    })
  return verdict
}
