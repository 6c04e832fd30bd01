/** The client certificate of a request: of the TLS connection, or as a trusted proxy tells of it (RFC 8705 §6.5, RFC 9440). */
import { X509Certificate } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { BlockList, isIPv6 } from 'node:net'
import { TLSSocket } from 'node:tls'
import { OAuthError } from '../protocol/errors.ts'

export type ReadClientCertificate = (request: IncomingMessage) => X509Certificate | undefined

export function createClientCertificateReader({
  header,
  trustedProxies,
}: {
  /** In which the proxy writes it; undefined when there is none. */
  header: string | undefined
  /** Addresses and CIDRs of who is believed. */
  trustedProxies: readonly string[]
}): ReadClientCertificate {
  const proxies = toBlockList(trustedProxies)

  return (request) => {
    const { socket } = request
    // The one who speaks to us, whatever it says of others.
    if (header !== undefined && includes(proxies, socket.remoteAddress))
      return readHeader(header, request.headers[header])
    return socket instanceof TLSSocket ? socket.getPeerX509Certificate() : undefined
  }
}

/** PEM in percent-encoding (nginx, Envoy), or the DER in base64, between colons (RFC 9440) or without (HAProxy, Traefik). */
function readHeader(
  name: string,
  value: string | string[] | undefined,
): X509Certificate | undefined {
  if (value === undefined || value === '') return undefined
  try {
    // Several are joined by commas, which none of these forms has.
    const text = decodeURIComponent(String(value))
    const base64 = text.replace(
      /^-----BEGIN CERTIFICATE-----([^-]+)-----END CERTIFICATE-----\s*$/,
      '$1',
    )
    const [, octets] = /^:?([A-Za-z\d+/\s]+={0,2}\s*):?$/.exec(base64) ?? []
    if (octets === undefined) throw new TypeError('It is neither PEM nor base64')
    return new X509Certificate(Buffer.from(octets, 'base64'))
  } catch (cause) {
    throw new OAuthError(
      'invalid_request',
      'The client certificate that the proxy tells of cannot be read. Tell its administrator.',
      { detail: `The header ${name}`, cause },
    )
  }
}

function toBlockList(addresses: readonly string[]): BlockList {
  const list = new BlockList()
  for (const text of addresses) {
    const [address = '', prefix] = text.split('/')
    if (prefix === undefined) list.addAddress(address, familyOf(address))
    else list.addSubnet(address, Number(prefix), familyOf(address))
  }
  return list
}

function includes(list: BlockList, address: string | undefined): boolean {
  return address !== undefined && list.check(address, familyOf(address))
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIPv6(address) ? 'ipv6' : 'ipv4'
}
