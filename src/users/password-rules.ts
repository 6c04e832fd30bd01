/** What may become a password (NIST SP 800-63B §3.1.1): length, no composition rules, none that everybody tries first. */
import { commonPasswords } from './common-passwords.ts'

export const minPasswordCharacters = 8
const maxPasswordBytes = 1024

/** The bytes that are hashed: UTF-8 of the NFKC form, so that every keyboard gives the same ones. Undefined when too long. */
export function encodePassword(password: string): Buffer | undefined {
  if (password.length > maxPasswordBytes) return undefined // before work that grows with the length
  const bytes = Buffer.from(password.normalize('NFKC'))
  return bytes.length > maxPasswordBytes ? undefined : bytes
}

/** Sentences, one for each reason to refuse a new password; `names` are what the user is called. */
export function findPasswordFaults(
  password: string,
  names: readonly (string | undefined)[],
): string[] {
  const bytes = encodePassword(password)
  if (!bytes)
    return [`The password is longer than ${maxPasswordBytes} bytes. Choose a shorter one.`]
  if (Array.from(bytes.toString()).length < minPasswordCharacters)
    return [`The password has fewer than ${minPasswordCharacters} characters. Choose a longer one.`]
  if (/[\p{Cc}\p{Cs}\ufffd]/u.test(password))
    return [
      'The password holds a control character or is not Unicode text, so no form can send it.',
    ]
  const folded = foldPassword(password)
  if (commonPasswords.has(folded))
    return ['The password is among those that attackers try first. Choose another.']
  if (names.some((name) => name !== undefined && foldPassword(name) === folded))
    return ['The password is the same as the username or email. Choose another.']
  return []
}

function foldPassword(text: string): string {
  return text.normalize('NFKC').trim().toLowerCase()
}
