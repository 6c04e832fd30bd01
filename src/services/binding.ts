/** What binds clients and tokens to keys: DPoP proofs and client certificates. */
import { readFileSync } from 'node:fs'
import { readAuthorities } from '../client-auth/authorities.ts'
import { createClientCertificateReader } from '../http/client-certificate.ts'
import { createPresentedBy } from '../http/presented-by.ts'
import type { ServerSecret } from '../keys/server-secret.ts'
import { createNonces } from '../possession/nonces.ts'
import { createPossession } from '../possession/possession.ts'
import { createProofStore } from '../possession/store.ts'
import type { ServiceOptions } from './admin.ts'

export function createBindingServices(
  { config, database, clock }: ServiceOptions,
  serverSecret: ServerSecret,
) {
  const { issuer, mtlsIssuer, trustProxy, clientCaFile } = config
  return {
    possession: createPossession({
      store: createProofStore(database),
      nonces: createNonces({ key: serverSecret.deriveKey('dpop nonces'), clock }),
      nonceMode: config.dpopNonce,
      issuer,
      mtlsIssuer,
      clock,
    }),
    presentedBy: createPresentedBy({
      issuer,
      readClientCertificate: createClientCertificateReader({
        header: config.clientCertHeader,
        trustedProxies: typeof trustProxy === 'object' ? trustProxy : [],
      }),
    }),
    authorities:
      clientCaFile === undefined ? [] : readAuthorities(readFileSync(clientCaFile, 'utf8')),
  }
}
