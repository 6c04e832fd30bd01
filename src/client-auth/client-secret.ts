/** The proof that client_secret_basic and client_secret_post share. */
import { hashesMatch, hashSecret } from '../protocol/secrets.ts'
import { refuseProof, type ClientAuthRequest, type ClientClaim } from './method.ts'

export function claimBySecret(
  request: ClientAuthRequest,
  method: string,
  clientId: string,
  clientSecret: string,
): ClientClaim {
  const presentedHash = hashSecret(clientSecret) // already now: an unknown client costs the same work
  return {
    clientId,
    prove({ secretHash }) {
      if (!secretHash || !hashesMatch(presentedHash, secretHash))
        throw refuseProof(request, method, { detail: 'The client_secret is wrong' })
    },
  }
}
