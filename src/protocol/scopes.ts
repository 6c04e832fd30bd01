/** Scopes: their syntax (RFC 6749 §3.3) and the claims that the standard ones ask for (OpenID Connect Core §5.4). */
import { feedScope } from '../verifier/feed.ts'
import { OAuthError } from './errors.ts'

const maxScopes = 50
const maxScopeLength = 128

/** The claims that each standard scope releases; any other scope asks for the custom claim of its name. */
export const claimsByScope: ReadonlyMap<string, readonly string[]> = new Map([
  ['openid', []],
  [
    'profile',
    [
      'name',
      'family_name',
      'given_name',
      'middle_name',
      'nickname',
      'preferred_username',
      'profile',
      'picture',
      'website',
      'gender',
      'birthdate',
      'zoneinfo',
      'locale',
      'updated_at',
    ],
  ],
  ['email', ['email', 'email_verified']],
  ['address', ['address']],
  ['phone', ['phone_number', 'phone_number_verified']],
  ['offline_access', []],
])

export const standardScopes: readonly string[] = [...claimsByScope.keys()]

/** The scopes that mean nothing where there is no user, as in the client credentials grant. */
export const userScopes: ReadonlySet<string> = new Set(standardScopes)

/** The scopes that let a service speak to the issuer itself. No user can give them away. */
export const issuerScopes: ReadonlySet<string> = new Set([feedScope, 'global_token_revocation'])

export function refuseIssuerScopes(scope: readonly string[]): void {
  const name = scope.find((one) => issuerScopes.has(one))
  if (name !== undefined)
    throw new OAuthError(
      'invalid_scope',
      `The scope '${name}' is for a service itself, not for a user. Ask for it with client_credentials.`,
    )
}

export function isScopeToken(text: string): boolean {
  return /^[\x21\x23-\x5b\x5d-\x7e]+$/.test(text)
}

/** The scopes of a `scope` parameter, each once, in the order sent; refuses with invalid_scope. None for ''. */
export function parseScope(text: string): string[] {
  if (text === '') return []
  const scopes = text.split(' ', maxScopes + 1)
  if (scopes.length > maxScopes)
    throw new OAuthError('invalid_scope', `Ask for at most ${maxScopes} scopes.`)
  if (!scopes.every(isScopeToken))
    throw new OAuthError(
      'invalid_scope',
      'The scope is malformed. Send printable ASCII names separated by single spaces.',
    )
  if (scopes.some((scope) => scope.length > maxScopeLength))
    throw new OAuthError('invalid_scope', `A scope has at most ${maxScopeLength} characters.`)
  return [...new Set(scopes)]
}

export function formatScope(scopes: readonly string[]): string {
  return scopes.join(' ')
}

export function isSubset(scopes: readonly string[], allowed: readonly string[]): boolean {
  const set = new Set(allowed)
  return scopes.every((scope) => set.has(scope))
}
