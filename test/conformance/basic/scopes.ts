/** Modules of the Basic OP plan about scopes: each is worth all its claims at userinfo (OpenID Connect Core §5.4). */
import type { Fields } from '../../support/flow.ts'
import { unaskedClaims } from '../../support/suite-checks.ts'
import type { Run } from '../../support/suite-run.ts'
import type { Module } from '../module.ts'

const claimsOf = {
  profile: [
    'name family_name given_name middle_name nickname preferred_username profile',
    'picture website gender birthdate zoneinfo locale updated_at',
  ]
    .join(' ')
    .split(' '),
  email: ['email', 'email_verified'],
  address: ['address'],
  phone: ['phone_number', 'phone_number_verified'],
}

const all = Object.values(claimsOf).flat()

/** These and no other, and none of them in the ID token. */
async function givesAtUserinfo({ t, flow }: Run, claims: string[], changes: Fields): Promise<void> {
  const { userinfo, idToken } = await flow(changes)
  t.strictSame(Object.keys(userinfo).toSorted(), ['sub', ...claims].toSorted())
  t.strictSame(unaskedClaims(idToken), [])
}

const scopeModules: Module[] = Object.entries(claimsOf).map(([scope, claims]) => ({
  name: `oidcc-scope-${scope}`,
  says: `userinfo has every claim of the scope ${scope}, and the ID token has none`,
  run: (run) => givesAtUserinfo(run, claims, { scope: `openid ${scope}` }),
}))

export const claimModules: Module[] = [
  ...scopeModules,
  {
    name: 'oidcc-scope-all',
    says: 'userinfo has every claim of all scopes together',
    run: (run) => givesAtUserinfo(run, all, { scope: 'openid profile email address phone' }),
  },
  {
    name: 'oidcc-claims-essential',
    says: 'a claim that is asked for by its name comes from where it is asked for',
    run: (run) =>
      givesAtUserinfo(run, ['name'], {
        claims: JSON.stringify({ userinfo: { name: { essential: true } } }),
      }),
  },
  {
    name: 'oidcc-alternate-happy-flow',
    says: 'the order of the scopes and of the parameters means nothing',
    run: (run) => givesAtUserinfo(run, claimsOf.email, { scope: 'email openid' }),
  },
]
