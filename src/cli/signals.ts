/** claviger signals: what looks like an attack, and to whom it happened (docs/watching.md). */
import type { CommandUnknownOpts } from '@commander-js/extra-typings'
import type { Signal } from '../watch/signals-store.ts'
import { addCommand, parseWholeNumber, sinceOption } from './command.ts'
import { indent, print } from './output.ts'
import { whenAndHow } from './time.ts'
import { withDatabase } from './with-database.ts'

const week = 7 * 86_400

export function addSignals(program: CommandUnknownOpts): void {
  addCommand(program, 'signals', {
    description: 'tell what looks like an attack; the latest last. Nothing is revoked by it',
    examples: ['claviger signals', 'claviger signals --since 1h --json'],
    notes: ['To act on one, see: claviger users revoke --help'],
  })
    .addOption(sinceOption(week, '7d'))
    .option('--limit <number>', 'only the latest so many', parseWholeNumber, 50)
    .action(({ since, limit, ...format }) =>
      withDatabase(async ({ database, clock }) => {
        const { createSignalStore } = await import('../watch/signals-store.ts')
        const now = clock.now()
        const signals = await createSignalStore(database).list({
          since: new Date(now.getTime() - since * 1000),
          limit,
        })
        await print(format, { signals }, () =>
          signals.length === 0
            ? 'No signals.'
            : signals.map((signal) => describe(signal, now)).join('\n\n'),
        )
      }),
    )
}

function describe(signal: Signal, now: Date): string {
  const { kind, subject_kind: subjectKind, subject, last_at: lastAt, count, details } = signal
  const lists = Object.entries(details).filter(([, values]) => values.length > 0)
  return [
    whenAndHow(lastAt, now),
    indent(
      [
        `${kind} (${count}): ${subjectKind} ${subject}`,
        ...lists.map(([name, values]) => `${name.padEnd(9)} ${values.join(', ')}`),
      ].join('\n'),
    ),
  ].join('\n')
}
