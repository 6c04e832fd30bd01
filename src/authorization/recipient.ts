/**
 * Who may be answered. Until the client and its redirect URI are known to belong together, faults go on our own page
 * and nothing is redirected (RFC 6749 §3.1.2.4). A redirect can be built only from what this file makes.
 */
import type { Client, ClientRegistry } from '../clients/registry.ts'
import { OAuthError } from '../protocol/errors.ts'
import { maxParameterLength, type Params } from '../protocol/params.ts'
import { matchesRedirectUri } from '../protocol/redirect-uri.ts'

declare const proof: unique symbol

const deliveries = ['query', 'fragment', 'form_post'] as const

export interface Recipient {
  client: Client
  redirectUri: string
  /** Whether the request named it, so that the token request must as well. */
  redirectUriGiven: boolean
  responseMode: (typeof deliveries)[number]
  /** Whether the response is one signed JWT (JARM §2.3). */
  isResponseSigned: boolean
  state: string | undefined
  [proof]: true
}

export const responseModes: readonly string[] = [
  ...deliveries,
  'jwt', // as query.jwt, for a code
  ...deliveries.map((delivery) => `${delivery}.jwt`),
]

export async function resolveRecipient(
  params: Params,
  clients: Pick<ClientRegistry, 'find'>,
): Promise<Recipient> {
  const client = await resolveClient(params, clients)
  const given = params.get('redirect_uri')
  return {
    client,
    redirectUri: given === undefined ? onlyRedirectUri(client) : requireRegistered(client, given),
    redirectUriGiven: given !== undefined,
    ...responseModeOf(params),
    state: stateOf(params),
  } as Recipient
}

export async function resolveClient(
  params: Params,
  clients: Pick<ClientRegistry, 'find'>,
): Promise<Client> {
  const client = await clients.find(params.require('client_id'))
  if (client && !client.revokedAt) return client
  throw new OAuthError(
    'invalid_request',
    `The parameter 'client_id' names no application that is registered here. Check the application's configuration.`,
  )
}

function requireRegistered(client: Client, requested: string): string {
  const { redirect_uris, application_type } = client.metadata
  if (!redirect_uris.some((uri) => matchesRedirectUri(uri, requested, application_type)))
    throw new OAuthError(
      'invalid_redirect_uri',
      `The redirect URI of this request is not registered for the application. Register it exactly as it is sent.`,
    )
  return requested
}

/** RFC 6749 §3.1.2.3; OpenID Connect always names it (Core §3.1.2.1). */
function onlyRedirectUri(client: Client): string {
  const [only, ...others] = client.metadata.redirect_uris
  if (only === undefined || others.length > 0)
    throw new OAuthError(
      'invalid_redirect_uri',
      `The parameter 'redirect_uri' is missing, and the redirect URI cannot be told without it. Send one that is registered.`,
    )
  return only
}

/** A repeated or unknown mode is a fault that is answered by the default one; request.ts finds it. */
function responseModeOf(params: Params): Pick<Recipient, 'responseMode' | 'isResponseSigned'> {
  const [asked = '', ...others] = params.all('response_mode')
  const mode = responseModes.includes(asked) && others.length === 0 ? asked : 'query'
  const delivery = mode.replace(/\.?jwt$/, '')
  return {
    responseMode: deliveries.find((known) => known === delivery) ?? 'query',
    isResponseSigned: delivery !== mode,
  }
}

/** A repeated or overlong state is not sent back; request.ts refuses it. */
function stateOf(params: Params): string | undefined {
  const [state, ...others] = params.all('state')
  const isSound = state !== undefined && state.length <= maxParameterLength && others.length === 0
  return isSound ? state : undefined
}
