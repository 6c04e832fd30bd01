/** The people who sign in: their accounts, and whether a password is theirs. */
import { randomUUID } from 'node:crypto'
import type { Clock } from '../database/clock.ts'
import type { Queryable } from '../database/database.ts'
import { validateUserClaims } from '../protocol/claims.ts'
import { Refusal } from '../protocol/refusal.ts'
import { findIdentifierKind, isPairwise, isSub, normalizeIdentifier } from './identifiers.ts'
import { checkNewAccount, type NewAccount } from './new-account.ts'
import { findPasswordFaults } from './password-rules.ts'
import type { PasswordHasher } from './passwords.ts'
import { createUserStore, type Account, type Login, type UserStore } from './store.ts'

export type { Account }

export interface AccountPage {
  /** 1 to 1000. */
  limit: number
  /** The `sub` of the last account of the page before. */
  after?: string | undefined
  /** A part of the email, the username or the name. */
  query?: string | undefined
}

type Around = (
  insert: (within?: Queryable) => Promise<Account | undefined>,
) => Promise<Account | undefined>

/** Everything but find… and authenticate throws a Refusal: for bad input with all faults, and for an unknown `sub`. */
export interface Accounts {
  /** `around` may do more in the transaction that it opens; undefined there: the name is taken. */
  create(account: NewAccount, around?: Around): Promise<Account>
  /** By email or username, in any letter case, or by what a token names them by. */
  find(identifier: string): Promise<Account | undefined>
  findBySub(sub: string): Promise<Account | undefined>
  /** By what a token names the user by: the `sub` itself or, for a pairwise client, another subject. */
  findBySubject(subject: string): Promise<Account | undefined>
  /** By that one name, email and username in any letter case. */
  findBy(name: 'sub' | 'email' | 'username', value: string): Promise<Account | undefined>
  list(page: AccountPage): Promise<Account[]>
  setPassword(sub: string, password: string, within?: Queryable): Promise<Account>
  /** Replaces all claims; the email's own fields stay as they are. */
  updateClaims(sub: string, claims: unknown, within?: Queryable): Promise<Account>
  disable(sub: string, within?: Queryable): Promise<Account>
  enable(sub: string, within?: Queryable): Promise<Account>
  /** Moves revokedAt forward to `at`, never back. */
  markRevoked(sub: string, at: Date, within?: Queryable): Promise<Account>
  delete(sub: string, within?: Queryable): Promise<void>
  /**
   * The account with that email or username, if the password is its own. Undefined, after the same work, when it is
   * unknown, disabled, without a password or the password is wrong. Throws temporarily_unavailable in a login storm.
   */
  authenticate(identifier: string, password: string): Promise<Account | undefined>
}

interface AccountsOptions {
  store: UserStore
  hasher: PasswordHasher
  clock: Pick<Clock, 'now'>
}

const maxPageSize = 1000

export function createAccounts({ store, hasher, clock }: AccountsOptions): Accounts {
  const storeWithin = (within?: Queryable) => (within ? createUserStore(within) : store)

  /** Not by sub: the login form takes what people know, and every name it takes is one more to throttle. */
  async function findLogin(identifier: string): Promise<Login | undefined> {
    const name = normalizeIdentifier(identifier)
    const kind = findIdentifierKind(name)
    if (kind === 'email') return store.findByEmail(name)
    return kind === 'username' ? store.findByUsername(name) : undefined
  }

  async function getAccount(sub: string, within?: Queryable): Promise<Account> {
    return known(sub, await storeWithin(within).findBySub(sub))
  }

  async function rehash(sub: string, oldHash: string, password: string): Promise<void> {
    try {
      await store.replacePasswordHash(sub, oldHash, await hasher.hash(password))
    } catch {
      // The password is right whether or not its hash could be renewed; the next login tries again.
    }
  }

  return {
    async create(input, around = (insert) => insert()) {
      const { faults, ...checked } = checkNewAccount(input)
      if (faults.length > 0) throw new Refusal(faults.join(' '))
      const passwordHash =
        input.password === undefined ? undefined : await hasher.hash(input.password)
      const sub = randomUUID()
      const user = { ...checked, sub, passwordHash, createdAt: clock.now() }
      const account = await around((within) => storeWithin(within).create(user))
      if (account) return account
      const { email, username } = checked
      const taken = [
        email && (await store.findByEmail(email)) && `the email ${email}`,
        username && (await store.findByUsername(username)) && `the username ${username}`,
      ].filter((name) => name !== undefined && name !== '')
      const what = taken.join(' and ') || 'this email or username'
      throw new Refusal(`Another user already has ${what}. Choose another.`)
    },

    async find(identifier) {
      const name = normalizeIdentifier(identifier)
      if (isSub(name)) return store.findBySub(name.toLowerCase())
      const login = await findLogin(name)
      return login || !isPairwise(name) ? login?.account : store.findBySubject(name)
    },

    findBySub: (sub) => store.findBySub(sub),

    findBySubject: (subject) => store.findBySubject(subject),

    async findBy(name, value) {
      if (name === 'sub') return store.findBySub(value)
      const identifier = normalizeIdentifier(value)
      if (findIdentifierKind(identifier) !== name) return undefined
      return (await findLogin(identifier))?.account
    },

    async list({ limit, after, query }) {
      if (!Number.isInteger(limit) || limit < 1 || limit > maxPageSize)
        throw new Refusal(`A page has 1 to ${maxPageSize} users. Give a limit in that range.`)
      return store.list({
        limit,
        ...(after !== undefined && { after }),
        ...(query !== undefined && { query: normalizeIdentifier(query) }),
      })
    },

    async setPassword(sub, password, within) {
      const { email, username } = await getAccount(sub, within)
      const faults = findPasswordFaults(password, [email, username])
      if (faults.length > 0) throw new Refusal(faults.join(' '))
      const passwordHash = await hasher.hash(password)
      return known(sub, await storeWithin(within).setPasswordHash(sub, passwordHash, clock.now()))
    },

    async updateClaims(sub, input, within) {
      const account = await getAccount(sub)
      const { claims, email, emailVerified, faults } = validateUserClaims(input)
      if (email !== undefined && email !== account.email)
        faults.push("The claim 'email' is not the user's email. Leave it out.")
      if (emailVerified !== undefined && emailVerified !== account.emailVerified)
        faults.push("The claim 'email_verified' is not what the account says. Leave it out.")
      if (faults.length > 0) throw new Refusal(faults.join(' '))
      return known(sub, await storeWithin(within).setClaims(sub, claims, clock.now()))
    },

    async disable(sub, within) {
      return known(sub, await storeWithin(within).disable(sub, clock.now()))
    },

    async enable(sub, within) {
      return known(sub, await storeWithin(within).enable(sub, clock.now()))
    },

    async markRevoked(sub, at, within) {
      return known(sub, await storeWithin(within).markRevoked(sub, at))
    },

    async delete(sub, within) {
      if (!(await storeWithin(within).delete(sub))) refuseUnknown(sub)
    },

    async authenticate(identifier, password) {
      const login = await findLogin(identifier)
      const passwordHash = login?.account.disabledAt ? undefined : login?.passwordHash
      const matches = await hasher.verify(passwordHash, password)
      if (!login || passwordHash === undefined || !matches) return undefined
      if (hasher.needsRehash(passwordHash)) await rehash(login.account.sub, passwordHash, password)
      return login.account
    },
  }
}

function known(sub: string, account: Account | undefined): Account {
  return account ?? refuseUnknown(sub)
}

function refuseUnknown(sub: string): never {
  throw new Refusal(
    `No user has the sub ${JSON.stringify(sub)}. List the users to find the right one.`,
  )
}
