/** claviger users set-claims: what is said of a user, such as a role. */
import type { CommandUnknownOpts } from '@commander-js/extra-typings'
import { actor, reasonOption } from './actor.ts'
import { getAccount } from './accounts.ts'
import { addCommand } from './command.ts'
import { readJson } from './input.ts'
import { print } from './output.ts'
import { describeAccount, nameOf, toArgument, toDocument } from './user-view.ts'
import { withServices } from './with-database.ts'

export function addSetClaims(users: CommandUnknownOpts): void {
  addCommand(users, 'set-claims <user>', {
    description: 'replace the claims of a user, such as name and roles',
    examples: [
      'claviger users set-claims jane@example.com --file claims.json',
      `echo '{"name": "Jane", "roles": ["admin"]}' | claviger users set-claims jane --file -`,
    ],
    notes: ['A claim that is left out is gone. Email and username are not among them.'],
  })
    .requiredOption('--file <file>', 'the claims, as a JSON object; - is standard input')
    .option(...reasonOption)
    .action(async (identifier, { file, reason, ...format }) => {
      const claims = await readJson(file)
      await withServices(async ({ accounts, userActs }) => {
        const { sub } = await getAccount(accounts, identifier)
        const account = await userActs.setClaims(sub, claims, { actor: actor(), reason })
        await print(format, toDocument(account), () =>
          [
            `${nameOf(account)} has new claims.`,
            '',
            describeAccount(account),
            '',
            'Tokens from before keep theirs until they expire or are renewed. To end them now:',
            `claviger users revoke ${toArgument(account)}`,
          ].join('\n'),
        )
      })
    })
}
