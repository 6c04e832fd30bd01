/** The access token of a request to a protected resource (RFC 6750 §2): in the header, or in a form, never in the URL. */
import type { FastifyRequest } from 'fastify'
import { formParams } from '../http/requests.ts'
import { OAuthError } from '../protocol/errors.ts'

export const bearerRealm = 'Bearer realm="claviger"'

export function requireBearerToken(request: FastifyRequest): string {
  const inHeader = headerToken(request.headers.authorization)
  const inForm = formToken(request)
  if (inHeader !== undefined && inForm !== undefined)
    throw challenge('invalid_request', 'The access token came twice. Send it in the header only.')
  const token = inHeader ?? inForm
  if (token !== undefined) return token
  // RFC 6750 §3.1: without any authentication, the challenge has no error code.
  throw new OAuthError(
    'invalid_token',
    'An access token is needed. Send it as Authorization: Bearer.',
    { headers: { 'www-authenticate': bearerRealm } },
  )
}

/** A refusal with the challenge of RFC 6750 §3. */
export function challenge(
  code: 'invalid_request' | 'invalid_token' | 'insufficient_scope',
  description: string,
  { scope, detail }: { scope?: string; detail?: string } = {},
): OAuthError {
  const wanted = scope === undefined ? '' : `, scope="${scope}"`
  return new OAuthError(code, description, {
    headers: {
      'www-authenticate': `${bearerRealm}, error="${code}", error_description="${description}"${wanted}`,
    },
    ...(detail !== undefined && { detail }),
  })
}

function formToken(request: FastifyRequest): string | undefined {
  const tokens = request.method === 'POST' ? formParams(request).all('access_token') : []
  if (tokens.length > 1)
    throw challenge('invalid_request', "The parameter 'access_token' is repeated. Send it once.")
  return tokens[0]
}

function headerToken(header: string | undefined): string | undefined {
  // RFC 6750 §3.1: another scheme is as good as none.
  if (header === undefined || !/^bearer(?: |$)/i.test(header)) return undefined
  const token = /^bearer +([\w.~+/-]+=*)$/i.exec(header)?.[1]
  if (token === undefined)
    throw challenge(
      'invalid_request',
      'The Authorization header is malformed. Send: Authorization: Bearer TOKEN.',
    )
  return token
}
