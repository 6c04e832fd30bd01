/** Finding the user that a command is about. */
import { Refusal } from '../protocol/refusal.ts'
import type { Account, Accounts } from '../users/accounts.ts'

export async function getAccount(
  accounts: Pick<Accounts, 'find'>,
  identifier: string,
): Promise<Account> {
  const account = await accounts.find(identifier)
  if (account) return account
  throw new Refusal(
    `No user has the email, username or sub ${JSON.stringify(identifier)}. Type: claviger users list`,
  )
}
