/** What every token_endpoint_auth_method is: its name, and how it reads a request. */
import type { X509Certificate } from 'node:crypto'
import type { ClientKeys } from '../clients/client-keys.ts'
import type { Client } from '../clients/registry.ts'
import type { Clock } from '../database/clock.ts'
import { OAuthError, type ErrorOptions } from '../protocol/errors.ts'
import type { Params } from '../protocol/params.ts'
import type { Witness } from '../watch/witness.ts'
import type { AssertionStore } from './store.ts'

export interface ClientAuthRequest {
  /** The Authorization header. */
  authorization: string | undefined
  /** Of the connection. */
  certificate: X509Certificate | undefined
  params: Params
  witness: Pick<Witness, 'learn'>
}

/** A client_id with what is to prove it. */
export interface ClientClaim {
  clientId: string
  /** Resolves when the claim is true of `client`; refuses with invalid_client when not. */
  prove(client: Client): void | Promise<void>
}

export interface ClientAuthContext {
  assertions: AssertionStore
  clientKeys: Pick<ClientKeys, 'verificationKeys' | 'all'>
  /** Whose client certificates count. */
  authorities: readonly X509Certificate[]
  clock: Pick<Clock, 'now'>
  issuer: string
  /** Those at which clients authenticate: their URLs are audiences of assertions as well (RFC 7523 §3, RFC 9126 §2). */
  endpoints: readonly string[]
  /** By how much a client's clock may differ from ours. */
  skewSeconds: number
}

/** What a server may lack: it takes no client certificates, or knows no authorities for them. */
export interface CertificateSupport {
  certificates: boolean
  authorities: boolean
}

export interface ClientAuthMethod {
  name: string
  needs?: keyof CertificateSupport
  /** The claim that a request makes by this method; undefined when it does not use the method. */
  read(request: ClientAuthRequest, context: ClientAuthContext): ClientClaim | undefined
}

/** invalid_client; with the challenge when the Authorization header was used (RFC 6749 §5.2). */
export function refuseClient(
  { authorization }: ClientAuthRequest,
  description: string,
  options: Pick<ErrorOptions, 'detail' | 'cause'> = {},
): OAuthError {
  const challenge = { 'WWW-Authenticate': 'Basic realm="claviger", charset="UTF-8"' } // RFC 7617
  return new OAuthError('invalid_client', description, {
    ...options,
    ...(authorization !== undefined && { headers: challenge }),
  })
}

/** The same words for an unknown client, another method than the registered one, and a wrong proof. */
export function refuseProof(
  request: ClientAuthRequest,
  method: string,
  options: Pick<ErrorOptions, 'detail' | 'cause'>,
): OAuthError {
  return refuseClient(
    request,
    `The client could not be authenticated by ${method}. Check the client_id and its credentials, and that this is the client's token_endpoint_auth_method.`,
    options,
  )
}

/** The client_id of a request that brings nothing else, but perhaps a certificate. */
export function bareClientId({ authorization, params }: ClientAuthRequest): string | undefined {
  const proofs = ['client_secret', 'client_assertion', 'client_assertion_type']
  const bringsProof =
    authorization !== undefined || proofs.some((name) => params.get(name) !== undefined)
  return bringsProof ? undefined : params.get('client_id')
}

/** What is tried with a client_id and a certificate: the client's registration tells by which of these it authenticates. */
export const bareMethods = 'none or its client certificate'

export function refuseBare(
  request: ClientAuthRequest,
  options: Pick<ErrorOptions, 'detail' | 'cause'>,
): OAuthError {
  return refuseProof(request, bareMethods, options)
}
