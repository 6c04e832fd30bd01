/** The authorization response (RFC 6749 §4.1.2, RFC 9207, OAuth 2.0 Multiple Response Types and Form Post). */
import type { OAuthError } from '../protocol/errors.ts'
import { withQuery } from '../protocol/redirect-uri.ts'
import type { Recipient } from './recipient.ts'

export type AuthorizationResponse =
  | { kind: 'redirect'; location: string }
  | { kind: 'form-post'; action: string; fields: [string, string][] }

export function successResponse(
  recipient: Recipient,
  { issuer, code }: { issuer: string; code: string },
): AuthorizationResponse {
  return respond(recipient, issuer, [['code', code]])
}

export function errorResponse(
  recipient: Recipient,
  { issuer, error }: { issuer: string; error: OAuthError },
): AuthorizationResponse {
  return respond(recipient, issuer, [
    ['error', error.code],
    ['error_description', error.description],
  ])
}

function respond(
  { redirectUri, responseMode, state }: Recipient,
  issuer: string,
  result: [string, string][],
): AuthorizationResponse {
  const fields: [string, string][] = [
    ...result,
    ...(state === undefined ? [] : [['state', state] as [string, string]]),
    ['iss', issuer],
  ]
  if (responseMode === 'form_post') return { kind: 'form-post', action: redirectUri, fields }
  const location =
    responseMode === 'fragment'
      ? `${redirectUri}#${new URLSearchParams(fields).toString()}`
      : withQuery(redirectUri, fields)
  return { kind: 'redirect', location }
}
