/** Target URIs as DPoP compares them (RFC 9449 §4.3): normalised by RFC 3986 §6.2.2 and §6.2.3, without query and fragment. */

/** Undefined when it is no http(s) URI, or one with user information. */
export function normalizeTargetUri(uri: string): string | undefined {
  if (!/^https?:\/\/[^/?#@\\\s]+(?:[/?#][^\\\s]*)?$/i.test(uri) || !URL.canParse(uri))
    return undefined
  const { protocol, host, pathname } = new URL(uri) // lower case, default ports, dot segments, the empty path
  const path = pathname.replaceAll(/%[0-9a-f]{2}/gi, normalizeTriplet)
  return `${protocol}//${host}${removeDotSegments(path)}`
}

/** RFC 3986 §5.2.4. Node's parser leaves those behind a segment that begins with a dot. */
function removeDotSegments(path: string): string {
  const kept: string[] = []
  const segments = path.split('/').slice(1)
  for (const [index, segment] of segments.entries()) {
    const isDot = segment === '.' || segment === '..'
    if (segment === '..') kept.pop()
    if (!isDot) kept.push(segment)
    else if (index === segments.length - 1) kept.push('')
  }
  return `/${kept.join('/')}`
}

function normalizeTriplet(triplet: string): string {
  const character = String.fromCodePoint(Number.parseInt(triplet.slice(1), 16))
  return /[A-Za-z0-9\-._~]/.test(character) ? character : triplet.toUpperCase()
}
