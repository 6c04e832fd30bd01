/** Protected resource metadata (RFC 9728): where clients learn which issuer an API trusts, and which scopes it has. */
import type { Scheme } from './binding.ts'
import { proofAlgorithms } from './dpop-proof.ts'
import { allSchemes } from './request.ts'
import type { Verifier } from './verifier.ts'

export interface ResourceOptions {
  /** The API's resource identifier: an https URL without fragment. Default: the verifier's audience, if it has one. */
  resource?: string | undefined
  schemes?: readonly Scheme[] | undefined
  /** Whatever else to tell (§2): scopes_supported, resource_name, resource_documentation … */
  metadata?: Record<string, unknown> | undefined
}

export interface ProtectedResourceMetadata {
  resource: string
  authorization_servers: string[]
  [member: string]: unknown
}

/** The document to serve as JSON at `metadataUrlOf(resource)`. */
export function protectedResourceMetadata(
  { issuer, audience }: Pick<Verifier, 'issuer' | 'audience'>,
  { resource = onlyOneOf(audience), schemes = allSchemes, metadata }: ResourceOptions = {},
): ProtectedResourceMetadata {
  parseResource(resource)
  return {
    resource,
    authorization_servers: [issuer],
    bearer_methods_supported: ['header'],
    ...(schemes.includes('DPoP') && { dpop_signing_alg_values_supported: proofAlgorithms }),
    ...(!schemes.includes('Bearer') && { dpop_bound_access_tokens_required: true }),
    ...metadata,
  }
}

export const metadataHeaders = {
  'content-type': 'application/json',
  'cache-control': 'public, max-age=3600',
  'access-control-allow-origin': '*', // browser apps read it too, and it is public
}

/** §3: the well-known part comes between host and path. Throws a TypeError for what is no resource identifier. */
export function metadataUrlOf(resource: string): string {
  const { origin, pathname, search } = parseResource(resource)
  return `${origin}/.well-known/oauth-protected-resource${pathname === '/' ? '' : pathname}${search}`
}

function onlyOneOf(audience: string | readonly string[]): string {
  const [resource, ...others] = [audience].flat()
  if (resource !== undefined && others.length === 0) return resource
  throw new TypeError('The verifier has several audiences. Say which one is the resource.')
}

function parseResource(resource: string): URL {
  const url = URL.canParse(resource) ? new URL(resource) : undefined
  const isLoopback = ['localhost', '127.0.0.1', '[::1]'].includes(url?.hostname ?? '')
  const isIdentifier =
    url !== undefined &&
    (url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback)) &&
    !resource.includes('#')
  if (!isIdentifier)
    throw new TypeError(
      `The resource '${resource}' is no https URL without fragment (RFC 9728 §1.2).`,
    )
  return url
}
