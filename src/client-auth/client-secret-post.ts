/** client_secret_post: the secret in the body (RFC 6749 §2.3.1). */
import { claimBySecret } from './client-secret.ts'
import { refuseClient, type ClientAuthMethod } from './method.ts'

const name = 'client_secret_post'

export const clientSecretPost: ClientAuthMethod = {
  name,
  read(request) {
    const clientSecret = request.params.get('client_secret')
    if (clientSecret === undefined) return undefined
    const clientId = request.params.get('client_id')
    if (clientId === undefined)
      throw refuseClient(request, 'A client_secret came without a client_id. Send both.')
    return claimBySecret(request, name, clientId, clientSecret)
  },
}
