/**
 * The request that a proxy asks about, as each kind of proxy tells it. Each has an address of its own here, because a
 * header that one proxy sets is a header that the client of another may send.
 */
import type { IncomingHttpHeaders } from 'node:http'

export interface OriginalRequest {
  method: string
  /** Path and query, as the client sent them. */
  url: string
}

/** nginx, `auth_request`: as the example configuration sets X-Original-Method and X-Original-URI. */
export function readNginxRequest(headers: IncomingHttpHeaders): OriginalRequest | undefined {
  return readFrom(headers, 'x-original-method', 'x-original-uri')
}

/** Traefik's ForwardAuth, Caddy's forward_auth. */
export function readForwardedRequest(headers: IncomingHttpHeaders): OriginalRequest | undefined {
  return readFrom(headers, 'x-forwarded-method', 'x-forwarded-uri')
}

/** Envoy's ext_authz over HTTP asks with the request's own method and path, below a prefix. */
export function readEnvoyRequest(
  { method, url }: { method: string; url: string },
  prefix: string,
): OriginalRequest {
  return { method, url: url.slice(prefix.length) }
}

function readFrom(
  headers: IncomingHttpHeaders,
  methodHeader: string,
  urlHeader: string,
): OriginalRequest | undefined {
  const [method, url] = [headers[methodHeader], headers[urlHeader]]
  return typeof method === 'string' && typeof url === 'string' ? { method, url } : undefined
}
