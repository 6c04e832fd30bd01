/** self_signed_tls_client_auth: a certificate, of whomever, that is in the client's jwks or has a key of it (RFC 8705 §2.2). */
import { createPublicKey, type JsonWebKey, type X509Certificate } from 'node:crypto'
import type { JWK } from 'jose'
import { bareClientId, refuseBare, type ClientAuthMethod } from './method.ts'

export const selfSignedTlsClientAuth: ClientAuthMethod = {
  name: 'self_signed_tls_client_auth',
  needs: 'certificates',
  read(request, { clientKeys }) {
    const { certificate } = request
    const clientId = bareClientId(request)
    if (certificate === undefined || clientId === undefined) return undefined
    return {
      clientId,
      async prove(client) {
        const keys = await clientKeys.all(client)
        if (!keys.some((key) => isOf(certificate, key)))
          throw refuseBare(request, { detail: "The certificate is none of the client's" })
      },
    }
  },
}

function isOf(certificate: X509Certificate, key: JWK): boolean {
  const [registered] = key.x5c ?? []
  if (registered !== undefined) return certificate.raw.equals(Buffer.from(registered, 'base64'))
  try {
    return certificate.publicKey.equals(createPublicKey({ key: key as JsonWebKey, format: 'jwk' }))
  } catch {
    return false // a key that Node cannot read
  }
}
