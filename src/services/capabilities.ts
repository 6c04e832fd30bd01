/** What this server can do, as its settings have it: for its metadata. */
import { authMethodNamesWith } from '../client-auth/index.ts'
import type { Config } from '../config.ts'
import type { Capabilities } from '../endpoints/discovery.ts'
import { grantTypeNames } from '../grants/index.ts'
import { certificateSupportOf } from './admin.ts'

export function capabilitiesOf(config: Config): Capabilities {
  const certificateSupport = certificateSupportOf(config)
  return {
    issuer: config.issuer,
    grantTypes: grantTypeNames,
    authMethods: authMethodNamesWith(certificateSupport),
    certificates: certificateSupport.certificates,
    mtlsIssuer: config.mtlsIssuer,
    signingAlgs: config.signingAlgs,
    requirePushedRequests: config.requirePushedRequests,
    revocationFeed: config.revocationFeed !== 'off',
    clientIdMetadataDocuments: config.clientIdMetadataDocuments,
    authorizationDetailsTypes: config.authorizationDetailsTypes,
    signUp: config.signUp,
    registration: config.registration !== 'off',
  }
}
