/** The members of client metadata that name the subject of the client's certificates (RFC 8705 §2.1.2). */
import { isIP } from 'node:net'
import { parseDistinguishedName } from '../protocol/distinguished-name.ts'
import type { ClientMetadata } from './metadata.ts'
import { shortText, textRule, type Rule } from './rules.ts'

const dnsName = textRule((name) =>
  name.length <= 253 &&
  /^(?:[a-z\d_](?:[a-z\d_-]*[a-z\d_])?\.)*[a-z\d](?:[a-z\d-]*[a-z\d])?$/i.test(name)
    ? undefined
    : 'Give a host name, such as client.example.com.',
)

export const certificateNameRules = {
  tls_client_auth_subject_dn: textRule((name) =>
    name.length <= 1000 && parseDistinguishedName(name)
      ? undefined
      : 'Give a distinguished name as RFC 4514 writes it, such as CN=client,O=Example,C=DE; none of its values in hexadecimal.',
  ),
  tls_client_auth_san_dns: dnsName,
  tls_client_auth_san_uri: textRule((uri) =>
    uri.length <= 2000 && URL.canParse(uri) ? undefined : 'Give an absolute URI.',
  ),
  tls_client_auth_san_ip: textRule((address) =>
    isIP(address) > 0 && !address.includes('%')
      ? undefined
      : 'Give an IPv4 or IPv6 address, such as 192.0.2.1.',
  ),
  tls_client_auth_san_email: shortText(320),
} as const satisfies Partial<Record<keyof ClientMetadata, Rule>>

export function countCertificateNames(metadata: ClientMetadata): number {
  return Object.keys(certificateNameRules).filter((member) => Object.hasOwn(metadata, member))
    .length
}
