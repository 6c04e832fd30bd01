/** claviger users revoke, disable and delete: what ends sessions and tokens. */
import type { CommandUnknownOpts } from '@commander-js/extra-typings'
import { Refusal } from '../protocol/refusal.ts'
import { notBeforeOf } from '../verifier/not-before.ts'
import { getAccount } from './accounts.ts'
import { addCommand } from './command.ts'
import { print } from './output.ts'
import { localTime, span } from './time.ts'
import { nameOf, toArgument, toDocument } from './user-view.ts'
import { withServices } from './with-database.ts'

export function addEndingCommands(users: CommandUnknownOpts): void {
  addCommand(users, 'revoke <user>', {
    description: 'refuse everything issued to a user so far; signing in again works',
    examples: [
      'claviger users revoke jane@example.com',
      'claviger users revoke jane --reason "laptop stolen" --json',
    ],
  })
    .option('--reason <text>', 'why, for the record')
    .action((identifier, { reason, ...format }) =>
      withServices(async ({ accounts, revocations, longestTokenSeconds }) => {
        const account = await getAccount(accounts, identifier)
        const revokedAt = await revocations.revokeUser(account.sub, reason)
        const notBefore = new Date(notBeforeOf(revokedAt) * 1000)
        const document = {
          sub: account.sub,
          revoked_at: revokedAt,
          not_before: notBefore,
          reason: reason ?? null,
        }
        const longest = span(await longestTokenSeconds())
        await print(format, document, () =>
          [
            `Revoked ${nameOf(account)}: whatever was issued before ${localTime(notBefore)} is refused from now on,`,
            'at every endpoint here: browser sessions, codes, refresh tokens and access tokens.',
            `An API that checks tokens by their signature alone accepts one until it expires: ${longest} at most.`,
            `Signing in again works. To prevent that: claviger users disable ${toArgument(account)}`,
          ].join('\n'),
        )
      }),
    )

  addCommand(users, 'disable <user>', {
    description: 'let a user sign in no more, and end their sessions and tokens',
    examples: ['claviger users disable jane@example.com --reason "left the company"'],
  })
    .option('--reason <text>', 'why, for the record')
    .action((identifier, { reason, ...format }) =>
      withServices(async ({ accounts, revocations }) => {
        const { sub } = await getAccount(accounts, identifier)
        await accounts.disable(sub)
        await revocations.revokeUser(sub, reason ?? 'disabled')
        const account = await getAccount(accounts, sub)
        await print(format, toDocument(account), () =>
          [
            `${nameOf(account)} is disabled: signing in, sessions and tokens are refused from now on.`,
            `To undo: claviger users enable ${toArgument(account)}`,
          ].join('\n'),
        )
      }),
    )

  addCommand(users, 'delete <user>', {
    description: 'delete a user with their sessions, tokens and consents, for good',
    examples: ['claviger users delete jane@example.com --yes'],
  })
    .option('--yes', 'really')
    .action((identifier, { yes, ...format }) =>
      withServices(async ({ accounts, revocations }) => {
        const account = await getAccount(accounts, identifier)
        const { sub } = account
        if (!yes)
          throw new Refusal(
            `Deleting ${nameOf(account)} cannot be undone: add --yes, or disable the user instead.`,
          )
        // First no new sign-in, then nothing old: the tokens would outlive the account otherwise.
        await accounts.disable(sub)
        await revocations.revokeUser(sub, 'deleted')
        await accounts.delete(sub)
        await print(format, { sub, deleted: true }, () => `Deleted ${nameOf(account)} (${sub}).`)
      }),
    )
}
