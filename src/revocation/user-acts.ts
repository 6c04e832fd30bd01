/** What an administrator, or a person by signing up, does to a user, in the order that leaves nothing behind, and audited. */
import type { AuditStore } from '../audit/store.ts'
import type { Clock } from '../database/clock.ts'
import type { Database, Queryable } from '../database/database.ts'
import { retryDeadlocks } from '../database/retry.ts'
import type { Account, Accounts } from '../users/accounts.ts'
import type { NewAccount } from '../users/new-account.ts'
import type { Act, Revoked } from './recorder.ts'
import type { Revocations } from './revocations.ts'

/** Each throws a Refusal when there is no such user. */
export interface UserActs {
  /** The person's own doing; the account is theirs from the start. */
  signUp(account: NewAccount): Promise<Account>
  /** No new sign-in, and nothing from before counts. */
  disable(sub: string, act: Act): Promise<Revoked>
  /** Lets the user sign in again; what was revoked stays so. */
  enable(sub: string, act: Act): Promise<Account>
  /** As `disable`, and then the account goes: its tokens would outlive it otherwise. */
  delete(sub: string, act: Act): Promise<Revoked>
  /** Replaces them all. Tokens from before keep theirs. */
  setClaims(sub: string, claims: unknown, act: Act): Promise<Account>
  /** What was signed in to with the former password ends with it, unless `keepSessions`; then it answers undefined. */
  setPassword(
    sub: string,
    password: string,
    act: Act & { keepSessions?: boolean },
  ): Promise<Revoked | undefined>
}

export function createUserActs({
  database,
  accounts,
  audit,
  revocations,
  clock,
}: {
  database: Pick<Database, 'transaction'>
  accounts: Pick<
    Accounts,
    'create' | 'disable' | 'enable' | 'delete' | 'updateClaims' | 'setPassword'
  >
  audit: Pick<AuditStore, 'record'>
  revocations: Pick<Revocations, 'revokeUser'>
  clock: Pick<Clock, 'now'>
}): UserActs {
  type Work<Result> = (transaction: Queryable) => Promise<Result>

  async function record(
    action: string,
    sub: string,
    { actor, reason }: Act,
    transaction: Queryable,
  ): Promise<void> {
    const event = { at: clock.now(), action, subject: sub, actor, reason: reason ?? null }
    await audit.record({ ...event, details: {} }, transaction)
  }

  function audited<Result>(
    action: string,
    sub: string,
    act: Act,
    work: Work<Result>,
  ): Work<Result> {
    return async (transaction) => {
      const result = await work(transaction)
      await record(action, sub, act, transaction)
      return result
    }
  }

  /** One transaction for both: whoever stops us in the middle has changed nothing. */
  const revokeWith = (first: Work<unknown>, sub: string, { actor, reason }: Act, why: string) =>
    revocations.revokeUser(sub, { actor, reason: reason ?? why, first })

  return {
    signUp: (account) =>
      accounts.create(account, (insert) =>
        database.transaction(async (transaction) => {
          const created = await insert(transaction)
          if (created)
            await record('users.create', created.sub, { actor: `user:${created.sub}` }, transaction)
          return created
        }),
      ),

    async disable(sub, act) {
      const disable: Work<unknown> = (within) => accounts.disable(sub, within)
      return revokeWith(audited('users.disable', sub, act, disable), sub, act, 'disabled')
    },

    enable: (sub, act) =>
      database.transaction(
        audited('users.enable', sub, act, (within) => accounts.enable(sub, within)),
      ),

    async delete(sub, act) {
      const disable: Work<unknown> = (within) => accounts.disable(sub, within)
      const revoked = await revokeWith(disable, sub, act, 'deleted')
      await retryDeadlocks(() =>
        database.transaction(
          audited('users.delete', sub, act, (within) => accounts.delete(sub, within)),
        ),
      )
      return revoked
    },

    setClaims: (sub, claims, act) =>
      database.transaction(
        audited('users.set-claims', sub, act, (within) =>
          accounts.updateClaims(sub, claims, within),
        ),
      ),

    async setPassword(sub, password, { keepSessions = false, ...act }) {
      const change = audited('users.set-password', sub, act, (within) =>
        accounts.setPassword(sub, password, within),
      )
      if (!keepSessions) return revokeWith(change, sub, act, 'new password')
      await database.transaction(change)
      return undefined
    },
  }
}
