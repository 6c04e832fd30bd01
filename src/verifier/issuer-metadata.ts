/** The issuer's metadata (OpenID Connect Discovery §4, RFC 8414 §3), which must name that very issuer. */
import { describeError, VerificationError } from './errors.ts'
import { fetchJson, type FetchLimits } from './fetch-json.ts'
import type { JsonObject } from './json.ts'
import { createRemoteDocument } from './remote-document.ts'
import type { Fetch } from './runtime.ts'

export interface IssuerMetadata {
  issuer: string
  jwks_uri: string
  token_endpoint?: string
  revocation_feed_endpoint?: string
  [member: string]: unknown
}

export interface IssuerMetadataSource {
  /** Rejects with `keys_unavailable` when there is none. */
  get(): Promise<IssuerMetadata>
}

const maxAgeSeconds = 3600
const staleSeconds = 86_400
const endpoints = ['jwks_uri', 'token_endpoint', 'revocation_feed_endpoint']

export function createIssuerMetadata({
  issuer,
  fetch,
  now,
  monotonic,
  limits,
}: {
  issuer: string
  fetch: Fetch
  now: () => number
  monotonic: () => number
  limits?: FetchLimits
}): IssuerMetadataSource {
  async function load() {
    const failures: string[] = []
    for (const url of metadataUrls(issuer))
      try {
        const { body } = await fetchJson(url, { fetch, limits })
        return { content: checkMetadata(body, issuer), maxAgeSeconds }
      } catch (error) {
        failures.push(`${url}: ${describeError(error)}`)
      }
    throw new VerificationError(
      'keys_unavailable',
      'The metadata of the issuer cannot be had. Try again later; if it stays so, compare the verifier’s issuer with the metadata.',
      { detail: failures.join(' ') },
    )
  }

  const document = createRemoteDocument<IssuerMetadata>({ load, now, monotonic, staleSeconds })
  return { get: async () => document.get() }
}

function metadataUrls(issuer: string): string[] {
  const { origin, pathname } = new URL(issuer)
  const path = pathname.replace(/\/$/, '')
  return [
    `${origin}${path}/.well-known/openid-configuration`,
    `${origin}/.well-known/oauth-authorization-server${path}`,
  ]
}

function checkMetadata(body: JsonObject, issuer: string): IssuerMetadata {
  if (body['issuer'] !== issuer)
    throw new Error(`The metadata is of ${JSON.stringify(body['issuer'])}, not of ${issuer}.`)
  if (body['jwks_uri'] === undefined) throw new Error('The metadata has no jwks_uri.')
  for (const name of endpoints) if (body[name] !== undefined) checkEndpoint(name, body, issuer)
  return body as unknown as IssuerMetadata
}

/** What is trusted by https must not lead to what anyone on the way may change. */
function checkEndpoint(name: string, { [name]: url }: JsonObject, issuer: string): void {
  const isUrl = typeof url === 'string' && URL.canParse(url)
  const protocol = isUrl ? new URL(url).protocol : undefined
  if (protocol !== 'https:' && (protocol !== 'http:' || new URL(issuer).protocol === 'https:'))
    throw new Error(`The ${name} in the metadata is not an https: URL.`)
}
