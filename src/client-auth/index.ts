/** Client authentication (RFC 6749 §2.3): the list of methods, and the one place that makes an AuthenticatedClient. */
import type { Client, ClientRegistry } from '../clients/registry.ts'
import { OAuthError } from '../protocol/errors.ts'
import { clientSecretBasic } from './client-secret-basic.ts'
import { clientSecretPost } from './client-secret-post.ts'
import { refuseClient, refuseProof } from './method.ts'
import type { ClientAuthContext, ClientAuthMethod, ClientAuthRequest } from './method.ts'
import { none } from './none.ts'
import { privateKeyJwt } from './private-key-jwt.ts'

const clientAuthMethods: readonly ClientAuthMethod[] = [
  clientSecretBasic,
  clientSecretPost,
  privateKeyJwt,
  none,
]

/** For discovery and registration. */
export const authMethodNames: readonly string[] = clientAuthMethods.map(({ name }) => name)

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
      const { name, claim } = readOnlyClaim(request, context)
      const client = await clients.find(claim.clientId)
      if (!client) throw refuseProof(request, name, { detail: 'The client is unknown' })
      request.witness.learn(client)
      if (client.revokedAt) throw refuseProof(request, name, { detail: 'The client is revoked' })
      const registered = client.metadata.token_endpoint_auth_method
      if (registered !== name)
        throw refuseProof(request, name, { detail: `The client is registered for ${registered}` })
      await claim.prove(client)
      return { client, method: name } as AuthenticatedClient
    },
  }
}

function readOnlyClaim(request: ClientAuthRequest, context: ClientAuthContext) {
  const claims = clientAuthMethods.flatMap((method) => {
    const claim = method.read(request, context)
    return claim ? [{ name: method.name, claim }] : []
  })
  const [first, ...others] = claims
  if (!first)
    throw refuseClient(
      request,
      'The client is not named. Send its client_id, and authenticate by the method it is registered for.',
    )
  if (others.length > 0)
    throw new OAuthError(
      'invalid_request',
      `The client authenticates by more than one method: ${claims.map(({ name }) => name).join(', ')}. Use one.`,
    )
  return first
}
