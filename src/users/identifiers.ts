/** What a user signs in with: a username or an email address. The '@' tells them apart. */

const maxUsernameCharacters = 64
const maxEmailCharacters = 254 // RFC 5321 §4.5.3.1.3, less the angle brackets

/** Spaces of every kind, control and invisible formatting characters, halves of surrogate pairs. */
const unwritable = /[\s\p{Z}\p{Cc}\p{Cf}\p{Cs}]/u

const sub = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i

/** Unicode NFC (RFC 8265 §3.3, RFC 6532 §3.1), without surrounding space; letter case stays. */
export function normalizeIdentifier(text: string): string {
  return text.normalize('NFC').trim()
}

/** Whether a normalised identifier is a username or an email; undefined when no user can have it. */
export function findIdentifierKind(identifier: string): 'username' | 'email' | undefined {
  if (findUsernameFault(identifier) === undefined) return 'username'
  return findEmailFault(identifier) === undefined ? 'email' : undefined
}

/** Whether it is written like a `sub` of ours, which no username is. */
export function isSub(identifier: string): boolean {
  return sub.test(identifier)
}

/** Whether it is written like a pairwise subject (tokens/subjects.ts), as a username may be too. */
export function isPairwise(identifier: string): boolean {
  return /^[\w-]{43}$/.test(identifier)
}

export function findUsernameFault(username: string): string | undefined {
  if (username === '' || username.length > maxUsernameCharacters || unwritable.test(username))
    return `The username must have 1 to ${maxUsernameCharacters} characters without spaces or control characters.`
  if (username.includes('@'))
    return "The username must not hold an '@'. Give an email address as email."
  if (isSub(username)) return 'The username must not look like a user id (a UUID).'
  return undefined
}

export function findEmailFault(email: string): string | undefined {
  if (email.length > maxEmailCharacters || unwritable.test(email) || !/^[^@]+@[^@]+$/.test(email))
    return `The email must be an address such as someone@example.com, of at most ${maxEmailCharacters} characters.`
  return undefined
}
