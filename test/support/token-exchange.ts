/** Token exchange requests (RFC 8693). */
import { post, type Answer, type Fields, type Party } from './flow.ts'
import type { TestProvider } from './provider.ts'

export const exchangeGrant = 'urn:ietf:params:oauth:grant-type:token-exchange'
const tokenType = 'urn:ietf:params:oauth:token-type:'
export const accessTokenType = `${tokenType}access_token`
export const idTokenType = `${tokenType}id_token`
export const jwtType = `${tokenType}jwt`
export const refreshTokenType = `${tokenType}refresh_token`

/** The subject token is an access token unless the fields say otherwise. */
export function exchange(
  provider: Pick<TestProvider, 'issuer'>,
  client: Party,
  fields: Fields,
): Promise<Answer> {
  return post(provider, '/token', client, {
    grant_type: exchangeGrant,
    subject_token_type: accessTokenType,
    ...fields,
  })
}
