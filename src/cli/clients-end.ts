/** claviger clients revoke and delete: what ends the tokens of an application. */
import type { CommandUnknownOpts } from '@commander-js/extra-typings'
import { actor, reasonOption } from './actor.ts'
import { addCommand } from './command.ts'
import { print } from './output.ts'
import { describeRevoked, toRevokedDocument } from './revoked-view.ts'
import { localTime } from './time.ts'
import { withServices } from './with-database.ts'

export function addEndingCommands(clients: CommandUnknownOpts): void {
  addCommand(clients, 'revoke <client_id>', {
    description: 'refuse everything issued to a client so far; its secret still works',
    examples: [
      'claviger clients revoke my-app --reason "secret in a public repository"',
      'claviger clients rotate-secret my-app && claviger clients revoke my-app',
    ],
    notes: ['It takes up to two seconds: what the client gets afterwards counts.'],
  })
    .option(...reasonOption)
    .action((clientId, { reason, ...format }) =>
      withServices(async ({ revocations, longestTokenSeconds }) => {
        const revoked = await revocations.revokeClient(clientId, { actor: actor(), reason })
        const context = { reason, longestSeconds: await longestTokenSeconds() }
        const document = { client_id: clientId, ...toRevokedDocument(revoked, context) }
        await print(format, document, () =>
          [
            `Revoked ${clientId}.`,
            `Whatever was issued before ${localTime(revoked.notBefore)} is refused from now on.`,
            describeRevoked(revoked, context),
            'Its secret still works, and gets new tokens for whoever knows it. To replace it:',
            `claviger clients rotate-secret ${clientId}`,
          ].join('\n'),
        )
      }),
    )

  addCommand(clients, 'delete <client_id>', {
    description: 'delete a client with its codes, tokens and consents, for good',
    examples: [
      'claviger clients delete my-app',
      'claviger clients delete my-app --reason "retired"',
    ],
  })
    .option(...reasonOption)
    .action((clientId, { reason = 'deleted', ...format }) =>
      withServices(async ({ clientActs, longestTokenSeconds }) => {
        const revoked = await clientActs.delete(clientId, { actor: actor(), reason })
        const context = { reason, longestSeconds: await longestTokenSeconds() }
        const document = {
          client_id: clientId,
          deleted: true,
          ...toRevokedDocument(revoked, context),
        }
        await print(format, document, () =>
          [`Deleted ${clientId}.`, describeRevoked(revoked, context)].join('\n'),
        )
      }),
    )
}
