/** How far an exchanged token reaches (RFC 8693 §2.1): never further than the subject token and the client's policy. */
import { allowedScope, requireAllowedScope } from '../clients/allowed-scope.ts'
import type { ExchangePolicy } from '../clients/exchange-policy.ts'
import type { Client } from '../clients/registry.ts'
import { isPartOf } from '../protocol/authorization-details.ts'
import { OAuthError } from '../protocol/errors.ts'
import type { JsonObject } from '../protocol/json.ts'
import type { PresentedToken } from '../tokens/presented-tokens.ts'
import { detailsExceeded } from './grant-type.ts'

/** They ask for an ID token and for a refresh token, and here is neither. */
const neverExchanged = new Set(['openid', 'offline_access'])

/** Without any the policy's only one. */
export function narrowAudiences(
  { audiences }: Pick<ExchangePolicy, 'audiences'>,
  asked: readonly string[],
): readonly string[] {
  if (asked.length === 0 && audiences.length === 1) return audiences
  if (asked.length === 0)
    throw new OAuthError('invalid_target', `Say by 'resource' which API the token is to be for.`)
  const beyond = asked.find((one) => !audiences.includes(one))
  if (beyond !== undefined)
    throw new OAuthError(
      'invalid_target',
      `This client may not exchange tokens for '${beyond}'. See the audiences of its 'token_exchange'.`,
    )
  return asked
}

export function narrowScope(
  client: Client,
  subject: Pick<PresentedToken, 'scope'>,
  asked: readonly string[] | undefined,
): string[] {
  const given = subject.scope.filter((name) => !neverExchanged.has(name))
  if (!asked) return allowedScope(client, given)
  const beyond = asked.find((name) => !given.includes(name))
  if (beyond !== undefined)
    throw new OAuthError(
      'invalid_scope',
      `The scope '${beyond}' cannot be exchanged, or the 'subject_token' does not have it. Leave it out.`,
    )
  requireAllowedScope(client, asked)
  return [...asked]
}

/** RFC 9396 §6.1: each as it stands in the subject token; none unless asked for. */
export function requireGivenDetails(
  { claims }: Pick<PresentedToken, 'claims'>,
  asked: readonly JsonObject[] = [],
): void {
  const given = claims['authorization_details']
  if (!isPartOf(asked, Array.isArray(given) ? given : [])) throw detailsExceeded()
}
