/** The authorization response (RFC 6749 §4.1.2, RFC 9207, OAuth 2.0 Multiple Response Types and Form Post; JARM). */
import type { Client } from '../clients/registry.ts'
import type { Clock } from '../database/clock.ts'
import type { Keyring } from '../keys/keyring.ts'
import type { OAuthError } from '../protocol/errors.ts'
import { withQuery } from '../protocol/redirect-uri.ts'
import type { Recipient } from './recipient.ts'

export type AuthorizationResponse =
  | { kind: 'redirect'; location: string }
  | { kind: 'form-post'; action: string; fields: Field[] }

type Field = [name: string, value: string]

/** Both throw when a response is to be signed and cannot be: then there is none. */
export interface AuthorizationResponses {
  withCode(recipient: Recipient, code: string): Promise<AuthorizationResponse>
  withError(recipient: Recipient, error: OAuthError): Promise<AuthorizationResponse>
}

/** Long enough for a browser to bring it (JARM §2.1: ten minutes at most). */
const signedTtlSeconds = 120

export function createAuthorizationResponses({
  issuer,
  keyring,
  clock,
}: {
  issuer: string
  keyring: Pick<Keyring, 'sign'>
  clock: Pick<Clock, 'now'>
}): AuthorizationResponses {
  async function respond(recipient: Recipient, result: Field[]): Promise<AuthorizationResponse> {
    const { client, state, isResponseSigned } = recipient
    const answer: Field[] = [...result, ...(state === undefined ? [] : [['state', state] as Field])]
    return deliver(
      recipient,
      isResponseSigned ? [['response', await sign(client, answer)]] : [...answer, ['iss', issuer]],
    )
  }

  /** JARM §2.1. */
  function sign({ clientId, metadata }: Client, answer: Field[]): Promise<string> {
    const alg = metadata.authorization_signed_response_alg ?? metadata.id_token_signed_response_alg
    return keyring.sign(alg, 'JWT', {
      iss: issuer,
      aud: clientId,
      exp: Math.floor(clock.now().getTime() / 1000) + signedTtlSeconds,
      ...Object.fromEntries(answer),
    })
  }

  return {
    withCode: (recipient, code) => respond(recipient, [['code', code]]),
    withError: (recipient, { code, description }) =>
      respond(recipient, [
        ['error', code],
        ['error_description', description],
      ]),
  }
}

function deliver({ redirectUri, responseMode }: Recipient, fields: Field[]): AuthorizationResponse {
  if (responseMode === 'form_post') return { kind: 'form-post', action: redirectUri, fields }
  const location =
    responseMode === 'fragment'
      ? `${redirectUri}#${new URLSearchParams(fields).toString()}`
      : withQuery(redirectUri, fields)
  return { kind: 'redirect', location }
}
