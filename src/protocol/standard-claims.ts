/** The standard claims about a user, and the type that each must have (OpenID Connect Core §5.1). */
import { isPlainObject } from './json.ts'

interface ClaimRule {
  shape: string
  isValid: (value: unknown) => boolean
}

const text: ClaimRule = { shape: 'a non-empty string', isValid: isText }
const flag: ClaimRule = { shape: 'true or false', isValid: (value) => typeof value === 'boolean' }
const url: ClaimRule = { shape: 'an http or https URL', isValid: isWebUrl }

export const standardClaims: ReadonlyMap<string, ClaimRule> = new Map([
  ['name', text],
  ['family_name', text],
  ['given_name', text],
  ['middle_name', text],
  ['nickname', text],
  ['preferred_username', text],
  ['profile', url],
  ['picture', url],
  ['website', url],
  ['gender', text],
  ['birthdate', { shape: 'a date as YYYY-MM-DD, 0000-MM-DD or YYYY', isValid: isBirthdate }],
  ['zoneinfo', { shape: 'a time zone such as Europe/Paris', isValid: isZone }],
  ['locale', { shape: 'a language tag such as en-GB', isValid: isLanguageTag }],
  ['updated_at', { shape: 'a number of seconds since 1970', isValid: isSeconds }],
  ['email', text],
  ['email_verified', flag],
  ['address', { shape: 'an object of non-empty strings', isValid: isAddress }],
  ['phone_number', text],
  ['phone_number_verified', flag],
])

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.trim() !== ''
}

function isWebUrl(value: unknown): boolean {
  return isText(value) && /^https?:\/\/\S+$/i.test(value) && URL.canParse(value)
}

function isBirthdate(value: unknown): boolean {
  if (!isText(value)) return false
  if (/^\d{4}$/.test(value)) return true
  if (!/^\d{4}-\d{2}-\d{2}$/.test(value)) return false
  const date = new Date(`${value}T00:00:00Z`)
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(value) // 30 February moves on
}

function isZone(value: unknown): boolean {
  return isText(value) && /^[A-Za-z0-9_+-]+(?:\/[A-Za-z0-9_+-]+){0,2}$/.test(value)
}

/** BCP 47, and the underscore that §5.1 tolerates. */
function isLanguageTag(value: unknown): boolean {
  return isText(value) && /^[A-Za-z]{2,8}(?:[-_][A-Za-z0-9]{1,8})*$/.test(value)
}

function isSeconds(value: unknown): boolean {
  return typeof value === 'number' && value >= 0
}

/** §5.1.1; its set of members may be extended. */
function isAddress(value: unknown): boolean {
  return isPlainObject(value) && Object.keys(value).length > 0 && Object.values(value).every(isText)
}
