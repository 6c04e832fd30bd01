/** Every grant_type that the token endpoint knows. Discovery and registration read this list. */
import { deviceCodeGrant, jwtBearerGrant, tokenExchangeGrant } from '../protocol/grant-types.ts'
import { authorizationCode } from './authorization-code.ts'
import { clientCredentials } from './client-credentials.ts'
import { deviceCode } from './device-code.ts'
import type { GrantType } from './grant-type.ts'
import { jwtBearer } from './jwt-bearer.ts'
import { refreshToken } from './refresh-token.ts'
import { createResponder } from './respond.ts'
import { tokenExchange } from './token-exchange.ts'

export const grantTypeNames = [
  'authorization_code',
  'refresh_token',
  'client_credentials',
  deviceCodeGrant,
  jwtBearerGrant,
  tokenExchangeGrant,
] as const satisfies readonly GrantType['name'][]

type Dependencies = Omit<Parameters<typeof authorizationCode>[0], 'respond'> &
  Omit<Parameters<typeof refreshToken>[0], 'respond'> &
  Parameters<typeof clientCredentials>[0] &
  Omit<Parameters<typeof deviceCode>[0], 'respond'> &
  Parameters<typeof jwtBearer>[0] &
  Parameters<typeof tokenExchange>[0] &
  Parameters<typeof createResponder>[0]

export function createGrantTypes(dependencies: Dependencies): GrantType[] {
  const withRespond = { ...dependencies, respond: createResponder(dependencies) }
  return [
    authorizationCode(withRespond),
    refreshToken(withRespond),
    clientCredentials(dependencies),
    deviceCode(withRespond),
    jwtBearer(dependencies),
    tokenExchange(dependencies),
  ]
}
