/** Client authentication (RFC 6749 §2.3): the list of methods, and the one place that makes an AuthenticatedClient. */
import type { Client, ClientRegistry } from '../clients/registry.ts'
import { OAuthError } from '../protocol/errors.ts'
import { clientSecretBasic } from './client-secret-basic.ts'
import { clientSecretPost } from './client-secret-post.ts'
import { bareMethods, refuseClient, refuseProof } from './method.ts'
import type {
  CertificateSupport,
  ClientAuthContext,
  ClientAuthMethod,
  ClientAuthRequest,
  ClientClaim,
} from './method.ts'
import { none } from './none.ts'
import { privateKeyJwt } from './private-key-jwt.ts'
import { selfSignedTlsClientAuth } from './self-signed-tls-client-auth.ts'
import { tlsClientAuth } from './tls-client-auth.ts'

const clientAuthMethods: readonly ClientAuthMethod[] = [
  clientSecretBasic,
  clientSecretPost,
  privateKeyJwt,
  none,
  tlsClientAuth,
  selfSignedTlsClientAuth,
]

/** For discovery and registration. */
export function authMethodNamesWith(support: CertificateSupport): string[] {
  return clientAuthMethods
    .filter(({ needs }) => needs === undefined || support[needs])
    .map(({ name }) => name)
}

/** Those of any server. */
export const authMethodNames: readonly string[] = authMethodNamesWith({
  certificates: false,
  authorities: false,
})

declare const proof: unique symbol

/** A client that has proven to be itself, or a public one that has said its name. */
export interface AuthenticatedClient {
  readonly client: Client
  readonly method: string
  readonly [proof]: true
}

export interface ClientAuthentication {
  /** Refuses with invalid_client; with invalid_request when more than one method is used (RFC 6749 §5.2). */
  authenticate(request: ClientAuthRequest): Promise<AuthenticatedClient>
}

export interface ClientAuthenticationDependencies extends ClientAuthContext {
  clients: Pick<ClientRegistry, 'find'>
}

export function createClientAuthentication(
  dependencies: ClientAuthenticationDependencies,
): ClientAuthentication {
  const { clients, ...context } = dependencies

  return {
    async authenticate(request) {
      const { clientId, tried, claims } = readOnlyClaim(request, context)
      const client = await clients.find(clientId)
      if (!client) throw refuseProof(request, tried, { detail: 'The client is unknown' })
      request.witness.learn(client)
      if (client.revokedAt) throw refuseProof(request, tried, { detail: 'The client is revoked' })
      const registered = client.metadata.token_endpoint_auth_method
      const claim = claims.get(registered)
      if (!claim)
        throw refuseProof(request, tried, { detail: `The client is registered for ${registered}` })
      await claim.prove(client)
      return { client, method: registered } as AuthenticatedClient
    },
  }
}

/** By the one method that the request uses; with a client_id alone, and perhaps a certificate, by several. */
function readOnlyClaim(request: ClientAuthRequest, context: ClientAuthContext) {
  const claims = new Map(
    clientAuthMethods.flatMap(({ name, read }): [string, ClientClaim][] => {
      const claim = read(request, context)
      return claim ? [[name, claim]] : []
    }),
  )
  const names = [...claims.keys()]
  const [name] = names
  const clientId = name && claims.get(name)?.clientId
  if (name === undefined || clientId === undefined)
    throw refuseClient(
      request,
      'The client is not named. Send its client_id, and authenticate by the method it is registered for.',
    )
  const isBare = claims.has(none.name)
  if (names.length > 1 && !isBare)
    throw new OAuthError(
      'invalid_request',
      `The client authenticates by more than one method: ${names.join(', ')}. Use one.`,
    )
  return { clientId, tried: names.length > 1 ? bareMethods : name, claims }
}
