/** Rules for the members of JSON that describes a client or a resource: each answers a sentence, or nothing. */
import { isJson, type JsonObject } from '../protocol/json.ts'
import { isScopeToken } from '../protocol/scopes.ts'
import { originOf, validateWebUri } from '../protocol/redirect-uri.ts'

/** What is wrong with `value`, called `name` in the sentence; undefined when nothing is. */
export type Rule = (name: string, value: unknown) => string | undefined

export interface Fault {
  member: string
  /** A whole sentence that names the member and says what to do. */
  message: string
}

const maxJsonLength = 64 * 1024
const maxJsonDepth = 20

/** A rule about strings, from a function that answers a sentence without the name. */
export function textRule(findFault: (value: string) => string | undefined): Rule {
  return (name, value) => {
    const fault = typeof value === 'string' ? findFault(value) : 'Give a string.'
    return fault && `${name}: ${fault}`
  }
}

export function shortText(maxLength: number): Rule {
  return textRule((value) => {
    if (value.trim() === '') return 'Leave it out, or give some text.'
    if (value.length > maxLength) return `Keep it within ${maxLength} characters.`
    return /\p{Cc}/u.test(value) ? 'Leave out control characters.' : undefined
  })
}

export const webUri = textRule(validateWebUri)

export const origin = textRule((value) =>
  validateWebUri(value) === undefined && originOf(value) === value
    ? undefined
    : 'Give an origin, such as https://app.example.com: https (http on localhost), no path and no trailing slash.',
)

export const scopeToken = textRule((value) =>
  isScopeToken(value) && value.length <= 128
    ? undefined
    : 'Use printable ASCII without space, quote or backslash (RFC 6749 §3.3).',
)

export const scopeText = textRule((value) =>
  value === '' || value.split(' ').every((scope) => scopeToken('', scope) === undefined)
    ? undefined
    : 'Give scopes of printable ASCII, separated by single spaces (RFC 6749 §3.3).',
)

export function oneOf(values: readonly string[]): Rule {
  return (name, value) =>
    typeof value === 'string' && values.includes(value)
      ? undefined
      : `${name}: ${value === undefined ? 'Give it.' : `${quote(value)} is not supported.`} Use ${values.join(', ')}.`
}

export const flag: Rule = (name, value) =>
  typeof value === 'boolean' ? undefined : `${name}: Give true or false.`

export function wholeNumber(lowest: number, highest: number): Rule {
  return (name, value) =>
    Number.isInteger(value) && Number(value) >= lowest && Number(value) <= highest
      ? undefined
      : `${name}: Give a whole number from ${lowest} to ${highest}.`
}

export function listOf(rule: Rule, maxItems = 100): Rule {
  return (name, value) => {
    if (!Array.isArray(value)) return `${name}: Give a list.`
    if (value.length > maxItems) return `${name}: Give at most ${maxItems}.`
    const faults = value.flatMap((item, index) => rule(`${name}[${index}]`, item) ?? [])
    if (faults.length > 0) return faults.join(' ')
    return new Set(value).size < value.length ? `${name}: Give each value once.` : undefined
  }
}

/** RFC 7592 §2.2: a member that is null is as if left out. */
export function withoutNulls(object: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== null))
}

/** Holds every member against its rule; a member without a rule is a fault. */
export function findMemberFaults(
  object: JsonObject,
  rules: Readonly<Record<string, Rule>>,
  findUnknownHint: (member: string) => string,
): Fault[] {
  if (!isJson(object, maxJsonDepth))
    return [
      {
        member: '',
        message: `Give JSON of at most ${maxJsonDepth} levels, in Unicode without NUL.`,
      },
    ]
  if (JSON.stringify(object).length > maxJsonLength)
    return [{ member: '', message: `Keep it within ${maxJsonLength} characters of JSON.` }]
  return Object.entries(object).flatMap(([member, value]) => {
    const rule = Object.hasOwn(rules, member) ? rules[member] : undefined
    const message = rule ? rule(member, value) : `${quote(member)}: ${findUnknownHint(member)}`
    return message === undefined ? [] : [{ member, message }]
  })
}

export function quote(value: unknown): string {
  return JSON.stringify(value)?.slice(0, 80) ?? 'nothing'
}
