/** The certificate authorities whose client certificates count (RFC 8705 §2.1). */
import { X509Certificate } from 'node:crypto'
import { Refusal } from '../protocol/refusal.ts'

const clientAuthentication = '1.3.6.1.5.5.7.3.2' // RFC 5280 §4.2.1.12

/** Those of a file in PEM. */
export function readAuthorities(pem: string): X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
  let authorities: X509Certificate[] = []
  try {
    authorities = blocks.map((block) => new X509Certificate(block))
  } catch {}
  if (authorities.length > 0 && authorities.every(({ ca }) => ca)) return authorities
  throw new Refusal(
    'CLAVIGER_TLS_CLIENT_CA_FILE holds something else than certificates of authorities. Write them into it in PEM.',
  )
}

/** Whether one of them has issued it itself, for clients, and both are valid now. */
export function isIssuedByOneOf(
  authorities: readonly X509Certificate[],
  certificate: X509Certificate,
  now: Date,
): boolean {
  const { keyUsage: purposes } = certificate as { keyUsage: readonly string[] | undefined }
  return (
    isValid(certificate, now) &&
    (purposes === undefined || purposes.includes(clientAuthentication)) &&
    authorities.some(
      (authority) =>
        isValid(authority, now) &&
        certificate.checkIssued(authority) &&
        certificate.verify(authority.publicKey),
    )
  )
}

function isValid({ validFrom, validTo }: X509Certificate, now: Date): boolean {
  return Date.parse(validFrom) <= now.getTime() && now.getTime() <= Date.parse(validTo)
}
