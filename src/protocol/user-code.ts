/** User codes (RFC 8628 §6.1): eight consonants, which spell no word and are not taken for one another. */

const letters = 'BCDFGHJKLMNPQRSTVWXZ'
const length = 8
const pattern = new RegExp(`^[${letters}]{${length}}$`)
const maxTypedLength = 64

/** `random`: a whole number from 0 up to but without the one given. */
export function createUserCode(random: (below: number) => number): string {
  return Array.from({ length }, () => letters[random(letters.length)]).join('')
}

/** What a person typed, in any letter case and with any dashes; undefined when it cannot be a code. */
export function parseUserCode(typed: string): string | undefined {
  if (typed.length > maxTypedLength) return undefined
  const code = typed.toUpperCase().replaceAll(/[\s\p{P}]/gu, '')
  return pattern.test(code) ? code : undefined
}

/** As it is shown: XXXX-XXXX. */
export function formatUserCode(code: string): string {
  return `${code.slice(0, 4)}-${code.slice(4)}`
}
