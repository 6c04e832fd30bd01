/** Distinguished names as text (RFC 4514), compared attribute by attribute whatever way they are written. */
import type { X509Certificate } from 'node:crypto'

const shortNames: Readonly<Record<string, string>> = {
  '2.5.4.3': 'CN',
  '2.5.4.5': 'SERIALNUMBER',
  '2.5.4.6': 'C',
  '2.5.4.7': 'L',
  '2.5.4.8': 'ST',
  '2.5.4.9': 'STREET',
  '2.5.4.10': 'O',
  '2.5.4.11': 'OU',
  '2.5.4.97': 'ORGANIZATIONIDENTIFIER',
  '0.9.2342.19200300.100.1.1': 'UID',
  '0.9.2342.19200300.100.1.25': 'DC',
  '1.2.840.113549.1.9.1': 'EMAILADDRESS',
  E: 'EMAILADDRESS',
  S: 'ST',
}

/** Its relative names, the most specific first, in one spelling; undefined when it is none, or has a value in hexadecimal. */
export function parseDistinguishedName(text: string): string[] | undefined {
  return parseNames(split(text, ','))
}

/** Values are compared to the letter. */
export function hasSubject({ subject }: X509Certificate, name: string): boolean {
  const expected = parseDistinguishedName(name)
  // Node writes one relative name a line, the most general first.
  const actual = subject ? parseNames(split(subject, '\n'))?.toReversed() : undefined
  return (
    expected !== undefined &&
    actual?.length === expected.length &&
    actual.every((one, index) => one === expected[index])
  )
}

function parseNames(names: string[] | undefined): string[] | undefined {
  const parsed = names?.map(parseRelativeName)
  return parsed?.every((one) => one !== undefined) ? parsed : undefined
}

/** One or several attributes, whose order says nothing. */
function parseRelativeName(text: string): string | undefined {
  const attributes = split(text, '+')?.map(parseAttribute)
  if (!attributes?.every((one) => one !== undefined)) return undefined
  return attributes.toSorted((a, b) => (a < b ? -1 : 1)).join('+')
}

function parseAttribute(text: string): string | undefined {
  const [, type = '', written = ''] = /^ *([\w.-]+) *= *([^]+)$/.exec(text) ?? []
  if (type === '' || written.startsWith('#')) return undefined
  const name = type.toUpperCase().replace(/^OID\./, '')
  return JSON.stringify([shortNames[name] ?? name, unescape(written)])
}

/** RFC 4514 §3: a backslash stands before a special character, or two digits of an octet of UTF-8. */
function unescape(text: string): string {
  const marks = text.match(/\\[\da-f]{2}|\\[^]|[^\\]/giu) ?? []
  while (marks.at(-1) === ' ') marks.pop()
  const octets = marks.map((mark) =>
    /^\\[\da-f]{2}$/i.test(mark)
      ? Buffer.from(mark.slice(1), 'hex')
      : Buffer.from(mark.replace(/^\\/, '')),
  )
  return Buffer.concat(octets).toString()
}

/** At separators without a backslash; undefined when nothing stands on one side of one. */
function split(text: string, separator: ',' | '+' | '\n'): string[] | undefined {
  const parts = text.match(new RegExp(`(?:\\\\[^]|[^\\\\${separator}])+`, 'gu')) ?? []
  return parts.length > 0 && parts.join(separator) === text ? parts : undefined
}
