/** A certificate for localhost and 127.0.0.1 that signs itself. */
import { createCertificate, type Certificate } from './certificates.ts'

export type SelfSigned = Pick<Certificate, 'cert' | 'key'>

export function createSelfSigned(): SelfSigned {
  return createCertificate({ dns: ['localhost'], ips: ['127.0.0.1'] })
}
