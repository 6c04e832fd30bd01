/** Client identifiers that are URLs of metadata (draft-ietf-oauth-client-id-metadata-document §3). */

const maxLength = 1024
const uriCharacters = /^[\w.~:/?[\]@!$&'()*+,;=%-]+$/ // RFC 3986 §2, without #

/** https with a path, in the one form that a URL parser gives it, so that there is one client for one document. */
export function isClientIdUrl(text: string): boolean {
  if (!text.startsWith('https://') || text.length > maxLength || !uriCharacters.test(text))
    return false
  if (!URL.canParse(text)) return false
  const { href, pathname, username, password } = new URL(text)
  return href === text && pathname !== '/' && username === '' && password === ''
}

/** Which of them are taken: none when they are off, those of some hosts when these are named. */
export function createClientIdUrlRule({
  enabled,
  hosts,
}: {
  enabled: boolean
  hosts: readonly string[]
}): (text: string) => boolean {
  return (text) =>
    enabled && isClientIdUrl(text) && (hosts.length === 0 || hosts.includes(new URL(text).hostname))
}
