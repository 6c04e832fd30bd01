/** Target URIs as DPoP compares them (RFC 9449 §4.3): normalised by RFC 3986 §6.2.2 and §6.2.3, without query and fragment. */

/** Undefined when it is no http(s) URI, or one with user information. */
export function normalizeTargetUri(uri: string): string | undefined {
  if (!/^https?:\/\/[^/?#@\\\s]+(?:[/?#][^\\\s]*)?$/i.test(uri) || !URL.canParse(uri))
    return undefined
  const { protocol, host, pathname } = new URL(uri) // lower case, default ports, dot segments, the empty path
  return `${protocol}//${host}${pathname.replaceAll(/%[0-9a-f]{2}/gi, normalizeTriplet)}`
}

function normalizeTriplet(triplet: string): string {
  const character = String.fromCodePoint(Number.parseInt(triplet.slice(1), 16))
  return /[A-Za-z0-9\-._~]/.test(character) ? character : triplet.toUpperCase()
}
