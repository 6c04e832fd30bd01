/** The access token of a request to an endpoint of ours that takes them (RFC 6750 §2, RFC 9449 §7.1), and its refusals. */
import type { FastifyRequest } from 'fastify'
import { formParams } from '../http/requests.ts'
import { dpopAlgorithms } from '../possession/possession.ts'
import { OAuthError } from '../protocol/errors.ts'
import type { Scheme } from '../verifier/binding.ts'
import type { VerificationError } from '../verifier/errors.ts'
import { bearerRealm, challenge, requireBearerToken } from './bearer-token.ts'

const algs = `algs="${dpopAlgorithms.join(' ')}"`

export function requireAccessToken(request: FastifyRequest): { token: string; scheme: Scheme } {
  const { authorization = '' } = request.headers
  if (/^dpop(?: |$)/i.test(authorization))
    return { token: dpopToken(request, authorization), scheme: 'DPoP' }
  try {
    return { token: requireBearerToken(request), scheme: 'Bearer' }
  } catch (error) {
    throw error instanceof OAuthError ? offerDpop(error) : error
  }
}

/** A refusal with the challenges of both schemes, of which that of the scheme used tells why (RFC 9449 §7.2). */
export function refuseToken(
  code: 'invalid_request' | 'invalid_token' | 'insufficient_scope',
  description: string,
  { scheme = 'Bearer', ...options }: { scheme?: Scheme; scope?: string; detail?: string } = {},
): OAuthError {
  const { scope, ...told } = options
  return scheme === 'Bearer'
    ? offerDpop(challenge(code, description, options))
    : refuseDpop(code, description, { ...told, parameters: scope && `, scope="${scope}"` })
}

/** The refusal of a token whose sender has not proven to be the one that it is bound to. */
export function refuseHolder(
  { code, message, expected, cause }: VerificationError,
  scheme: Scheme,
): OAuthError {
  if (code !== 'proof_invalid' && code !== 'proof_replayed')
    return refuseToken('invalid_token', message, { scheme })
  const nonce = expected?.nonce
  return nonce === undefined
    ? refuseDpop('invalid_dpop_proof', message, { cause })
    : refuseDpop('use_dpop_nonce', message, { headers: { 'dpop-nonce': nonce } })
}

function dpopToken(request: FastifyRequest, authorization: string): string {
  const token = /^dpop +([\w.~+/-]+=*)$/i.exec(authorization)?.[1]
  const isAlsoInForm =
    request.method === 'POST' && formParams(request).all('access_token').length > 0
  if (token !== undefined && !isAlsoInForm) return token
  throw refuseToken(
    'invalid_request',
    isAlsoInForm
      ? 'The access token came twice. Send it in the header only.'
      : 'The Authorization header is malformed. Send: Authorization: DPoP TOKEN.',
    { scheme: 'DPoP' },
  )
}

function offerDpop({ code, description, status, headers, detail, cause }: OAuthError): OAuthError {
  return new OAuthError(code, description, {
    status,
    headers: { ...headers, 'www-authenticate': `${headers['www-authenticate']}, DPoP ${algs}` },
    ...(detail !== undefined && { detail }),
    cause,
  })
}

function refuseDpop(
  code:
    | 'invalid_request'
    | 'invalid_token'
    | 'insufficient_scope'
    | 'invalid_dpop_proof'
    | 'use_dpop_nonce',
  description: string,
  {
    parameters = '',
    headers,
    ...options
  }: {
    parameters?: string | undefined
    headers?: Record<string, string>
    detail?: string
    cause?: unknown
  },
): OAuthError {
  const dpop = `DPoP error="${code}", error_description="${description}"${parameters}, ${algs}`
  const isOfProof = code === 'invalid_dpop_proof' || code === 'use_dpop_nonce'
  return new OAuthError(code, description, {
    ...options,
    ...(isOfProof && { status: 401 }),
    headers: { ...headers, 'www-authenticate': `${bearerRealm}, ${dpop}` },
  })
}
