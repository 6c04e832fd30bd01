/** How a user is shown. */
import type { Account } from '../users/accounts.ts'
import { describeMembers, fields } from './output.ts'
import { localTime } from './time.ts'

export function toDocument(account: Account) {
  return {
    sub: account.sub,
    email: account.email ?? null,
    email_verified: account.emailVerified,
    username: account.username ?? null,
    status: statusOf(account),
    has_password: account.hasPassword,
    claims: account.claims,
    created_at: account.createdAt,
    updated_at: account.updatedAt,
    disabled_at: account.disabledAt ?? null,
    revoked_at: account.revokedAt ?? null,
  }
}

export function describeAccount(account: Account): string {
  const { email, emailVerified, claims, disabledAt, revokedAt } = account
  return fields([
    ['sub', account.sub],
    ['email', email && `${email}${emailVerified ? '' : ' (not verified)'}`],
    ['username', account.username],
    ['status', disabledAt ? `disabled since ${localTime(disabledAt)}` : 'active'],
    ['password', account.hasPassword ? 'set' : 'none'],
    ['claims', Object.keys(claims).length === 0 ? undefined : describeMembers(claims)],
    ['created', localTime(account.createdAt)],
    ['updated', localTime(account.updatedAt)],
    ['revoked', revokedAt && `everything issued up to ${localTime(revokedAt)}`],
  ])
}

export function toRow(account: Account): string[] {
  const name = account.claims['name']
  return [
    account.email ?? '',
    account.username ?? '',
    typeof name === 'string' ? name : '',
    statusOf(account),
    account.sub,
  ]
}

export const rowHead = ['email', 'username', 'name', 'status', 'sub']

/** What people call the user. */
export function nameOf({ email, username, sub }: Account): string {
  return email ?? username ?? sub
}

/** The user in a command to copy: what they are called, unless a shell would read something into it. */
export function toArgument(account: Account): string {
  const name = nameOf(account)
  return /^[\w@.][\w@.+-]*$/.test(name) ? name : account.sub
}

function statusOf({ disabledAt }: Account): 'active' | 'disabled' {
  return disabledAt ? 'disabled' : 'active'
}
