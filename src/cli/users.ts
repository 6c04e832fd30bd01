/** claviger users: the people who sign in. */
import { Option, type CommandUnknownOpts } from '@commander-js/extra-typings'
import { Refusal } from '../protocol/refusal.ts'
import { getAccount } from './accounts.ts'
import { actor, reasonOption } from './actor.ts'
import { addCommand, addNoun, parseWholeNumber } from './command.ts'
import { readJson, readPassword } from './input.ts'
import { print, table } from './output.ts'
import { addSetClaims } from './users-claims.ts'
import { describeRevoked, toRevokedDocument } from './revoked-view.ts'
import { addEndingCommands } from './users-end.ts'
import { describeAccount, nameOf, rowHead, toArgument, toDocument, toRow } from './user-view.ts'
import { withServices } from './with-database.ts'

const passwordOption = () =>
  new Option(
    '--password <password>',
    'the password; other users of this machine can see it, so prefer --password-stdin',
  ).conflicts('passwordStdin')
const passwordStdinOption = () =>
  new Option('--password-stdin', 'read the password from standard input (asks in a terminal)')

export function addUsers(program: CommandUnknownOpts): void {
  const users = addNoun(program, 'users', {
    description: 'the people who sign in',
    examples: [
      'claviger users create --email jane@example.com --password-stdin',
      'claviger users list --query jane',
      'claviger users revoke jane@example.com --reason "laptop stolen"',
    ],
  })
  addCreate(users)
  addList(users)
  addShow(users)
  addSetClaims(users)
  addEndingCommands(users)

  addSetPassword(users)
}

function addSetPassword(users: CommandUnknownOpts): void {
  addCommand(users, 'set-password <user>', {
    description: 'set a new password, and end every session and token of the user',
    examples: [
      'claviger users set-password jane@example.com --password-stdin',
      'openssl rand -base64 18 | tee password.txt | claviger users set-password jane --password-stdin',
    ],
  })
    .addOption(passwordOption())
    .addOption(passwordStdinOption())
    .option('--keep-sessions', 'leave sessions and tokens alone, also those of a thief')
    .option(...reasonOption)
    .action(async (identifier, { reason, keepSessions = false, ...options }) => {
      const password = await readPassword(options)
      await withServices(async ({ accounts, userActs, longestTokenSeconds }) => {
        const { sub } = await getAccount(accounts, identifier)
        const act = { actor: actor(), reason, keepSessions }
        const revoked = await userActs.setPassword(sub, password, act)
        const context = { reason, longestSeconds: await longestTokenSeconds() }
        const account = await getAccount(accounts, sub)
        const document = {
          ...toDocument(account),
          ...(revoked && toRevokedDocument(revoked, context)),
        }
        await print(options, document, () =>
          [
            `${nameOf(account)} has a new password.`,
            revoked
              ? `Sessions and tokens from before are refused from now on.\n${describeRevoked(revoked, context)}`
              : `Sessions and tokens go on. To end them: claviger users revoke ${toArgument(account)}`,
          ].join('\n'),
        )
      })
    })
}

function addCreate(users: CommandUnknownOpts): void {
  addCommand(users, 'create', {
    description: 'create a user with an email, a username or both',
    examples: [
      'claviger users create --email jane@example.com --password-stdin',
      'claviger users create --username jane --name "Jane Doe" --claims roles.json --password-stdin < password.txt',
    ],
    notes: [
      'roles.json: {"roles": ["admin"]}',
      'A client gets such a claim by asking for the scope of its name.',
    ],
  })
    .option('--email <email>', 'the email address')
    .option('--email-verified', 'the address is known to be theirs')
    .option('--username <username>', 'the username')
    .option('--name <name>', 'the full name')
    .option('--claims <file>', 'standard and custom claims, as a JSON object; - is standard input')
    .addOption(passwordOption())
    .addOption(passwordStdinOption())
    .action(async ({ json, claims: file, password: given, passwordStdin, ...account }) => {
      if (file === '-' && passwordStdin)
        throw new Refusal(
          'Standard input cannot hold both the claims and the password. Use a file.',
        )
      const claims = file === undefined ? undefined : await readJson(file)
      const password = await readPassword({ password: given, passwordStdin })
      await withServices(async ({ accounts }) => {
        const created = await accounts.create({ ...account, claims, password })
        await print({ json }, toDocument(created), () =>
          [
            `Created ${nameOf(created)}.`,
            '',
            describeAccount(created),
            '',
            'Next, type: claviger clients create --file client.json',
          ].join('\n'),
        )
      })
    })
}

function addList(users: CommandUnknownOpts): void {
  addCommand(users, 'list', {
    description: 'list users, page by page',
    examples: [
      'claviger users list',
      'claviger users list --query example.com --limit 1000 --json',
    ],
  })
    .option('--query <text>', 'only those with it in the email, the username or the name')
    .option('--limit <number>', 'how many at most', parseWholeNumber, 100)
    .option('--after <sub>', 'those after the last one of the page before')
    .action(({ json, ...page }) =>
      withServices(async ({ accounts }) => {
        const found = await accounts.list(page)
        const last = found.length === page.limit ? found.at(-1) : undefined
        const document = { users: found.map(toDocument), next_after: last?.sub ?? null }
        await print({ json }, document, async () => {
          if (found.length === 0)
            return 'No users. Type: claviger users create --email you@example.com --password-stdin'
          const more = last ? `\n\nThere may be more: add --after ${last.sub}` : ''
          return (await table(rowHead, found.map(toRow))) + more
        })
      }),
    )
}

function addShow(users: CommandUnknownOpts): void {
  addCommand(users, 'show <user>', {
    description: 'show a user, by email, username or sub',
    examples: ['claviger users show jane@example.com', 'claviger users show jane --json'],
  }).action((identifier, format) =>
    withServices(async ({ accounts }) => {
      const account = await getAccount(accounts, identifier)
      await print(format, toDocument(account), () => describeAccount(account))
    }),
  )
}
