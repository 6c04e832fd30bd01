/**
 * Claims about users and clients: which ones may be stored (OpenID Connect Core §5.1) and which ones the granted
 * scopes release (§5.4). A custom claim is asked for with the scope of its name.
 */
import { isJson, isPlainObject, type JsonObject } from './json.ts'
import { claimsByScope, isScopeToken, standardScopes } from './scopes.ts'
import { standardClaims } from './standard-claims.ts'

export type Claims = JsonObject

export interface CheckedClaims {
  /** What to store; meaningless when there are faults. */
  claims: Claims
  /** Sentences, one for each thing to mend; empty when all is well. */
  faults: string[]
}

export interface CheckedUserClaims extends CheckedClaims {
  /** Taken out of the claims, because the account has a field of its own. */
  email: string | undefined
  emailVerified: boolean | undefined
}

/** The part of an account that claims are released from. */
export interface ClaimsSource {
  username?: string | undefined
  email?: string | undefined
  emailVerified: boolean
  claims: Claims
  updatedAt: Date
}

const maxBytes = 3 * 1024 // a token may carry those of a user and of a client, and must fit into a header
const maxNameLength = 64
const maxDepth = 16

/** Names that the protocol gives a meaning in a token, in userinfo or in an introspection response. */
const reservedNames = new Set(
  [
    ['iss', 'sub', 'aud', 'exp', 'nbf', 'iat', 'jti', 'typ'], // RFC 7519 §4.1
    ['auth_time', 'nonce', 'acr', 'amr', 'azp', 'at_hash', 'c_hash', 's_hash', 'sid'], // OpenID Connect
    ['_claim_names', '_claim_sources', 'sub_jwk'],
    ['scope', 'client_id', 'cnf', 'act', 'may_act', 'authorization_details'], // RFC 8693, 7800, 9396
    ['active', 'token_type', 'username'], // RFC 7662 §2.2
    ['events', 'toe', 'txn', 'sub_id'], // RFC 8417, 9493
    ['grant_id', 'exchanged_from', 'userinfo_claims', '__proto__'],
  ].flat(),
)

/** Kept in columns of the account; `updated_at` is accepted for the sake of exports, and the account's own is kept. */
const accountClaims = new Set(['email', 'email_verified', 'updated_at'])

/** Whether a token of ours is about a person: it has a grant, or at least a session when exchanged for an ID token. */
export function isAboutUser({ grant_id: grantId, sid }: Readonly<Claims>): boolean {
  return grantId !== undefined || sid !== undefined
}

/** Checks what an administrator wants to store about a user; `email` and `email_verified` come out apart. */
export function validateUserClaims(input: unknown): CheckedUserClaims {
  const { claims, faults } = checkClaims(input, () => undefined)
  const { email, email_verified: emailVerified } = claims
  return {
    claims: Object.fromEntries(Object.entries(claims).filter(([name]) => !accountClaims.has(name))),
    email: typeof email === 'string' ? email : undefined,
    emailVerified: typeof emailVerified === 'boolean' ? emailVerified : undefined,
    faults,
  }
}

/** Checks a client's fixed `custom_claims`: the same rules, and nothing that would speak about a user. */
export function validateClientClaims(input: unknown): CheckedClaims {
  return checkClaims(input, (name) =>
    standardClaims.has(name)
      ? `The claim ${quote(name)} describes a user and cannot be fixed for a client.`
      : undefined,
  )
}

/** The standard claims of the granted scopes, for userinfo; what is not known is left out (§5.3.2). `sub` is not among them. */
export function releaseUserClaims(account: ClaimsSource, scopes: readonly string[]): Claims {
  return pick(
    standardClaimsOf(account),
    scopes.flatMap((scope) => claimsByScope.get(scope) ?? []),
  )
}

/** Claims that were asked for one by one (§5.5); what is not known, or no claim about a user, is left out (§5.5.1). */
export function releaseNamedClaims(account: ClaimsSource, names: readonly string[]): Claims {
  return {
    ...pick(account.claims, names.filter(isCustomName)),
    ...pick(standardClaimsOf(account), names),
  }
}

/** The scope that gives a claim, too; undefined when it is not one about a user. */
export function scopeOfClaim(name: string): string | undefined {
  if (standardClaims.has(name))
    return [...claimsByScope].find(([, names]) => names.includes(name))?.[0]
  return isCustomName(name) ? name : undefined
}

/** The custom claims of the granted scopes, for access tokens, ID tokens and userinfo. */
export function releaseCustomClaims(claims: Claims, scopes: readonly string[]): Claims {
  return Object.fromEntries(
    Object.entries(claims).filter(
      ([name, value]) => scopes.includes(name) && isCustomName(name) && value !== null,
    ),
  )
}

function standardClaimsOf({ username, email, emailVerified, ...account }: ClaimsSource): Claims {
  const known: Claims = {
    ...(username !== undefined && { preferred_username: username }),
    ...account.claims,
    updated_at: Math.floor(account.updatedAt.getTime() / 1000),
    email,
    email_verified: email === undefined ? undefined : emailVerified,
  }
  return Object.fromEntries(Object.entries(known).filter(([name]) => standardClaims.has(name)))
}

function pick(known: Claims, names: readonly string[]): Claims {
  return Object.fromEntries(
    names
      .filter((name) => Object.hasOwn(known, name))
      .map((name) => [name, known[name]] as const)
      .filter(([, value]) => value !== undefined && value !== null),
  )
}

function checkClaims(
  input: unknown,
  findNameFault: (name: string) => string | undefined,
): CheckedClaims {
  if (!isPlainObject(input))
    return {
      claims: {},
      faults: ['The claims are not a JSON object, such as {"roles": ["admin"]}.'],
    }
  if (!isJson(input, maxDepth))
    return {
      claims: {},
      faults: [
        `The claims hold text that is not Unicode or has a NUL, or are deeper than ${maxDepth} levels.`,
      ],
    }
  const faults = Object.entries(input)
    .map(([name, value]) => findNameFault(name) ?? findClaimFault(name, value))
    .filter((fault) => fault !== undefined)
  const bytes = Buffer.byteLength(JSON.stringify(input))
  if (bytes > maxBytes)
    faults.push(`The claims take ${bytes} bytes as JSON; ${maxBytes} are allowed.`)
  return { claims: input, faults }
}

function findClaimFault(name: string, value: unknown): string | undefined {
  const rule = standardClaims.get(name)
  if (rule)
    return rule.isValid(value) ? undefined : `The claim ${quote(name)} must be ${rule.shape}.`
  if (!isCustomName(name))
    return `The claim name ${quote(name)} has a meaning in the protocol. Choose another.`
  if (name.length > maxNameLength || !isScopeToken(name))
    return `The claim name ${quote(name)} cannot be asked for as a scope. Use 1 to ${maxNameLength} ASCII characters, without space, quote or backslash.`
  return undefined
}

/** A custom claim named `phone` would go to everyone who asks for the standard scope, so those names are taken too. */
function isCustomName(name: string): boolean {
  return !reservedNames.has(name) && !standardClaims.has(name) && !standardScopes.includes(name)
}

function quote(name: string): string {
  return JSON.stringify(name.length > maxNameLength ? `${name.slice(0, maxNameLength)}…` : name)
}
