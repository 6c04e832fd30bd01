/** claviger audit: who did what, when and why. */
import type { CommandUnknownOpts } from '@commander-js/extra-typings'
import type { AuditEntry } from '../audit/store.ts'
import { addCommand, parseWholeNumber } from './command.ts'
import { indent, print } from './output.ts'
import { whenAndHow } from './time.ts'
import { withDatabase } from './with-database.ts'

export function addAudit(program: CommandUnknownOpts): void {
  addCommand(program, 'audit', {
    description: 'tell who did what, when and why; the latest first',
    examples: [
      'claviger audit',
      'claviger audit --action users --limit 10',
      'claviger audit --subject SUB --json',
    ],
  })
    .option(
      '--subject <id>',
      'only what was done to it: a sub, sid, client_id, kid, jti or grant_id',
    )
    .option(
      '--action <action>',
      'only this, such as users.revoke; users stands for all about users',
    )
    .option('--limit <number>', 'only so many', parseWholeNumber, 50)
    .action(({ json, ...selection }) =>
      withDatabase(async ({ database, clock }) => {
        const { createAuditStore } = await import('../audit/store.ts')
        const events = await createAuditStore(database).listLatest(selection)
        const now = clock.now()
        await print({ json }, { events }, () =>
          events.length === 0
            ? 'Nothing of the kind was done yet.'
            : events.map((event) => describe(event, now)).join('\n\n'),
        )
      }),
    )
}

function describe({ at, action, subject, actor, reason, details }: AuditEntry, now: Date): string {
  const why = reason === null ? '' : `: ${reason}`
  const more = Object.keys(details).length === 0 ? [] : [JSON.stringify(details)]
  return [
    whenAndHow(at, now),
    indent([`${action} ${subject} by ${actor}${why}`, ...more].join('\n')),
  ].join('\n')
}
