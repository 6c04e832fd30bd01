/** Whom a request is about (RFC 9493, Subject Identifiers), in the formats that name a user of ours. */
import { OAuthError } from './errors.ts'
import { isJson, isPlainObject } from './json.ts'

export type SubjectIdentifier =
  | { format: 'iss_sub'; iss: string; sub: string }
  | { format: 'email'; email: string }
  | { format: 'opaque'; id: string }

/** RFC 9493 §3.2: each format has these members and no others. */
const members: Record<SubjectIdentifier['format'], string[]> = {
  iss_sub: ['iss', 'sub'],
  email: ['email'],
  opaque: ['id'],
}

/** Refuses with invalid_request; `name` is the member that holds it. */
export function parseSubjectIdentifier(value: unknown, name: string): SubjectIdentifier {
  const { format } = isPlainObject(value) ? value : {}
  if (!isPlainObject(value) || typeof format !== 'string' || !Object.hasOwn(members, format))
    throw new OAuthError(
      'invalid_request',
      `The member '${name}' must be a subject identifier in one of the formats ${Object.keys(members).join(', ')}.`,
    )
  const expected = members[format as SubjectIdentifier['format']]
  const isWhole =
    Object.keys(value).length === expected.length + 1 &&
    expected.every((member) => typeof value[member] === 'string' && isJson(value[member], 0))
  if (!isWhole)
    throw new OAuthError(
      'invalid_request',
      `A '${name}' of the format '${format}' has the members format, ${expected.join(', ')}: each a text, and no others.`,
    )
  const subject = value as unknown as SubjectIdentifier
  if (subject.format === 'email' && !/^[^@]+@[^@]+$/.test(subject.email))
    throw new OAuthError('invalid_request', `The email of '${name}' is no email address.`)
  return subject
}
