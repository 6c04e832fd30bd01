/** What scopes and claims let an application do, in words for the person who is asked (OpenID Connect Core §5.4, §5.5, §11). */
import { scopeOfClaim } from '../protocol/claims.ts'
import type { IconName } from './icons.tsx'

export interface GrantedItem {
  icon: IconName
  title: string
  /** The name that the scope or claim has in the protocol, where there are no words for it. */
  name?: string
  detail?: string
}

const scopeWords = new Map<string, GrantedItem>([
  ['openid', { icon: 'id', title: 'Recognise you', detail: 'by an identifier of your account' }],
  [
    'profile',
    { icon: 'person', title: 'See your profile', detail: 'name, picture, language and the like' },
  ],
  ['email', { icon: 'mail', title: 'See your email address' }],
  ['address', { icon: 'pin', title: 'See your postal address' }],
  ['phone', { icon: 'phone', title: 'See your phone number' }],
  [
    'offline_access',
    { icon: 'clock', title: 'Keep this access', detail: 'also while you are not using the app' },
  ],
])

/** Where the name of a claim is not already the word for it. */
const claimWords = new Map([
  ['name', 'full name'],
  ['preferred_username', 'username'],
  ['profile', 'profile page'],
  ['birthdate', 'date of birth'],
  ['zoneinfo', 'time zone'],
  ['locale', 'language'],
  ['updated_at', 'time of the last change'],
])

/** A claim that a scope gives as well is told once. */
export function grantedItems({
  scopes,
  claims,
}: {
  scopes: readonly string[]
  claims: readonly string[]
}): GrantedItem[] {
  const more = claims.filter((name) => !scopes.includes(scopeOfClaim(name) ?? name))
  const ofProfile = more.filter((name) => scopeOfClaim(name) === 'profile')
  const others = new Set(more.map((name) => scopeOfClaim(name) ?? name))
  others.delete('profile')
  return [
    ...scopes.map(
      (scope) => scopeWords.get(scope) ?? named({ title: 'Use the permission', name: scope }),
    ),
    ...(ofProfile.length > 0 ? [partOfProfile(ofProfile)] : []),
    ...[...others].map(
      (name) => scopeWords.get(name) ?? named({ title: 'See what your account says of', name }),
    ),
  ]
}

function named(words: { title: string; name: string }): GrantedItem {
  return { icon: 'key', ...words }
}

function partOfProfile(claims: readonly string[]): GrantedItem {
  const words = claims.map((name) => claimWords.get(name) ?? name.replaceAll('_', ' '))
  return { icon: 'person', title: 'See a part of your profile', detail: words.join(', ') }
}
