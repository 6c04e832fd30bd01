/** The subject alternative names of a certificate (RFC 5280 §4.2.1.6). */
import type { X509Certificate } from 'node:crypto'
import { isIPv6 } from 'node:net'

export type AlternativeNameType = 'DNS' | 'URI' | 'IP Address' | 'email'

export function hasAlternativeName(
  { subjectAltName }: X509Certificate,
  type: AlternativeNameType,
  name: string,
): boolean {
  const expected = normalize(type, name)
  return parse(subjectAltName ?? '').some(
    ([actualType, actual]) => actualType === type && normalize(type, actual) === expected,
  )
}

/** None when any part cannot be read. Node quotes a name as JSON that could be taken for several. */
function parse(text: string): [type: string, name: string][] {
  const names: [string, string][] = []
  const pattern = /([A-Za-z ]+):("(?:[^"\\]|\\.)*"|[^",]*)(?:, |$)/y
  while (pattern.lastIndex < text.length) {
    const [, type, name] = pattern.exec(text) ?? []
    if (type === undefined || name === undefined) return []
    names.push([type, name.startsWith('"') ? String(JSON.parse(name)) : name])
  }
  return names
}

function normalize(type: AlternativeNameType, name: string): string {
  if (type === 'DNS') return name.toLowerCase()
  if (type === 'IP Address' && isIPv6(name) && !name.includes('%'))
    return new URL(`http://[${name}]`).hostname
  return name
}
