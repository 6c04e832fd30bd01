/** Whose assertions about users a client may exchange (RFC 7523 §2.1), and how these name a user. */
import type { JSONWebKeySet } from 'jose'
import { isPlainObject } from '../protocol/json.ts'
import { publicKeySet } from './jwks.ts'
import { oneOf, shortText, type Rule } from './rules.ts'

const subjects = ['sub', 'email', 'username'] as const

export interface AssertionIssuer {
  issuer: string
  jwks: JSONWebKeySet
  /** What the assertions' `sub` is, of our user. */
  subject: (typeof subjects)[number]
}

const maxIssuers = 10
const members = {
  issuer: shortText(2048),
  jwks: publicKeySet,
  subject: oneOf(subjects),
} satisfies Record<keyof AssertionIssuer, Rule>

export const assertionIssuers: Rule = (name, value) => {
  if (!Array.isArray(value) || value.length === 0 || value.length > maxIssuers)
    return `${name}: Give a list of 1 to ${maxIssuers} issuers.`
  const faults = value.flatMap((item, index) => findFault(`${name}[${index}]`, item) ?? [])
  if (faults.length > 0) return faults.join(' ')
  const issuers = new Set(value.map(({ issuer }: AssertionIssuer) => issuer))
  return issuers.size < value.length ? `${name}: Give each issuer once.` : undefined
}

function findFault(name: string, item: unknown): string | undefined {
  const names = Object.keys(members)
  if (!isPlainObject(item) || Object.keys(item).some((member) => !names.includes(member)))
    return `${name}: Give an object of ${names.join(', ')}, and of nothing else.`
  const faults = Object.entries(members).flatMap(
    ([member, rule]) => rule(`${name}.${member}`, item[member]) ?? [],
  )
  return faults.length > 0 ? faults.join(' ') : undefined
}
