/** claviger revoke-all: the emergency exit when nobody knows what was stolen. */
import type { CommandUnknownOpts } from '@commander-js/extra-typings'
import { Refusal } from '../protocol/refusal.ts'
import { actor, reasonOption } from './actor.ts'
import { addCommand } from './command.ts'
import { print } from './output.ts'
import { describeRevoked, toRevokedDocument } from './revoked-view.ts'
import { localTime } from './time.ts'
import { withServices } from './with-database.ts'

export function addRevokeAll(program: CommandUnknownOpts): void {
  addCommand(program, 'revoke-all', {
    description: 'emergency: refuse everything issued to anybody so far',
    examples: ['claviger revoke-all --yes --reason "a copy of the database was stolen"'],
    notes: [
      'Everybody signs in again, and services ask for new tokens. Passwords, client',
      'secrets and keys stay; see claviger clients rotate-secret, claviger keys revoke.',
    ],
  })
    .option('--yes', 'really')
    .option(...reasonOption)
    .action(async ({ yes, reason, ...format }) => {
      if (!yes)
        throw new Refusal(
          'This ends every session and every token of everybody, and cannot be undone: add --yes.',
        )
      await withServices(async ({ revocations, longestTokenSeconds }) => {
        const revoked = await revocations.revokeEverything({ actor: actor(), reason })
        const context = { reason, longestSeconds: await longestTokenSeconds() }
        await print(format, toRevokedDocument(revoked, context), () =>
          [
            'Revoked everything.',
            `Whatever was issued before ${localTime(revoked.notBefore)} is refused from now on.`,
            describeRevoked(
              revoked,
              context,
              'all sessions, codes, refresh tokens and access tokens',
            ),
            'Everybody can sign in again, and services can ask for new tokens.',
          ].join('\n'),
        )
      })
    })
}
