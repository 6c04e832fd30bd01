/** A client of the FAPI 2.0 plans: how it shows who it is, and signs what it asks for. */
import { randomUUID } from 'node:crypto'
import { importJWK, SignJWT, type JWTPayload } from 'jose'
import type { Fields } from '../../support/flow.ts'
import type { Suite } from '../../support/suite.ts'
import { createTrustingFetch } from '../../support/trusting-fetch.ts'
import { pairNamed, type Credentials, type PairName } from '../plan/fapi-clients.ts'

export interface Fapi2Client {
  clientId: string
  scope: string
  /** With its certificate, if it has one. */
  fetch: typeof fetch
  /** RFC 7523 §2.2. Undefined leaves a claim out. */
  assertion(changes?: object, alg?: string): Promise<string>
  /** What of a form says who it is; the assertion is a good one unless it is given. */
  identity(assertion?: string): Promise<Fields>
  /** A request object (RFC 9101) with these claims and no others. */
  sign(claims: JWTPayload, alg?: string): Promise<string>
  /** What a request object says besides the request. */
  objectClaims(): JWTPayload
}

export function createFapi2Client(
  { issuer, provider, tls }: Suite,
  pair: PairName,
  clientId: string,
  { key, certificate }: Credentials,
): Fapi2Client {
  const { auth, scope } = pairNamed(pair)
  const seconds = () => Math.floor(provider.clock.now().getTime() / 1000)

  async function sign(claims: object, alg = 'PS256', header = {}): Promise<string> {
    return new SignJWT(claims as JWTPayload)
      .setProtectedHeader({ alg, kid: String(key.kid), ...header })
      .sign(await importJWK(key, alg))
  }

  const client: Fapi2Client = {
    clientId,
    scope,
    fetch: createTrustingFetch(tls.cert, certificate),
    assertion(changes = {}, alg) {
      const own = { iss: clientId, sub: clientId, aud: issuer, jti: randomUUID() }
      return sign({ ...own, iat: seconds(), exp: seconds() + 60, ...changes }, alg)
    },
    async identity(assertion) {
      if (auth !== 'private_key_jwt') return { client_id: clientId }
      return {
        client_id: clientId,
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
        client_assertion: assertion ?? (await client.assertion()),
      }
    },
    sign: (claims, alg) => sign(claims, alg, { typ: 'oauth-authz-req+jwt' }),
    objectClaims: () => ({
      iss: clientId,
      aud: issuer,
      iat: seconds(),
      nbf: seconds(),
      exp: seconds() + 300,
    }),
  }
  return client
}
