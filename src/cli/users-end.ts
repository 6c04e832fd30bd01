/** claviger users revoke, disable, enable and delete: what ends sessions and tokens, and what of it can be undone. */
import type { CommandUnknownOpts } from '@commander-js/extra-typings'
import { Refusal } from '../protocol/refusal.ts'
import { getAccount } from './accounts.ts'
import { actor, reasonOption } from './actor.ts'
import { addCommand } from './command.ts'
import { print } from './output.ts'
import { describeRevoked, toRevokedDocument } from './revoked-view.ts'
import { localTime } from './time.ts'
import { nameOf, toArgument, toDocument } from './user-view.ts'
import { withServices } from './with-database.ts'

export function addEndingCommands(users: CommandUnknownOpts): void {
  addRevoke(users)
  addDisable(users)
  addDelete(users)

  addCommand(users, 'enable <user>', {
    description: 'let a disabled user sign in again; what was revoked stays revoked',
    examples: ['claviger users enable jane@example.com'],
  })
    .option(...reasonOption)
    .action((identifier, { reason, ...format }) =>
      withServices(async ({ accounts, userActs }) => {
        const { sub } = await getAccount(accounts, identifier)
        const account = await userActs.enable(sub, { actor: actor(), reason })
        await print(format, toDocument(account), () => `${nameOf(account)} can sign in again.`)
      }),
    )
}

function addRevoke(users: CommandUnknownOpts): void {
  addCommand(users, 'revoke <user>', {
    description: 'refuse everything issued to a user so far; signing in again works',
    examples: [
      'claviger users revoke jane@example.com',
      'claviger users revoke jane --reason "laptop stolen" --json',
    ],
  })
    .option(...reasonOption)
    .action((identifier, { reason, ...format }) =>
      withServices(async ({ accounts, revocations, longestTokenSeconds }) => {
        const account = await getAccount(accounts, identifier)
        const revoked = await revocations.revokeUser(account.sub, { actor: actor(), reason })
        const context = { reason, longestSeconds: await longestTokenSeconds() }
        const document = { sub: account.sub, ...toRevokedDocument(revoked, context) }
        await print(format, document, () =>
          [
            `Revoked ${nameOf(account)}.`,
            `Whatever was issued before ${localTime(revoked.notBefore)} is refused from now on.`,
            describeRevoked(revoked, context),
            `Signing in again works. To prevent that: claviger users disable ${toArgument(account)}`,
          ].join('\n'),
        )
      }),
    )
}

function addDisable(users: CommandUnknownOpts): void {
  addCommand(users, 'disable <user>', {
    description: 'let a user sign in no more, and end their sessions and tokens',
    examples: ['claviger users disable jane@example.com --reason "left the company"'],
  })
    .option(...reasonOption)
    .action((identifier, { reason, ...format }) =>
      withServices(async ({ accounts, userActs, longestTokenSeconds }) => {
        const { sub } = await getAccount(accounts, identifier)
        const revoked = await userActs.disable(sub, { actor: actor(), reason })
        const context = { reason, longestSeconds: await longestTokenSeconds() }
        const account = await getAccount(accounts, sub)
        const document = { ...toDocument(account), ...toRevokedDocument(revoked, context) }
        await print(format, document, () =>
          [
            `${nameOf(account)} is disabled: signing in, sessions and tokens are refused from now on.`,
            describeRevoked(revoked, context),
            `To undo: claviger users enable ${toArgument(account)}`,
          ].join('\n'),
        )
      }),
    )
}

function addDelete(users: CommandUnknownOpts): void {
  addCommand(users, 'delete <user>', {
    description: 'delete a user with their sessions, tokens and consents, for good',
    examples: ['claviger users delete jane@example.com --yes --reason "asked for it"'],
  })
    .option('--yes', 'really')
    .option(...reasonOption)
    .action((identifier, { yes, reason, ...format }) =>
      withServices(async ({ accounts, userActs, longestTokenSeconds }) => {
        const account = await getAccount(accounts, identifier)
        const { sub } = account
        if (!yes)
          throw new Refusal(
            `Deleting ${nameOf(account)} cannot be undone: add --yes, or disable the user instead.`,
          )
        const revoked = await userActs.delete(sub, { actor: actor(), reason })
        const context = { reason, longestSeconds: await longestTokenSeconds() }
        const document = { sub, deleted: true, ...toRevokedDocument(revoked, context) }
        await print(format, document, () =>
          [`Deleted ${nameOf(account)} (${sub}).`, describeRevoked(revoked, context)].join('\n'),
        )
      }),
    )
}
