/** Token exchange grant (RFC 8693): a narrower access token for the same subject, to call another API with. */
import { requireAllowedDetails } from '../clients/allowed-scope.ts'
import type { Clock } from '../database/clock.ts'
import { OAuthError } from '../protocol/errors.ts'
import { tokenTypes } from '../protocol/token-types.ts'
import type { TokenIssuer } from '../tokens/issuer.ts'
import { maxOwnTokenLength } from '../tokens/own-tokens.ts'
import type { PresentedToken, PresentedTokens } from '../tokens/presented-tokens.ts'
import type { Targets } from '../tokens/targets.ts'
import { subjectsOf } from '../watch/events.ts'
import { narrowAudiences, narrowScope, requireGivenDetails } from './exchange-narrowing.ts'
import { actorsOf, ancestorsOf } from './exchange-parties.ts'
import { requireDelegation, requireMayAct, requirePresenter } from './exchange-parties.ts'
import { readExchangeRequest, type Presentation } from './exchange-request.ts'
import { tokenResponse, type GrantType, type TokenRequest } from './grant-type.ts'

export function tokenExchange({
  presentedTokens,
  targets,
  issuer,
  clock,
}: {
  presentedTokens: PresentedTokens
  targets: Pick<Targets, 'resolve'>
  issuer: Pick<TokenIssuer, 'accessToken'>
  clock: Pick<Clock, 'now'>
}): GrantType {
  return {
    async exchange(request) {
      const { client, params, confirmation } = request
      const policy = client.metadata.token_exchange
      if (!policy || client.isPublic)
        throw new OAuthError(
          'unauthorized_client',
          `This client may not exchange tokens: it has no 'token_exchange', or does not authenticate.`,
        )
      const asked = readExchangeRequest(params)
      requireDelegation(policy, asked.actor !== undefined)
      const resources = narrowAudiences(policy, asked.audiences)

      const now = clock.now() // from before the tokens are read: whatever revokes them later is later
      const [subject, actor] = await Promise.all([
        present(asked.subject, request),
        asked.actor && present(asked.actor, request),
      ])
      requirePresenter('subject_token', subject, { client, policy, confirmation })
      if (actor) requirePresenter('actor_token', actor, { client, policy, confirmation })
      requireMayAct(subject, actor, client)
      requireGivenDetails(subject, asked.authorizationDetails)
      requireAllowedDetails(client, asked.authorizationDetails)
      const resolved = await targets.resolve({
        client,
        resources,
        scope: narrowScope(client, subject, asked.scope),
        authorizationDetails: asked.authorizationDetails,
      })

      const tokens = actor ? [subject, actor] : [subject]
      // Another node, its clock a little ahead, may have issued them after our now.
      const iat = Math.max(Math.floor(now.getTime() / 1000), ...tokens.map((one) => one.iat))
      const ttlSeconds = Math.min(resolved.ttlSeconds, ...tokens.map(({ exp }) => exp - iat))
      const target = { ...resolved, ttlSeconds }
      const accessToken = await issuer.accessToken({
        client,
        target,
        issuedAt: new Date(iat * 1000),
        confirmation,
        user: userOf(subject),
        exchanged: {
          sub: subject.sub,
          act: actorsOf(subject, actor),
          may_act: subject.claims['may_act'],
          exchanged_from: ancestorsOf(subject, actor),
        },
      })
      if (accessToken.length > maxOwnTokenLength)
        throw new OAuthError(
          'invalid_request',
          `The new token would be too long. Ask for fewer 'authorization_details', or begin with the first 'subject_token'.`,
        )
      return {
        ...tokenResponse(accessToken, target, confirmation),
        issued_token_type: tokenTypes.accessToken,
      }
    },
  }

  async function present(
    { parameter, token, kind }: Presentation,
    { client, witness }: TokenRequest,
  ): Promise<PresentedToken> {
    const verdict = await presentedTokens.check(token, kind)
    if (verdict.valid) return verdict.token
    if (verdict.claims) witness.learn({ ...subjectsOf(verdict.claims), clientId: client.clientId })
    throw new OAuthError(
      'invalid_request', // RFC 8693 §2.2.2
      `The '${parameter}' is no token of this issuer of that type, or it is expired or revoked.`,
      { detail: verdict.detail },
    )
  }
}

/** Its user, session and grant stay those of the subject token, and so does what revokes it. */
function userOf({ account, claims, origin, sub }: PresentedToken) {
  if (!account) return undefined
  const { auth_time: authTime, amr, acr } = claims
  return {
    account,
    grant: {
      sub,
      ...(origin.sid !== undefined && { sid: origin.sid }),
      ...(origin.grant_id !== undefined && { grantId: origin.grant_id }), // an ID token has none
      ...(typeof authTime === 'number' && { authTime: new Date(authTime * 1000) }),
      ...(Array.isArray(amr) && { amr: amr.map(String) }),
      ...(typeof acr === 'string' && { acr }),
    },
  }
}
