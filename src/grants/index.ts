/** Every grant_type that the token endpoint knows. Discovery and registration read this list. */
import { authorizationCode } from './authorization-code.ts'
import { clientCredentials } from './client-credentials.ts'
import { tokenExchangeGrant } from '../protocol/token-types.ts'
import type { GrantType } from './grant-type.ts'
import { refreshToken } from './refresh-token.ts'
import { createResponder } from './respond.ts'
import { tokenExchange } from './token-exchange.ts'

export const grantTypeNames = [
  'authorization_code',
  'refresh_token',
  'client_credentials',
  tokenExchangeGrant,
] as const satisfies readonly GrantType['name'][]

type Dependencies = Omit<Parameters<typeof authorizationCode>[0], 'respond'> &
  Omit<Parameters<typeof refreshToken>[0], 'respond'> &
  Parameters<typeof clientCredentials>[0] &
  Parameters<typeof tokenExchange>[0] &
  Parameters<typeof createResponder>[0]

export function createGrantTypes(dependencies: Dependencies): GrantType[] {
  const withRespond = { ...dependencies, respond: createResponder(dependencies) }
  return [
    authorizationCode(withRespond),
    refreshToken(withRespond),
    clientCredentials(dependencies),
    tokenExchange(dependencies),
  ]
}
