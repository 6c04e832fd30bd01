/** A certificate for localhost and 127.0.0.1 that signs itself. */
import { createCertificate, type Certificate } from './certificates.ts'

export type SelfSigned = Pick<Certificate, 'cert' | 'key'>

export function createSelfSigned(keyType: 'ec' | 'rsa' = 'ec'): SelfSigned {
  return createCertificate({ keyType, dns: ['localhost'], ips: ['127.0.0.1'] })
}
