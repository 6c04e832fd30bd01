/** The settings of tokens that are bound to a key: DPoP and client certificates. */
import * as read from './parsers.ts'
import type { Setting } from './setting.ts'

const nonceModes = ['required', 'offered', 'off'] as const

export const bindingSettings = {
  dpopNonce: {
    variable: 'CLAVIGER_DPOP_NONCE',
    parse: read.oneOf(nonceModes),
    default: 'offered',
    sentence:
      'Whether DPoP proofs carry a nonce of this server: each must (`required`), they may and it has to be a fresh one (`offered`), or none is given out (`off`).',
  },
  mtlsPort: {
    variable: 'CLAVIGER_MTLS_PORT',
    parse: read.wholeNumber(1, 65_535),
    derived: 'none: no client certificates',
    sentence:
      'A second TCP port that serves the same and asks for client certificates (mutual TLS); needs `TLS_CERT_FILE`.',
  },
  clientCertHeader: {
    variable: 'CLAVIGER_CLIENT_CERT_HEADER',
    parse: read.headerName,
    derived: 'none: no client certificates',
    sentence:
      'The header in which the proxies of `TRUST_PROXY`, there by their addresses, pass on the client certificate, and which they take from everybody else: percent-encoded PEM, or the DER in base64 (RFC 9440).',
  },
  mtlsIssuer: {
    variable: 'CLAVIGER_MTLS_ISSUER',
    parse: read.issuer,
    derived: '`ISSUER` with `CLAVIGER_MTLS_PORT`',
    sentence:
      'The base URL below which clients with certificates find the endpoints (`mtls_endpoint_aliases`).',
  },
  clientCaFile: {
    variable: 'CLAVIGER_TLS_CLIENT_CA_FILE',
    parse: read.readableFile,
    derived: 'none: no `tls_client_auth`',
    sentence:
      'The authorities (PEM) that issue certificates to clients themselves, for the method `tls_client_auth`.',
  },
} as const satisfies Record<string, Setting>
