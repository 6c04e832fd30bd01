/** What a page in the middle of an authorization request knows of it, and the way back. */
import {
  notPending,
  toRequestUri,
  type PendingRequest,
  type PendingRequests,
} from '../authorization/pending-requests.ts'
import type { Client, ClientRegistry } from '../clients/registry.ts'
import type { Pages } from '../http/pages.ts'
import { OAuthError } from '../protocol/errors.ts'
import { Params } from '../protocol/params.ts'
import { formatUserCode, parseUserCode } from '../protocol/user-code.ts'
import type { ClientView } from './client-view.tsx'

export interface Interaction {
  reference: string
  pending: PendingRequest
  client: Client
  clientView: ClientView
}

interface InteractionDependencies {
  pendingRequests: Pick<PendingRequests, 'find'>
  clients: Pick<ClientRegistry, 'find'>
}

const devicePrefix = 'device:'

/** In place of a reference, when it is for the device page that a person signs in. */
export function toDeviceReference(userCode = ''): string {
  return devicePrefix + userCode
}

/** Where a person goes on who has signed in. */
export function pathAfterLogin(
  pages: Pages,
  {
    reference,
    interaction,
  }: { reference: string | undefined; interaction: Interaction | undefined },
): string {
  if (interaction) return resumePath(pages, interaction)
  if (!reference?.startsWith(devicePrefix)) return pages.pathOf('home')
  const userCode = parseUserCode(reference.slice(devicePrefix.length))
  return pages.pathOf(
    'device',
    userCode === undefined ? undefined : { user_code: formatUserCode(userCode) },
  )
}

/** Undefined without a reference, or when it is for the device page; refuses one that is unknown, has expired or had its answer. */
export async function findInteraction(
  reference: string | undefined,
  { pendingRequests, clients }: InteractionDependencies,
): Promise<Interaction | undefined> {
  if (reference === undefined || reference.startsWith(devicePrefix)) return undefined
  const pending = await pendingRequests.find(reference)
  const client = pending && (await clients.find(pending.clientId))
  if (!pending || !client) throw notPending()
  return { reference, pending, client, clientView: toClientView(client) }
}

/** For pages that nobody comes to by themselves. */
export async function getInteraction(
  reference: string | undefined,
  dependencies: InteractionDependencies,
): Promise<Interaction> {
  const interaction = await findInteraction(reference, dependencies)
  if (interaction) return interaction
  throw new OAuthError(
    'invalid_request',
    `The parameter 'request' is missing. Start again from the application.`,
  )
}

export function loginHintOf(interaction: Interaction | undefined): string | undefined {
  return interaction && new Params(interaction.pending.parameters).get('login_hint')
}

/** Back to the authorize endpoint, which decides again from what is stored. */
export function resumePath(pages: Pages, { client, reference }: Interaction): string {
  return pages.pathOf('authorize', {
    client_id: client.clientId,
    request_uri: toRequestUri(reference),
  })
}

export function toClientView({ clientId, metadata, document }: Client): ClientView {
  return {
    name: metadata.client_name ?? clientId,
    publisher: document && new URL(clientId).host,
    logoUri: metadata.logo_uri,
    policyUri: metadata.policy_uri,
    tosUri: metadata.tos_uri,
  }
}
