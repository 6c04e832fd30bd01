/** Client certificates by their SHA-256 (RFC 8705 §3.1), in whatever form a TLS server or a proxy tells of them. */
import { sha256 } from './digest.ts'

/** The thumbprint of a certificate in PEM, or its DER in base64 with or without colons around it (RFC 9440). */
export async function certificateThumbprint(certificate: string): Promise<string> {
  const base64 = certificate.replaceAll(/-----[A-Z ]+-----|[\s:]/g, '')
  return sha256(Uint8Array.from(atob(base64), (character) => character.codePointAt(0)!))
}

/** A SHA-256 in base64url, from that or from hexadecimal with or without colons. */
export function toBase64url(digest: string): string {
  const hexadecimal = digest.replaceAll(':', '')
  if (!/^[0-9a-f]{64}$/i.test(hexadecimal)) return digest
  const octets = hexadecimal.match(/../g)!.map((octet) => Number.parseInt(octet, 16))
  return btoa(String.fromCodePoint(...octets))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '')
}
