/** The users table. */
import type { Queryable } from '../database/database.ts'
import type { Claims } from '../protocol/claims.ts'

export interface Account {
  sub: string
  username?: string | undefined
  email?: string | undefined
  emailVerified: boolean
  /** Standard claims but those above, and custom claims. */
  claims: Claims
  createdAt: Date
  updatedAt: Date
  disabledAt?: Date | undefined
  /** Everything up to this instant is refused, because the user was revoked or everybody was. */
  revokedAt?: Date | undefined
  hasPassword: boolean
}

/** What a login is checked against; nothing else carries the hash. */
export interface Login {
  account: Account
  passwordHash: string | undefined
}

interface UserRecord {
  sub: string
  username: string | undefined
  email: string | undefined
  emailVerified: boolean
  passwordHash: string | undefined
  claims: Claims
  createdAt: Date
}

export interface UserStore {
  /** Answers undefined, and stores nothing, when another user has the username or the email. */
  create(user: UserRecord): Promise<Account | undefined>
  findBySub(sub: string): Promise<Account | undefined>
  /** By what a token names the user by: the `sub` itself or, for a pairwise client, another subject. */
  findBySubject(subject: string): Promise<Account | undefined>
  findByUsername(username: string): Promise<Login | undefined>
  findByEmail(email: string): Promise<Login | undefined>
  /** In the order of `sub`, from after that one; `query` is a part of the email, the username or the name. */
  list(page: { limit: number; after?: string; query?: string }): Promise<Account[]>
  setPasswordHash(sub: string, passwordHash: string, now: Date): Promise<Account | undefined>
  /** Only while the old hash still stands, so that a new password is never overwritten by a rehash of the old one. */
  replacePasswordHash(sub: string, oldHash: string, newHash: string): Promise<void>
  setClaims(sub: string, claims: Claims, now: Date): Promise<Account | undefined>
  disable(sub: string, now: Date): Promise<Account | undefined>
  enable(sub: string, now: Date): Promise<Account | undefined>
  /** Never moves revoked_at back. */
  markRevoked(sub: string, at: Date): Promise<Account | undefined>
  /** Answers whether there was such a user. */
  delete(sub: string): Promise<boolean>
}

/** The columns of `accountColumns`, also beside those of another table. */
export interface AccountRow {
  sub: string
  username: string | null
  email: string | null
  email_verified: boolean
  has_password: boolean
  claims: Claims
  created_at: Date
  updated_at: Date
  disabled_at: Date | null
  revoked_at: Date | null
}

export function accountColumns(table: string): string {
  const names = ['sub', 'username', 'email', 'email_verified', 'claims']
  const instants = ['created_at', 'updated_at', 'disabled_at']
  const own = [...names, ...instants].map((name) => `${table}.${name}`).join(', ')
  return `${own}, ${revokedAt(table)} as revoked_at,
    ${table}.password_hash is not null as has_password`
}

/** SQL of the instant up to which nothing of a user counts: by their own last revocation, or by that of everything. */
const revokedAt = (table: string) =>
  `greatest(${table}.revoked_at, (select revoked_at from everything_revoked))`

/** SQL of whether a sign-in is later. */
export const isAuthenticatedSince = (authTime: string, table: string): string =>
  `coalesce(${authTime} > ${revokedAt(table)}, true)`

const columns = accountColumns('users')

export function createUserStore(database: Queryable): UserStore {
  async function findOne(text: string, values: readonly unknown[]): Promise<Account | undefined> {
    const [row] = await database.query<AccountRow>(text, values)
    return row && toAccount(row)
  }

  async function findLogin(condition: string, name: string): Promise<Login | undefined> {
    const [row] = await database.query<AccountRow & { password_hash: string | null }>(
      `select ${columns}, password_hash from users where ${condition}`,
      [name],
    )
    return row && { account: toAccount(row), passwordHash: row.password_hash ?? undefined }
  }

  return {
    create: (user) =>
      findOne(
        `insert into users
           (sub, username, email, email_verified, password_hash, claims, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $7)
         on conflict do nothing
         returning ${columns}`,
        [
          user.sub,
          user.username,
          user.email,
          user.emailVerified,
          user.passwordHash,
          JSON.stringify(user.claims),
          user.createdAt,
        ],
      ),

    findBySub: (sub) => findOne(`select ${columns} from users where sub = $1`, [sub]),

    findBySubject: (subject) =>
      findOne(
        `select ${columns} from users
         where sub = coalesce((select p.sub from pairwise_subjects p where p.subject = $1), $1)`,
        [subject],
      ),

    findByUsername: (username) => findLogin('lower(username) = lower($1)', username),

    findByEmail: (email) => findLogin('lower(email) = lower($1)', email),

    async list({ limit, after, query }) {
      const rows = await database.query<AccountRow>(
        `select ${columns} from users
         where ($2::text is null or sub > $2)
           and ($3::text is null
             or position(lower($3) in lower(concat_ws(' ', email, username, claims ->> 'name'))) > 0)
         order by sub
         limit $1`,
        [limit, after, query],
      )
      return rows.map(toAccount)
    },

    setPasswordHash: (sub, passwordHash, now) =>
      findOne(
        `update users set password_hash = $2, updated_at = $3 where sub = $1 returning ${columns}`,
        [sub, passwordHash, now],
      ),

    async replacePasswordHash(sub, oldHash, newHash) {
      await database.query(
        'update users set password_hash = $3 where sub = $1 and password_hash = $2',
        [sub, oldHash, newHash],
      )
    },

    setClaims: (sub, claims, now) =>
      findOne(`update users set claims = $2, updated_at = $3 where sub = $1 returning ${columns}`, [
        sub,
        JSON.stringify(claims),
        now,
      ]),

    disable: (sub, now) =>
      findOne(
        `update users set disabled_at = coalesce(disabled_at, $2), updated_at = $2
         where sub = $1
         returning ${columns}`,
        [sub, now],
      ),

    enable: (sub, now) =>
      findOne(
        `update users set disabled_at = null, updated_at = $2 where sub = $1 returning ${columns}`,
        [sub, now],
      ),

    markRevoked: (sub, at) =>
      findOne(
        `update users set revoked_at = greatest(revoked_at, $2) where sub = $1 returning ${columns}`,
        [sub, at],
      ),

    async delete(sub) {
      const rows = await database.query('delete from users where sub = $1 returning sub', [sub])
      return rows.length > 0
    },
  }
}

export function toAccount(row: AccountRow): Account {
  return {
    sub: row.sub,
    username: row.username ?? undefined,
    email: row.email ?? undefined,
    emailVerified: row.email_verified,
    claims: row.claims,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    disabledAt: row.disabled_at ?? undefined,
    revokedAt: row.revoked_at ?? undefined,
    hasPassword: row.has_password,
  }
}
