/** The logout request (OpenID Connect RP-Initiated Logout §2): who asks, for whom, and where to go afterwards. */
import type { Client, ClientRegistry } from '../clients/registry.ts'
import { OAuthError } from '../protocol/errors.ts'
import { maxParameterLength, type Params } from '../protocol/params.ts'
import { isPostLogoutRedirectUri, withQuery } from '../protocol/redirect-uri.ts'
import type { IdTokenHint, IdTokenHints } from '../tokens/id-token-hints.ts'

export interface LogoutRequest {
  client: Client | undefined
  /** A revoked one, as after a logout, names its client but no session any more. */
  hint: IdTokenHint | undefined
  /** Where to go afterwards, with the request's state. */
  returnTo: string | undefined
}

export interface LogoutRequestDependencies {
  clients: Pick<ClientRegistry, 'find'>
  idTokenHints: IdTokenHints
}

export async function parseLogoutRequest(
  params: Params,
  { clients, idTokenHints }: LogoutRequestDependencies,
): Promise<LogoutRequest> {
  // RP-Initiated Logout §4: an expired token is fine as a hint, an altered or foreign one is not.
  const hint = await idTokenHints.read(params.get('id_token_hint'))
  const clientId = params.get('client_id') ?? hint?.clientId
  if (hint && hint.clientId !== clientId)
    throw new OAuthError(
      'invalid_request',
      `The parameter 'client_id' is not the client that the id_token_hint was issued to.`,
    )
  const client = clientId === undefined ? undefined : await clients.find(clientId)
  if (clientId !== undefined && !client)
    throw new OAuthError('invalid_request', `The parameter 'client_id' names no registered client.`)
  return { client, hint, returnTo: returnTo(params, client, hint) }
}

function returnTo(
  params: Params,
  client: Client | undefined,
  hint: IdTokenHint | undefined,
): string | undefined {
  const uri = params.get('post_logout_redirect_uri')
  if (uri === undefined) return undefined
  if (!client)
    throw new OAuthError(
      'invalid_request',
      `A 'post_logout_redirect_uri' needs an 'id_token_hint' or a 'client_id' beside it.`,
    )
  // §3: nothing else shows that the request is legitimate, as anybody can publish a document.
  if (client.document && !hint)
    throw new OAuthError(
      'invalid_request',
      `The 'post_logout_redirect_uri' of this client needs an 'id_token_hint' beside it. Send one, or leave it out.`,
    )
  if (!isPostLogoutRedirectUri(client.metadata.post_logout_redirect_uris, uri))
    throw new OAuthError(
      'invalid_request',
      `The 'post_logout_redirect_uri' is not registered for the client. Register it exactly as it is sent.`,
    )
  const state = params.get('state')
  if (state === undefined) return uri
  if (state.length > maxParameterLength)
    throw new OAuthError(
      'invalid_request',
      `The parameter 'state' is longer than ${maxParameterLength} characters. Shorten it.`,
    )
  return withQuery(uri, [['state', state]])
}
