/** What the Connect and Fastify adapters have in common: requests as Node's http module has them. Needs nothing of Node. */
import type { Scheme } from './binding.ts'
import { answerTo, type Answer } from './challenge.ts'
import { metadataUrlOf } from './protected-resource.ts'
import { allSchemes, joinUrl, readIncoming, type Incoming } from './request.ts'
import type { RequiredClaims, VerifiedToken, Verifier } from './verifier.ts'

/** What of an IncomingMessage is read. */
export interface NodeRequest {
  method?: string | undefined
  url?: string | undefined
  /** The URL as it came, where a framework has rewritten `url`. */
  originalUrl?: string | undefined
  headers: Record<string, string | string[] | undefined>
  rawHeaders?: readonly string[] | undefined
  socket?: object | null | undefined
}

export interface GuardOptions {
  /** Needed beside what the verifier needs of every token. */
  scopes?: readonly string[] | undefined
  claims?: RequiredClaims | undefined
  /**
   * What stands before the path in the URL that clients use: `https://api.example.com`, or
   * `https://example.com/api` behind a proxy that takes `/api` away. DPoP proofs are checked against it, never against
   * headers that the client sends. Default: the origin of `resource`.
   */
  baseUrl?: string | undefined
  /** How tokens may come. Default: Bearer; with a `baseUrl` or a `resource` DPoP too. */
  schemes?: readonly Scheme[] | undefined
  /** The API's resource identifier; challenges then lead to its metadata, which are to be served (RFC 9728). */
  resource?: string | undefined
  /**
   * The SHA-256 of the client certificate, in base64url or hexadecimal, where a proxy in front ends TLS and tells.
   * Default: of the certificate of the connection itself.
   */
  clientCertificate?:
    | ((request: NodeRequest) => string | undefined | Promise<string | undefined>)
    | undefined
}

export interface AdapterOptions extends GuardOptions {
  /** Hands refusals to the error handler, with status and headers set, instead of answering them. Default: false. */
  passErrors?: boolean | undefined
}

export interface Guard {
  /** Rejects with a VerificationError. */
  authenticate(request: NodeRequest): Promise<VerifiedToken>
  /** Throws whatever is no VerificationError. */
  answerTo(error: unknown, request: NodeRequest): Answer
}

export function createGuard(verifier: Pick<Verifier, 'verify'>, options: GuardOptions): Guard {
  const { scopes = [], claims = {}, resource, clientCertificate = readTlsCertificate } = options
  if (resource !== undefined) metadataUrlOf(resource) // throws for what is none
  const baseUrl = options.baseUrl ?? (resource === undefined ? undefined : new URL(resource).origin)
  const schemes = options.schemes ?? (baseUrl === undefined ? bearerOnly : allSchemes)
  if (baseUrl === undefined ? schemes.includes('DPoP') : !/^https?:\/\/[^?#]+$/.test(baseUrl))
    throw new TypeError('DPoP needs a baseUrl, such as https://api.example.com, without query.')

  return {
    async authenticate(request) {
      const sha256Thumbprint = await clientCertificate(request)
      const { token, presented } = readIncoming(
        request,
        {
          ...readHeaders(request),
          url: joinUrl(baseUrl ?? '', readTarget(request)),
          certificate: sha256Thumbprint === undefined ? undefined : { sha256Thumbprint },
        },
        schemes,
      )
      return verifier.verify(token, { ...presented, scopes, claims })
    },
    answerTo: (error, request) =>
      answerTo(error, { ...readHeaders(request), schemes, scopes, resource }),
  }
}

const bearerOnly: readonly Scheme[] = ['Bearer']

/** The path and query that the client asked for. */
export function readTarget({ originalUrl, url = '/' }: NodeRequest): string {
  const target = originalUrl ?? url
  if (target.startsWith('/') || !URL.canParse(target)) return target
  const { pathname, search } = new URL(target) // RFC 9112 §3.2.2: proxies are asked for whole URLs
  return `${pathname}${search}`
}

function readHeaders({
  method = '',
  headers,
  rawHeaders,
}: NodeRequest): Pick<Incoming, 'method' | 'authorization' | 'proof'> {
  return {
    method,
    authorization: rawHeaders
      ? rawHeaders.filter((_, index) => isAuthorization(rawHeaders, index)).join(', ')
      : headers['authorization']?.toString(),
    proof: headers['dpop']?.toString(),
  }
}

/** `headers` has the first of several Authorization headers only; in `rawHeaders` names and values take turns. */
function isAuthorization(rawHeaders: readonly string[], index: number): boolean {
  return index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === 'authorization'
}

function readTlsCertificate({ socket }: NodeRequest): string | undefined {
  const { getPeerCertificate } = (socket ?? {}) as {
    getPeerCertificate?: () => { fingerprint256?: string } | undefined
  }
  return getPeerCertificate?.call(socket)?.fingerprint256
}
