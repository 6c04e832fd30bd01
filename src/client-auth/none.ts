/** none: a public client only says who it is (RFC 6749 §3.2.1). */
import { bareClientId, type ClientAuthMethod } from './method.ts'

export const none: ClientAuthMethod = {
  name: 'none',
  read(request) {
    const clientId = bareClientId(request)
    return clientId === undefined ? undefined : { clientId, prove: () => {} }
  },
}
