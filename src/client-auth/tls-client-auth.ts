/** tls_client_auth: a certificate of a known authority, with the name that the client is registered by (RFC 8705 §2.1). */
import type { X509Certificate } from 'node:crypto'
import type { ClientMetadata } from '../clients/metadata.ts'
import { hasAlternativeName } from './alternative-names.ts'
import { isIssuedByOneOf } from './authorities.ts'
import { hasSubject } from '../protocol/distinguished-name.ts'
import { bareClientId, refuseBare, type ClientAuthMethod } from './method.ts'

export const tlsClientAuth: ClientAuthMethod = {
  name: 'tls_client_auth',
  needs: 'authorities',
  read(request, { authorities, clock }) {
    const { certificate } = request
    const clientId = bareClientId(request)
    if (certificate === undefined || clientId === undefined) return undefined
    return {
      clientId,
      prove({ metadata }) {
        if (!isIssuedByOneOf(authorities, certificate, clock.now()))
          throw refuseBare(request, {
            detail: 'No known authority issued the certificate for clients, or it is not valid now',
          })
        if (!hasRegisteredName(certificate, metadata))
          throw refuseBare(request, { detail: 'The certificate has another name' })
      },
    }
  },
}

function hasRegisteredName(certificate: X509Certificate, metadata: ClientMetadata): boolean {
  const subject = metadata.tls_client_auth_subject_dn
  if (subject !== undefined) return hasSubject(certificate, subject)
  const alternatives = [
    ['DNS', metadata.tls_client_auth_san_dns],
    ['URI', metadata.tls_client_auth_san_uri],
    ['IP Address', metadata.tls_client_auth_san_ip],
    ['email', metadata.tls_client_auth_san_email],
  ] as const
  return alternatives.some(
    ([type, name]) => name !== undefined && hasAlternativeName(certificate, type, name),
  )
}
