/** none: a public client only says who it is (RFC 6749 §3.2.1). */
import type { ClientAuthMethod } from './method.ts'

export const none: ClientAuthMethod = {
  name: 'none',
  read({ authorization, params }) {
    const clientId = params.get('client_id')
    const proofs = ['client_secret', 'client_assertion', 'client_assertion_type']
    const bringsProof =
      authorization !== undefined || proofs.some((name) => params.get(name) !== undefined)
    return clientId === undefined || bringsProof ? undefined : { clientId, prove: () => {} }
  },
}
