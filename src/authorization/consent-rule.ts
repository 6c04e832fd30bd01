/** Whether a client needs the person's consent, and whether a remembered one will do. */
import type { Client } from '../clients/registry.ts'
import type { AuthorizationRequest } from './request.ts'

/**
 * RFC 8252 §8.6: an app that anyone can imitate (public, at a redirect URI that is not https) is asked for again each
 * time, since the person is the only one who can tell; what a client's own document says it were makes no difference. So is whoever asks for authorization details: each is about something
 * else, such as one payment.
 */
export function consentRuleOf(
  client: Client,
  redirectUri: string,
  { authorizationDetails }: Pick<AuthorizationRequest, 'authorizationDetails'>,
): 'never' | 'remembered' | 'always' {
  if (client.metadata.skip_consent) return 'never'
  if (authorizationDetails) return 'always'
  const isApp = client.metadata.application_type === 'native' || client.document !== undefined
  const imitable = isApp && client.isPublic
  return imitable && !redirectUri.startsWith('https:') ? 'always' : 'remembered'
}
