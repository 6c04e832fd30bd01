/** Who registered a client: an administrator, the client itself, or the document that its client_id names. */
import type { Client } from '../clients/registry.ts'
import type { Registrar } from '../registration/registrar-store.ts'

/** For programs: a word, or what it is and which. */
export function registeredBy({ clientId, document }: Client, registrar?: Registrar): string {
  if (document) return `document:${clientId}`
  if (!registrar) return 'administrator'
  const { tokenId } = registrar
  return tokenId === undefined ? 'itself' : `registration-token:${tokenId}`
}

/** For people, in few words. */
export function describeRegisteredBy({ document }: Client, registrar?: Registrar): string {
  if (document) return 'its document'
  if (!registrar) return 'administrator'
  const { tokenId, tokenName } = registrar
  return tokenId === undefined ? 'itself' : `token ${tokenName ?? tokenId}`
}
