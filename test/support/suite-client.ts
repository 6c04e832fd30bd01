/** Clients as the suite plays them: how each shows at an endpoint who it is. */
import { randomUUID } from 'node:crypto'
import { importJWK, SignJWT, type JWK } from 'jose'
import { clientSecret } from '../conformance/plan/seed.ts'

export interface SuiteClient {
  clientId: string
  /** Headers, and fields of the form, that go with a POST to this URL. */
  present(url: string): Promise<{
    headers: Record<string, string>
    fields: Record<string, string>
  }>
  /** id_token_signed_response_alg */
  idTokenAlg: string
}

export function basicClient(clientId: string, secret = clientSecret): SuiteClient {
  const basic = Buffer.from(`${clientId}:${secret}`).toString('base64')
  const headers = { authorization: `Basic ${basic}` }
  return { clientId, present: async () => ({ headers, fields: {} }), idTokenAlg: 'RS256' }
}

export function postClient(clientId: string, secret = clientSecret): SuiteClient {
  const fields = { client_id: clientId, client_secret: secret }
  return { clientId, present: async () => ({ headers: {}, fields }), idTokenAlg: 'RS256' }
}

/** private_key_jwt (RFC 7523 §2.2), to the audience that it is told: the issuer, or the URL itself. */
export function keyClient(
  clientId: string,
  {
    key,
    now,
    audience,
    idTokenAlg = 'RS256',
  }: {
    /** With its private part and alg; with a kid, unless the client has no other key. */
    key: JWK
    now: () => Date
    audience?: string
    idTokenAlg?: string
  },
): SuiteClient {
  return {
    clientId,
    idTokenAlg,
    async present(url) {
      const iat = Math.floor(now().getTime() / 1000)
      const assertion = new SignJWT({ iss: clientId, sub: clientId, jti: randomUUID(), iat })
        .setProtectedHeader({ alg: String(key.alg), ...(key.kid && { kid: key.kid }) })
        .setAudience(audience ?? url)
        .setExpirationTime(iat + 60)
      const fields = {
        client_id: clientId,
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
        client_assertion: await assertion.sign(await importJWK(key)),
      }
      return { headers: {}, fields }
    },
  }
}
