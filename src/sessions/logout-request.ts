/** The logout request (OpenID Connect RP-Initiated Logout §2): who asks, for whom, and where to go afterwards. */
import type { Client, ClientRegistry } from '../clients/registry.ts'
import type { Clock } from '../database/clock.ts'
import type { Keyring } from '../keys/keyring.ts'
import { verifyOwnToken, type OwnTokenClaims } from '../keys/own-tokens.ts'
import { OAuthError } from '../protocol/errors.ts'
import { maxParameterLength, type Params } from '../protocol/params.ts'
import { isPostLogoutRedirectUri, withQuery } from '../protocol/redirect-uri.ts'

export interface LogoutRequest {
  client: Client | undefined
  /** The session that the id_token_hint names. */
  hint: { sub: string; sid: string } | undefined
  /** Where to go afterwards, with the request's state. */
  returnTo: string | undefined
}

export interface LogoutRequestDependencies {
  clients: Pick<ClientRegistry, 'find'>
  keyring: Pick<Keyring, 'find'>
  issuer: string
  clock: Pick<Clock, 'now'>
}

export async function parseLogoutRequest(
  params: Params,
  dependencies: LogoutRequestDependencies,
): Promise<LogoutRequest> {
  const hint = await readHint(params.get('id_token_hint'), dependencies)
  const clientId = params.get('client_id') ?? hint?.aud
  if (hint && hint.aud !== clientId)
    throw new OAuthError(
      'invalid_request',
      `The parameter 'client_id' is not the client that the id_token_hint was issued to.`,
    )
  const client = clientId === undefined ? undefined : await dependencies.clients.find(clientId)
  if (clientId !== undefined && !client)
    throw new OAuthError('invalid_request', `The parameter 'client_id' names no registered client.`)
  return { client, hint, returnTo: returnTo(params, client) }
}

/** RP-Initiated Logout §4: an expired token is fine as a hint, an altered or foreign one is not. */
async function readHint(
  token: string | undefined,
  { keyring, issuer, clock }: LogoutRequestDependencies,
) {
  if (token === undefined) return undefined
  const verdict = await verifyOwnToken(keyring, token, {
    typ: 'JWT',
    issuer,
    now: clock.now(),
    allowExpired: true,
  })
  if (!verdict.valid)
    throw new OAuthError(
      'invalid_request',
      `The parameter 'id_token_hint' is not an ID token of this issuer.`,
      { detail: verdict.detail },
    )
  return toHint(verdict.claims)
}

function toHint({ sub, sid, aud }: OwnTokenClaims) {
  return { sub: String(sub), sid: String(sid), aud: String(aud) }
}

function returnTo(params: Params, client: Client | undefined): string | undefined {
  const uri = params.get('post_logout_redirect_uri')
  if (uri === undefined) return undefined
  if (!client)
    throw new OAuthError(
      'invalid_request',
      `A 'post_logout_redirect_uri' needs an 'id_token_hint' or a 'client_id' beside it.`,
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
