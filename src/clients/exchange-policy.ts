/** Which tokens a client may exchange (RFC 8693), and for which APIs: its `token_exchange`. What is not in it may not be. */
import { hintFor } from '../protocol/did-you-mean.ts'
import { isPlainObject } from '../protocol/json.ts'
import { findMemberFaults, listOf, oneOf, shortText, type Rule } from './rules.ts'

/** Whether the token names the actor beside the subject (RFC 8693 §1.1): never, if there is one, or always. */
const delegations = ['none', 'allowed', 'required'] as const

export interface ExchangePolicy {
  /** The APIs that the new tokens may be for. */
  audiences: string[]
  delegation: (typeof delegations)[number]
  /** Whose tokens it may exchange besides its own. */
  subject_clients?: string[]
  /** The APIs that this client serves: tokens for one of them it may exchange, whoever got them. */
  subject_resources?: string[]
}

const rules: Readonly<Record<keyof ExchangePolicy, Rule>> = {
  audiences: listOf(shortText(2048), 50),
  delegation: oneOf(delegations),
  subject_clients: listOf(shortText(2048), 50),
  subject_resources: listOf(shortText(2048), 50),
}

export const exchangePolicy: Rule = (name, value) => {
  const members = Object.keys(rules)
  if (!isPlainObject(value)) return `${name}: Give an object of ${members.join(', ')}.`
  const missing = ['audiences', 'delegation'].filter((member) => value[member] === undefined)
  const faults = [
    ...missing.map((member) => `${name}.${member}: Give it.`),
    ...findMemberFaults(value, rules, (member) => hintFor(member, members)).map(
      ({ message }) => `${name}.${message}`,
    ),
  ]
  return faults.length > 0 ? faults.join(' ') : undefined
}
