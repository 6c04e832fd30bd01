/** Where requests carry access tokens: the Authorization header (RFC 6750 §2.1, RFC 9449 §7.1), and nowhere else. */
import type { Presentation, Scheme } from './binding.ts'
import type { PresentedProof } from './dpop-proof.ts'
import { VerificationError } from './errors.ts'
import type { AccessTokenClaims, RequiredClaims, Verifier } from './verifier.ts'

/** What a request says about who sends it, whatever framework it came through. */
export interface Incoming {
  method: string
  /** As the client sees it. */
  url: string
  /** The Authorization header; if there are several, joined by commas. */
  authorization?: string | undefined
  /** The DPoP header, likewise. */
  proof?: string | undefined
  certificate?: Presentation['certificate']
}

export interface PresentedToken {
  token: string
  presented: Presentation
}

export interface RequestOptions {
  /**
   * What stands before the path in the URL that clients use: `https://api.example.com`, or
   * `https://example.com/api` behind a proxy that takes `/api` away. DPoP proofs are for that URL.
   */
  baseUrl?: string | undefined
  /** How tokens may come. */
  schemes?: readonly Scheme[] | undefined
}

export interface AuthenticateOptions extends RequestOptions {
  /** Needed beside what the verifier needs of every token. */
  scopes?: readonly string[] | undefined
  claims?: RequiredClaims | undefined
  /** The client certificate of the connection, where the platform tells. */
  certificate?: Presentation['certificate']
}

export const allSchemes: readonly Scheme[] = ['Bearer', 'DPoP']

/** The claims of a request's token. Rejects with a VerificationError, of which `toResponse` makes the answer. */
export async function authenticate(
  request: Request,
  verifier: Pick<Verifier, 'verify'>,
  options: AuthenticateOptions = {},
): Promise<AccessTokenClaims> {
  const { scopes = [], claims = {}, certificate } = options
  const { token, presented } = readRequest(request, options)
  const verified = await verifier.verify(token, { ...presented, certificate, scopes, claims })
  return verified.claims
}

/** The token of a request, for `verifier.verify(token, presented)`. Throws a VerificationError. */
export function readRequest(
  request: Request,
  { baseUrl, schemes }: RequestOptions = {},
): PresentedToken {
  const { pathname, search } = new URL(request.url)
  return readIncoming(
    request,
    {
      method: request.method,
      url: baseUrl === undefined ? request.url : joinUrl(baseUrl, `${pathname}${search}`),
      authorization: request.headers.get('authorization') ?? undefined,
      proof: request.headers.get('dpop') ?? undefined,
    },
    schemes,
  )
}

/** `request` is whatever object stands for this one request. */
export function readIncoming(
  request: object,
  { method, url, authorization, proof, certificate }: Incoming,
  schemes = allSchemes,
): PresentedToken {
  refuseTokenInUrl(url)
  const { scheme, token } = parseAuthorization(authorization)
  if (scheme === undefined || token === '')
    throw new VerificationError('token_missing', `Send an access token. ${howTo(schemes)}`)
  if (!schemes.includes(scheme))
    throw new VerificationError(
      'token_missing',
      `The scheme ${scheme} is not offered here. ${howTo(schemes)}`,
    )
  if (!/^[\w\-.~+/]+=*$/.test(token))
    throw new VerificationError(
      'request_malformed',
      `The Authorization header is malformed. ${howTo(schemes)}`,
    )
  return {
    token,
    presented: {
      scheme,
      ...(proof !== undefined && { dpop: presentOnce(request, { proof, method, url }) }),
      ...(certificate && { certificate }),
    },
  }
}

const presentedProofs = new WeakMap<object, PresentedProof>()

/** The proof of a request that is read again is not another one. */
function presentOnce(request: object, presented: PresentedProof): PresentedProof {
  const earlier = presentedProofs.get(request)
  if (earlier?.proof === presented.proof && earlier.url === presented.url) return earlier
  presentedProofs.set(request, presented)
  return presented
}

/** The scheme that a request used, unless it used several. */
export function schemeOf(authorization: string | undefined): Scheme | undefined {
  const { scheme, token } = parseAuthorization(authorization)
  return token.includes(',') ? undefined : scheme
}

/** Whatever the target, the host stays that of the base: one of HTTP/2 need not begin with a slash. */
export function joinUrl(baseUrl: string, target: string): string {
  return `${baseUrl.replace(/\/+$/, '')}${/^[/?]/.test(target) ? '' : '/'}${target}`
}

function parseAuthorization(header = ''): { scheme: Scheme | undefined; token: string } {
  const space = header.indexOf(' ')
  const name = (space < 0 ? header : header.slice(0, space)).toLowerCase()
  const scheme = allSchemes.find((known) => known.toLowerCase() === name)
  return { scheme, token: space < 0 ? '' : header.slice(space + 1).trim() }
}

/** RFC 6750 §2.3: URLs end up in logs and histories. */
function refuseTokenInUrl(url: string): void {
  const query = url.indexOf('?')
  if (query < 0 || !url.includes('access_token', query)) return
  if (new URLSearchParams(url.slice(query)).has('access_token'))
    throw new VerificationError(
      'request_malformed',
      'Send the access token in the Authorization header only, never in the URL.',
    )
}

function howTo(schemes: readonly Scheme[]): string {
  return `Send one header: Authorization: ${schemes.join(' or ')}, a space, the token.`
}
