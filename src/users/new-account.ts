/** Checks everything about an account that is to be created, and finds all faults at once. */
import { validateUserClaims, type Claims } from '../protocol/claims.ts'
import { isPlainObject } from '../protocol/json.ts'
import { findEmailFault, findUsernameFault, normalizeIdentifier } from './identifiers.ts'
import { findPasswordFaults } from './password-rules.ts'

export interface NewAccount {
  email?: string | undefined
  username?: string | undefined
  /** The claim `name`. */
  name?: string | undefined
  password?: string | undefined
  emailVerified?: boolean | undefined
  /** Standard and custom claims; `email` and `email_verified` among them stand for the fields above. */
  claims?: unknown
}

interface CheckedAccount {
  email: string | undefined
  emailVerified: boolean
  username: string | undefined
  claims: Claims
  /** Sentences; empty when all is well. */
  faults: string[]
}

export function checkNewAccount(input: NewAccount): CheckedAccount {
  const given = input.claims ?? {}
  const faults: string[] = []

  /** What is said twice must be the same. */
  function reconcile<T>(what: string, field: T | undefined, claim: unknown): T | undefined {
    if (field !== undefined && claim !== undefined && field !== claim)
      faults.push(`The ${what} and the claim '${what}' differ. Give one of them.`)
    return field
  }

  const givenName = isPlainObject(given) ? given['name'] : undefined
  const name = reconcile('name', input.name, givenName)
  const checked = validateUserClaims(
    isPlainObject(given) && name !== undefined ? { ...given, name } : given,
  )
  faults.push(...checked.faults)

  const email = normalize(reconcile('email', input.email, checked.email) ?? checked.email)
  const username = normalize(input.username)
  const emailVerified =
    reconcile('email_verified', input.emailVerified, checked.emailVerified) ?? checked.emailVerified

  if (email === undefined && username === undefined)
    faults.push('The user has neither an email nor a username. Give at least one.')
  if (emailVerified === true && email === undefined)
    faults.push('There is no email that could be verified. Give one.')
  const more = [
    email === undefined ? undefined : findEmailFault(email),
    username === undefined ? undefined : findUsernameFault(username),
    ...(input.password === undefined ? [] : findPasswordFaults(input.password, [email, username])),
  ]
  faults.push(...more.filter((fault) => fault !== undefined))
  return { email, emailVerified: emailVerified ?? false, username, claims: checked.claims, faults }
}

function normalize(text: string | undefined): string | undefined {
  return text === undefined ? undefined : normalizeIdentifier(text)
}
