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

const grants = {
  authorization_code: authorizationCode,
  refresh_token: refreshToken,
  client_credentials: clientCredentials,
  [deviceCodeGrant]: deviceCode,
  [jwtBearerGrant]: jwtBearer,
  [tokenExchangeGrant]: tokenExchange,
}

export const grantTypeNames: readonly string[] = Object.keys(grants)

/** What each of them needs, together. */
type Needs = (typeof grants)[keyof typeof grants] extends (needs: infer Each) => unknown
  ? Each
  : never

type Dependencies = Omit<Needs, 'respond'> & Parameters<typeof createResponder>[0]

export interface NamedGrantType extends GrantType {
  name: string
}

export function createGrantTypes(dependencies: Dependencies): NamedGrantType[] {
  const needs = { ...dependencies, respond: createResponder(dependencies) }
  return Object.entries(grants).map(([name, create]) => {
    const { exchange } = create(needs)
    return { name, exchange }
  })
}
