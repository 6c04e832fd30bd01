/** Redirect URIs: what may be registered, and what a request may then ask for (RFC 9700 §2.1, RFC 8252 §7). */

export type ApplicationType = 'web' | 'native'

const maxLength = 2048
const uriCharacters = /^[\w.~:/?#[\]@!$&'()*+,;=%-]+$/ // RFC 3986 §2
const loopback =
  /^(?<base>http:\/\/(?:localhost|127\.0\.0\.1|\[::1\]))(?::(?<port>\d{1,5}))?(?<rest>[/?].*)?$/

const onlyHttps =
  'Use https; plain http is only for localhost, 127.0.0.1 and [::1], during development.'

/** Says what is wrong with a redirect URI that is to be registered; undefined when it may be. */
export function validateRedirectUri(
  uri: string,
  applicationType: ApplicationType,
): string | undefined {
  const fault = findSyntaxFault(uri)
  if (fault !== undefined) return fault
  if (uri.includes('#')) return 'Leave out the fragment (RFC 6749 §3.1.2).'
  if (applicationType === 'native' && isPrivateUse(uri)) return undefined
  if (isHttps(uri) || isLoopback(uri)) return undefined
  return applicationType === 'native'
    ? 'Use https, http on localhost, 127.0.0.1 or [::1], or a private-use scheme with a dot such as com.example.app:/callback (RFC 8252 §7).'
    : onlyHttps
}

/** Says what is wrong with an address of a page or a picture, such as client_uri; undefined when all is well. */
export function validateWebUri(uri: string): string | undefined {
  return findSyntaxFault(uri) ?? (isHttps(uri) || isLoopback(uri) ? undefined : onlyHttps)
}

/** Says what is wrong with an address where only https will do; undefined when all is well. */
export function validateHttpsUri(uri: string): string | undefined {
  return findSyntaxFault(uri) ?? (isHttps(uri) ? undefined : 'Use https.')
}

/** Says what is wrong with an address that this server is to send something to; undefined when all is well. */
export function validateBackchannelUri(
  uri: string,
  { insecureHttp = false }: { insecureHttp?: boolean },
): string | undefined {
  const fault = findSyntaxFault(uri)
  if (fault !== undefined) return fault
  if (uri.includes('#')) return 'Leave out the fragment.'
  const isAllowed = isHttps(uri) || isLoopback(uri) || (insecureHttp && isHttp(uri))
  return isAllowed ? undefined : onlyHttps
}

/** Simple string comparison; only the port of a native application's loopback URI is free (RFC 8252 §7.3). */
export function matchesRedirectUri(
  registered: string,
  requested: string,
  applicationType: ApplicationType,
): boolean {
  if (registered === requested) return true
  if (applicationType !== 'native') return false
  const [ours, theirs] = [splitLoopback(registered), splitLoopback(requested)]
  return ours !== undefined && ours === theirs
}

/** OpenID Connect RP-Initiated Logout §3.1: simple string comparison, ports included. */
export function isPostLogoutRedirectUri(registered: readonly string[], requested: string): boolean {
  return registered.includes(requested)
}

/** Adds parameters to what query the URI has (RFC 6749 §3.1.2). */
export function withQuery(uri: string, parameters: [name: string, value: string][]): string {
  return `${uri}${uri.includes('?') ? '&' : '?'}${new URLSearchParams(parameters).toString()}`
}

/** The web origin of an http or https URI; undefined for any other. */
export function originOf(uri: string): string | undefined {
  if (!URL.canParse(uri)) return undefined
  const { protocol, origin } = new URL(uri)
  return protocol === 'https:' || protocol === 'http:' ? origin : undefined
}

function findSyntaxFault(uri: string): string | undefined {
  if (uri.length > maxLength) return `Keep it within ${maxLength} characters.`
  if (!uriCharacters.test(uri))
    return 'Use only the characters of a URI; percent-encode all others (RFC 3986 §2).'
  if (!URL.canParse(uri)) return 'Give an absolute URI, such as https://app.example.com/callback.'
  const { username, password, hostname } = new URL(uri)
  if (username !== '' || password !== '') return 'Leave out the user name and password.'
  if (hostname.includes('*')) return 'Name each host in full; wildcards are not matched.'
  return undefined
}

function isHttps(uri: string): boolean {
  return /^https:\/\/[^/?#]/.test(uri)
}

function isHttp(uri: string): boolean {
  return /^http:\/\/[^/?#]/.test(uri)
}

function isLoopback(uri: string): boolean {
  return splitLoopback(uri) !== undefined
}

/** RFC 8252 §7.1: a scheme made of a reversed domain name, which javascript: and its like can never be. */
function isPrivateUse(uri: string): boolean {
  return /^[a-z][a-z0-9+-]*(\.[a-z0-9+-]+)+:./.test(uri)
}

/** Whether only an app on the person's own device can be behind it (RFC 8252 §7.1, §7.3). */
export function isNative(uri: string): boolean {
  return isLoopback(uri) || isPrivateUse(uri)
}

/** A loopback URI without its port. */
function splitLoopback(uri: string): string | undefined {
  const parts = loopback.exec(uri)?.groups
  if (!parts || Number(parts.port ?? 0) > 65535) return undefined
  return `${parts.base} ${parts.rest ?? ''}`
}
