/** What a page in the middle of an authorization request knows of it, and the way back. */
import {
  notPending,
  toRequestUri,
  type PendingRequest,
  type PendingRequests,
} from '../authorization/pending-requests.ts'
import type { Client, ClientRegistry } from '../clients/registry.ts'
import type { Pages } from '../http/pages.ts'
import type { ClientView } from './client-view.tsx'

export interface Interaction {
  reference: string
  pending: PendingRequest
  client: Client
  clientView: ClientView
}

/** Undefined without a reference; refuses one that is unknown, has expired or had its answer. */
export async function findInteraction(
  reference: string | undefined,
  {
    pendingRequests,
    clients,
  }: {
    pendingRequests: Pick<PendingRequests, 'find'>
    clients: Pick<ClientRegistry, 'find'>
  },
): Promise<Interaction | undefined> {
  if (reference === undefined) return undefined
  const pending = await pendingRequests.find(reference)
  const client = pending && (await clients.find(pending.clientId))
  if (!pending || !client) throw notPending()
  return { reference, pending, client, clientView: toClientView(client) }
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
